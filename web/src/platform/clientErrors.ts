/**
 * Browser exceptions, told to the server so that somebody hears of them.
 * Bounded: each one once, at most ten per page, cut to size, and never a failure that is the network's or the server's.
 */
import { type Exchange, Problem } from 'mundo-tango-client';

const MOST = 10;
const MESSAGE_CHARS = 500;
const STACK_CHARS = 4_000;

export interface ClientErrors {
  report(cause: unknown): void;
  listen(target: Window): void;
}

export function createClientErrors(options: {
  exchange: Exchange;
  token: () => string | null;
  release: string;
  url: () => string;
}): ClientErrors {
  const seen = new Set<string>();

  function report(cause: unknown): void {
    if (cause instanceof Problem) return;
    const { message, stack } = describe(cause);
    const key = `${message}\n${stack?.split('\n').slice(0, 3).join('\n') ?? ''}`;
    if (seen.has(key) || seen.size >= MOST) return;
    seen.add(key);
    options
      .exchange({
        method: 'POST',
        path: '/client-errors',
        body: { message, stack, url: options.url(), release: options.release },
        token: options.token(),
        keepalive: true,
      })
      .catch(() => undefined); // A report that cannot be told must not become another error.
  }

  return {
    report,
    listen(target) {
      target.addEventListener('error', (event) => {
        // Resources that fail to load arrive here without an error; so does the harmless ResizeObserver notice.
        if (event.error !== undefined && event.error !== null) report(event.error);
      });
      target.addEventListener('unhandledrejection', (event) => report(event.reason));
    },
  };
}

function describe(cause: unknown): { message: string; stack?: string } {
  if (cause instanceof Error) {
    return {
      message: `${cause.name}: ${cause.message}`.slice(0, MESSAGE_CHARS),
      stack: cause.stack?.slice(0, STACK_CHARS),
    };
  }
  return { message: String(cause).slice(0, MESSAGE_CHARS) };
}
