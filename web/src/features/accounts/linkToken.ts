import { createStore, type Readable } from '../../platform/store';

/**
 * The token behind `#` in a mail's link to /not-me. It is taken out of the address bar and the history before
 * anything is shown, and goes nowhere but into the body of one call.
 */
export function createLinkToken(page: Pick<Window, 'location' | 'history' | 'addEventListener'> = window): Readable<string | null> {
  const store = createStore<string | null>(null);
  function take(): void {
    const { pathname, hash } = page.location;
    if (pathname.replace(/\/+$/, '') !== '/not-me' || hash.length < 2) return;
    store.set(hash.slice(1));
    page.history.replaceState(null, '', '/not-me');
  }
  take();
  // A second link opened in the same tab changes the fragment alone.
  page.addEventListener('hashchange', take);
  return store;
}
