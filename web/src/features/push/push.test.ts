import { describe, expect, it, vi } from 'vitest';
import type { Api } from 'mundo-tango-client';
import { createPush, type Browser } from './push';

/** A browser and a server that remember. */
function setting(permission: NotificationPermission = 'default') {
  const server = { key: 'AAEC', subscriptions: [] as { id: string; current: boolean; endpoint?: string }[] };
  const api = {
    get: vi.fn(async (path: string) =>
      path === '/push/key' ? { public_key: server.key } : { items: server.subscriptions, next_cursor: null },
    ),
    post: vi.fn(async (_: string, body: { endpoint: string }) => {
      server.subscriptions = [{ id: 's1', current: true, endpoint: body.endpoint }];
    }),
    delete: vi.fn(async () => {
      server.subscriptions = [];
    }),
  };
  let subscription: PushSubscription | null = null;
  const browser: Browser = {
    permission: () => permission,
    ask: async () => permission,
    current: async () => subscription,
    subscribe: vi.fn(async (key) => {
      subscription = {
        options: { applicationServerKey: key.buffer },
        toJSON: () => ({ endpoint: 'https://push.example/1', keys: { p256dh: 'p', auth: 'a' } }),
        unsubscribe: async () => {
          subscription = null;
          return true;
        },
      } as unknown as PushSubscription;
      return subscription;
    }),
  };
  return { push: createPush(api as unknown as Api, browser), api, browser, server, hasSubscription: () => subscription !== null };
}

describe('notes on this device', () => {
  it('are asked for by the member and can be ended', async () => {
    const { push, api, hasSubscription } = setting('granted');
    await push.look();
    expect(push.get()).toBe('off');
    await push.turnOn();
    expect(push.get()).toBe('on');
    expect(api.post).toHaveBeenCalledWith('/push/subscriptions', {
      endpoint: 'https://push.example/1',
      p256dh: 'p',
      auth: 'a',
    });
    await push.look();
    expect(push.get()).toBe('on');
    await push.turnOff();
    expect([push.get(), hasSubscription()]).toEqual(['off', false]);
  });

  it('stay off when the member forbids them in the browser', async () => {
    const { push, api } = setting('denied');
    await push.turnOn();
    expect(push.get()).toBe('denied');
    expect(api.post).not.toHaveBeenCalled();
  });

  it('are off again once the server has forgotten this session', async () => {
    const { push, server } = setting('granted');
    await push.turnOn();
    server.subscriptions = [];
    await push.look();
    expect(push.get()).toBe('off');
  });

  it('follow the server to its new key', async () => {
    const { push, server, browser } = setting('granted');
    await push.turnOn();
    server.key = 'AwQF';
    await push.look();
    expect(push.get()).toBe('on');
    expect(browser.subscribe).toHaveBeenCalledTimes(2);
    await push.look();
    expect(browser.subscribe).toHaveBeenCalledTimes(2);
  });

  it('are no matter where a browser cannot', async () => {
    const push = createPush({} as Api, null);
    await push.look();
    await push.turnOn();
    expect(push.get()).toBe('unsupported');
  });
});
