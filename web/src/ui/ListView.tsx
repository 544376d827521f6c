import { useEffect, useRef, type ReactNode } from 'react';
import type { Identified, ListState, PagedList } from '../platform/paging';
import { useStore } from '../platform/store';
import { useTexts } from '../platform/texts';
import { problemText } from './problemText';
import { Failed } from './states';

/** Loads a list when it is first shown, and again when what it holds is older than `maxAgeMs`. */
export function useList<T extends Identified>(list: PagedList<T>, maxAgeMs = 60_000): ListState<T> {
  useEffect(() => list.ensure(maxAgeMs), [list, maxAgeMs]);
  return useStore(list);
}

/** A list with everything around it: loading, failed, empty, the items, and the pages that follow. */
export function ListView<T extends Identified>({
  list,
  loading,
  empty,
  children,
  maxAgeMs,
}: {
  list: PagedList<T>;
  loading: ReactNode;
  empty: ReactNode;
  children: (items: readonly T[]) => ReactNode;
  maxAgeMs?: number;
}) {
  const { items, phase, problem, next_cursor } = useList(list, maxAgeMs);
  if (phase === 'failed' && problem && items.length === 0) {
    return <Failed problem={problem} onRetry={() => void list.refresh()} />;
  }
  if (phase !== 'ready' && items.length === 0) return loading;
  if (items.length === 0) return empty;
  return (
    <>
      {children(items)}
      {next_cursor !== null && <NextPage list={list} />}
    </>
  );
}

/** Fetches the next page when it comes near; the button is there for keyboards, and for when that failed. */
function NextPage<T extends Identified>({ list }: { list: PagedList<T> }) {
  const texts = useTexts();
  const { t } = texts;
  const { more, problem, items } = useStore(list);
  const mark = useRef<HTMLDivElement>(null);

  useEffect(() => {
    // After a failure only the button tries again: a dead line is not hammered by scrolling.
    if (more !== 'idle' || !mark.current) return;
    const watch = new IntersectionObserver(
      (seen) => {
        if (seen.some((entry) => entry.isIntersecting)) void list.loadMore();
      },
      { rootMargin: '600px' },
    );
    watch.observe(mark.current);
    return () => watch.disconnect();
  }, [list, more, items.length]);

  return (
    <div className="next-page" ref={mark}>
      {more === 'failed' && problem && <p role="alert">{problemText(problem, texts)}</p>}
      <button type="button" className="button-soft" aria-disabled={more === 'loading'} onClick={() => void list.loadMore()}>
        {more === 'loading' ? t('app.loading_more') : more === 'failed' ? t('app.retry') : t('app.show_more')}
      </button>
    </div>
  );
}
