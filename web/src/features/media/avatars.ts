import type { Api } from 'mundo-tango-client';
import type { MediaView } from './uploads';

/** One's own picture. */
export interface Avatars {
  own(): Promise<MediaView | null>;
  set(mediaId: string): Promise<MediaView>;
  remove(): Promise<void>;
}

export function createAvatars(api: Api, myId: string): Avatars {
  return {
    own: async () => (await api.get<{ picture: MediaView | null }>(`/members/${myId}/avatar`)).picture,
    set: (mediaId) => api.post<MediaView>('/me/avatar', { media_id: mediaId }),
    remove: () => api.delete('/me/avatar'),
  };
}
