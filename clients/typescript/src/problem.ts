import type { components } from './api/schema.ts';

export type FieldProblem = components['schemas']['FieldProblem'];

/**
 * Why a call did not succeed: the server's problem document (RFC 9457), or one of three codes of our own
 * for what never became an answer: `network`, `timeout`, `unreadable`.
 * Decide by `code`; show `detail`, which the server has put into the member's language.
 */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string | null;
  readonly errors: readonly FieldProblem[];
  readonly retryAfterMs: number | null;

  constructor(parts: {
    status: number;
    code: string;
    detail?: string;
    requestId?: string | null;
    errors?: readonly FieldProblem[];
    retryAfterMs?: number | null;
  }) {
    super(`${parts.status} ${parts.code}`);
    this.name = 'Problem';
    this.status = parts.status;
    this.code = parts.code;
    this.detail = parts.detail ?? '';
    this.requestId = parts.requestId ?? null;
    this.errors = parts.errors ?? [];
    this.retryAfterMs = parts.retryAfterMs ?? null;
  }

  /** True when the same call may succeed later without anybody changing anything. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export function asProblem(cause: unknown): Problem {
  if (cause instanceof Problem) return cause;
  // A mistake of our own: shown like any failure, and told to whoever listens for errors.
  if (typeof reportError === 'function') reportError(cause);
  return new Problem({ status: 0, code: 'unreadable' });
}

/** Reads a refusal. An answer that is no problem document (a proxy's page) still becomes one, with code `unreadable`. */
export async function readProblem(response: Response): Promise<Problem> {
  const base = {
    status: response.status,
    requestId: response.headers.get('x-request-id'),
    retryAfterMs: readRetryAfter(response.headers.get('retry-after')),
  };
  const type = response.headers.get('content-type') ?? '';
  if (!/[/+]json\b/.test(type)) return new Problem({ ...base, code: 'unreadable' });
  let document: unknown;
  try {
    document = await response.json();
  } catch {
    return new Problem({ ...base, code: 'unreadable' });
  }
  if (!isRecord(document) || typeof document.code !== 'string') return new Problem({ ...base, code: 'unreadable' });
  return new Problem({
    ...base,
    code: document.code,
    detail: text(document.detail) || text(document.title),
    requestId: text(document.request_id) || base.requestId,
    errors: Array.isArray(document.errors) ? document.errors.filter(isFieldProblem) : [],
  });
}

/** The sentences of a problem by field: `/display_name` (or `#/display_name`) becomes `display_name`. The first one wins. */
export function fieldProblems(problem: Problem): Record<string, string> {
  const found: Record<string, string> = {};
  for (const error of problem.errors) {
    const field = error.pointer.replace(/^#?\/?/, '').split('/')[0];
    if (field && !(field in found)) found[field] = error.detail;
  }
  return found;
}

/** Seconds or an HTTP date, in milliseconds from now; null when absent or unreadable. */
export function readRetryAfter(value: string | null, now: number = Date.now()): number | null {
  if (value === null || value.trim() === '') return null;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1000);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isFieldProblem(value: unknown): value is FieldProblem {
  return isRecord(value) && typeof value.pointer === 'string' && typeof value.detail === 'string';
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
