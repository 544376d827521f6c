/** The conversations that were opened, kept while the member is signed in: what is on its way stays so. */
import { createConversation, type Conversation } from './conversation';

export interface Conversations {
  of(roomId: string): Conversation;
}

export function createConversations(
  parts: Omit<Parameters<typeof createConversation>[0], 'roomId'>,
): Conversations {
  const known = new Map<string, Conversation>();
  return {
    of(roomId) {
      const conversation = known.get(roomId) ?? createConversation({ ...parts, roomId });
      known.set(roomId, conversation);
      return conversation;
    },
  };
}
