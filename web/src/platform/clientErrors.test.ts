import { expect, it } from 'vitest';
import { createClientErrors } from './clientErrors';
import { Problem, type WireRequest } from 'mundo-tango-client';

function setting() {
  const sent: WireRequest[] = [];
  const errors = createClientErrors({
    exchange: async (request) => {
      sent.push(request);
      throw new Problem({ status: 429, code: 'rate_limited' });
    },
    token: () => 't',
    release: '1.2.3',
    url: () => 'https://tango.test/events',
  });
  return { errors, sent };
}

it('tells an exception once, with where and in which release', () => {
  const { errors, sent } = setting();
  const broken = new TypeError('x is undefined');
  errors.report(broken);
  errors.report(broken);
  expect(sent).toHaveLength(1);
  expect(sent[0]).toMatchObject({
    method: 'POST',
    path: '/client-errors',
    token: 't',
    body: { message: 'TypeError: x is undefined', url: 'https://tango.test/events', release: '1.2.3' },
  });
});

it('is bounded in number and size', () => {
  const { errors, sent } = setting();
  for (let n = 0; n < 50; n += 1) errors.report(`${n} ${'long '.repeat(1000)}`);
  expect(sent).toHaveLength(10);
  expect((sent[0]!.body as { message: string }).message).toHaveLength(500);
});

it('does not blame the app for the network', () => {
  const { errors, sent } = setting();
  errors.report(new Problem({ status: 0, code: 'network' }));
  expect(sent).toHaveLength(0);
});
