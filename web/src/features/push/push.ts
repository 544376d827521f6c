/**
 * Notes on this device while no page is open: asked for by the member, ended with the session.
 *
 * The browser's subscription belongs to a key of the server. When the server has a new one, the next look subscribes
 * anew, so nobody notices.
 */
import type { Api, components } from 'mundo-tango-client';
import type { Page } from '../../platform/paging';
import { createStore, type Readable } from '../../platform/store';

/** `unsupported`: this browser cannot; `denied`: the member has forbidden it in the browser. */
export type PushState = 'unknown' | 'unsupported' | 'denied' | 'off' | 'on';

export interface Push extends Readable<PushState> {
  /** Finds out how things stand. */
  look(): Promise<void>;
  turnOn(): Promise<void>;
  turnOff(): Promise<void>;
}

type Subscription = components['schemas']['PushSubscription'];

/** What is needed of the browser; tests bring their own. */
export interface Browser {
  permission(): NotificationPermission;
  ask(): Promise<NotificationPermission>;
  /** Nothing when there is no subscription. */
  current(): Promise<PushSubscription | null>;
  subscribe(key: Uint8Array<ArrayBuffer>): Promise<PushSubscription>;
}

export function createPush(api: Api, browser: Browser | null = findBrowser()): Push {
  const state = createStore<PushState>(browser === null ? 'unsupported' : 'unknown');

  const serverKey = async () => (await api.get<{ public_key: string }>('/push/key')).public_key;

  async function subscribe(browser: Browser): Promise<void> {
    const key = await serverKey();
    let subscription = await browser.current();
    if (subscription && keyOf(subscription) !== key) {
      await subscription.unsubscribe();
      subscription = null;
    }
    subscription ??= await browser.subscribe(toBytes(key));
    const { endpoint, keys } = subscription.toJSON();
    await api.post('/push/subscriptions', { endpoint, p256dh: keys?.p256dh, auth: keys?.auth });
    state.set('on');
  }

  async function registered(): Promise<Subscription | undefined> {
    const all = await api.get<Page<Subscription>>('/push/subscriptions');
    return all.items.find((subscription) => subscription.current);
  }

  return {
    get: state.get,
    subscribe: state.subscribe,

    async look() {
      if (!browser) return;
      if (browser.permission() === 'denied') return state.set('denied');
      const subscription = browser.permission() === 'granted' ? await browser.current() : null;
      if (!subscription || !(await registered())) return state.set('off');
      if (keyOf(subscription) !== (await serverKey())) return subscribe(browser);
      state.set('on');
    },

    async turnOn() {
      if (!browser) return;
      const answer = await browser.ask();
      if (answer === 'granted') return subscribe(browser);
      state.set(answer === 'denied' ? 'denied' : 'off');
    },

    async turnOff() {
      if (!browser) return;
      const own = await registered();
      if (own) await api.delete(`/push/subscriptions/${own.id}`);
      await (await browser.current())?.unsubscribe();
      state.set('off');
    },
  };
}

function findBrowser(): Browser | null {
  const able =
    typeof window !== 'undefined' && 'serviceWorker' in navigator && 'PushManager' in window && 'Notification' in window;
  if (!able) return null;
  const worker = async () => {
    await navigator.serviceWorker.register('/push-worker.js');
    return navigator.serviceWorker.ready;
  };
  return {
    permission: () => Notification.permission,
    ask: () => Notification.requestPermission(),
    current: async () => (await navigator.serviceWorker.getRegistration())?.pushManager.getSubscription() ?? null,
    subscribe: async (key) =>
      (await worker()).pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }),
  };
}

function keyOf(subscription: PushSubscription): string {
  const key = subscription.options.applicationServerKey;
  return key ? fromBytes(new Uint8Array(key)) : '';
}

function toBytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
}

function fromBytes(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
