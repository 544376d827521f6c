import { expect, it } from 'vitest';
import { createLinkToken } from './linkToken';

function page(address: string) {
  const url = new URL(address);
  const replaced: string[] = [];
  let onHash = () => {};
  const self = {
    location: url as unknown as Location,
    history: {
      replaceState(_: unknown, __: string, to: string) {
        replaced.push(to);
        url.hash = '';
        url.search = '';
        url.pathname = to;
      },
    } as unknown as History,
    addEventListener: (_: string, hear: () => void) => (onHash = hear),
  };
  return { self: self as unknown as Window, url, replaced, hashchange: () => onHash() };
}

it('takes the token and leaves no trace of it in the address', () => {
  const { self, url, replaced } = page('https://mundo.test/not-me#v1.secret');
  expect(createLinkToken(self).get()).toBe('v1.secret');
  expect(replaced).toEqual(['/not-me']);
  expect(url.href).not.toContain('secret');
});

it('leaves other pages and empty fragments alone', () => {
  for (const address of ['https://mundo.test/events#today', 'https://mundo.test/not-me', 'https://mundo.test/not-me#']) {
    const { self, replaced } = page(address);
    expect(createLinkToken(self).get()).toBeNull();
    expect(replaced).toEqual([]);
  }
});

it('takes the token of a second link in the same tab', () => {
  const { self, url, hashchange } = page('https://mundo.test/not-me#first');
  const token = createLinkToken(self);
  url.hash = 'second';
  hashchange();
  expect(token.get()).toBe('second');
  expect(url.href).not.toContain('second');
});
