import type { Problem } from 'mundo-tango-client';
import type { Texts } from '../platform/texts';

/** The sentence to show for a problem: the server's own where it has one, ours where there was no answer. */
export function problemText(problem: Problem, { t }: Pick<Texts, 't'>): string {
  switch (problem.code) {
    case 'network':
      return t('problem.network');
    case 'timeout':
      return t('problem.timeout');
    case 'unreadable':
      return problem.status >= 500 ? t('problem.unavailable') : t('problem.unreadable');
  }
  if (problem.detail) return problem.detail;
  if (problem.status === 429) {
    return t('problem.rate_limited', { count: Math.max(1, Math.ceil((problem.retryAfterMs ?? 1000) / 1000)) });
  }
  if (problem.passing) return t('problem.unavailable');
  return t('problem.unknown');
}
