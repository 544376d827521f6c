/** Programs that work in the member's name: access tokens and webhooks. */
import type { Api, components } from 'mundo-tango-client';
import type { Page } from '../../platform/paging';

export type AccessToken = components['schemas']['AccessToken'];
export type Scope = components['schemas']['TokenScope'];
export type Webhook = components['schemas']['Webhook'];

export interface Programs {
  tokens(): Promise<AccessToken[]>;
  /** The token itself, shown this once. */
  makeToken(name: string, scopes: Scope[], days: number): Promise<string>;
  endToken(id: string): Promise<void>;
  webhooks(): Promise<Webhook[]>;
  /** Its secret, shown this once. */
  makeWebhook(url: string): Promise<string>;
  switchWebhook(id: string, enabled: boolean): Promise<Webhook>;
  deleteWebhook(id: string): Promise<void>;
}

export function createPrograms(api: Api): Programs {
  return {
    tokens: async () => (await api.get<Page<AccessToken>>('/access-tokens', { limit: 50 })).items,
    makeToken: async (name, scopes, days) =>
      (await api.post<{ token: string }>('/access-tokens', { name, scopes, expires_in_days: days })).token,
    endToken: (id) => api.delete(`/access-tokens/${id}`),
    webhooks: async () => (await api.get<Page<Webhook>>('/webhooks', { limit: 50 })).items,
    makeWebhook: async (url) =>
      (await api.post<{ secret: string }>('/webhooks', { url, events: ['post.created'] })).secret,
    switchWebhook: (id, enabled) => api.patch<Webhook>(`/webhooks/${id}`, { enabled }),
    deleteWebhook: (id) => api.delete(`/webhooks/${id}`),
  };
}
