import { expect, it } from 'vitest';
import { matchPath } from './router';

it('reads an address', () => {
  expect(matchPath('/members', '/members/')).toEqual({});
  expect(matchPath('/members/:username', '/members/ana')).toEqual({ username: 'ana' });
  expect(matchPath('/members/:username/followers', '/members/jos%C3%A9/followers')).toEqual({ username: 'josé' });
  expect(matchPath('/members/:username', '/members')).toBeNull();
  expect(matchPath('/members/:username', '/events/ana')).toBeNull();
  expect(matchPath('/members/:username', '/members/%E0%A4%A')).toBeNull();
});
