import { expect, it } from 'vitest';
import { bodyLength, bodyParts } from './posts';

it('counts characters as people do, not as JavaScript does', () => {
  expect(bodyLength('  ñandú 💃🏽 \n')).toBe(8);
});

it('finds web addresses and leaves the sentence its full stop', () => {
  const body = 'Tickets: https://example.org/a_(b)?q=1. See (http://tango.test/x), not javascript:alert(1)';
  const parts = bodyParts(body);
  expect(parts.map((part) => part.text).join('')).toBe(body);
  expect(parts.filter((part) => part.kind === 'link').map((part) => part.text)).toEqual(['https://example.org/a_(b)?q=1', 'http://tango.test/x']);
});

it('leaves a body without addresses whole', () => {
  expect(bodyParts('hola https:// mundo')).toEqual([{ kind: 'text', text: 'hola https:// mundo' }]);
});
