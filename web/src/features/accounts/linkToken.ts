import { createStore, type Readable } from '../../platform/store';

/**
 * The token behind `#` in a mail's link to /not-me or /appeal. It is taken out of the address bar and the history before
 * anything is shown, and goes nowhere but into the body of one call.
 */
export function createLinkToken(page: Pick<Window, 'location' | 'history' | 'addEventListener'> = window): Readable<string | null> {
  const store = createStore<string | null>(null);
  function take(): void {
    const { pathname, hash } = page.location;
    const place = pathname.replace(/\/+$/, '');
    if (!['/not-me', '/appeal'].includes(place) || hash.length < 2) return;
    store.set(hash.slice(1));
    page.history.replaceState(null, '', place);
  }
  take();
  // A second link opened in the same tab changes the fragment alone.
  page.addEventListener('hashchange', take);
  return store;
}
