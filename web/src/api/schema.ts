/**
 * The shapes of the HTTP interface.
 *
 * This file is the place of the output of `npm run api` (openapi-typescript over web/openapi.json).
 * Until the server emits that document, these are the same shapes by hand, from the contract of the first slice.
 */
export interface components {
  schemas: {
    Me: {
      id: string;
      email: string;
      username: string;
      display_name: string;
      created_at: string;
      roles: string[];
    };
    SessionTokens: {
      user?: components['schemas']['Me'];
      access_token: string;
      token_type: string;
      expires_in: number;
    };
    NewAccount: {
      email: string;
      password: string;
      username: string;
      display_name: string;
    };
    Credentials: {
      email: string;
      password: string;
    };
    Author: {
      id: string;
      username: string;
      display_name: string;
    };
    Member: {
      id: string;
      username: string;
      display_name: string;
      created_at: string;
      follower_count: number;
      following_count: number;
      followed_by_me: boolean;
    };
    ReactionType: 'like' | 'love' | 'laugh' | 'angry' | 'sad' | 'dislike';
    Post: {
      id: string;
      body: string;
      created_at: string;
      edited_at: string | null;
      author: components['schemas']['Author'];
      like_count: number;
      comment_count: number;
      liked_by_me: boolean;
      reaction: components['schemas']['ReactionType'] | null;
    };
    ReactionSummary: {
      reaction: components['schemas']['ReactionType'];
      like_count: number;
      liked_by_me: boolean;
    };
    RsvpStatus: 'going' | 'interested' | 'maybe' | 'not_going';
    Event: {
      id: string;
      title: string;
      city: string;
      starts_at: string;
      going_count: number;
      my_rsvp: components['schemas']['RsvpStatus'] | null;
    };
    RsvpSummary: {
      status: components['schemas']['RsvpStatus'];
      going_count: number;
    };
    FieldProblem: {
      pointer: string;
      code: string;
      detail: string;
    };
    Problem: {
      type: string;
      title: string;
      status: number;
      detail?: string;
      code: string;
      request_id?: string;
      errors?: components['schemas']['FieldProblem'][];
    };
  };
}
