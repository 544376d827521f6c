-- Follows, posts, reactions, events.

-- owner: community/follows
CREATE TABLE follow (
    community_id INTEGER NOT NULL DEFAULT 1,
    follower_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    followee_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (community_id, follower_id, followee_id)
);
CREATE INDEX follow_followee ON follow (community_id, followee_id, follower_id);

-- owner: community/posts. Ids sort by time, so (author, id) is the author's history.
CREATE TABLE post (
    id UUID PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    author_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    like_count BIGINT NOT NULL DEFAULT 0,
    comment_count BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL,
    edited_at TIMESTAMPTZ
);
CREATE INDEX post_author ON post (community_id, author_id, id);

-- owner: community/reactions
CREATE TABLE reaction (
    community_id INTEGER NOT NULL DEFAULT 1,
    post_id UUID NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (post_id, member_id)
);
CREATE INDEX reaction_member ON reaction (member_id);

-- owner: community/events
CREATE TABLE event (
    id UUID PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    title TEXT NOT NULL,
    city TEXT NOT NULL,
    starts_at TIMESTAMPTZ NOT NULL,
    going_count BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX event_start ON event (community_id, starts_at, id);
CREATE INDEX event_city_start ON event (community_id, city, starts_at, id);

-- owner: community/events
CREATE TABLE rsvp (
    community_id INTEGER NOT NULL DEFAULT 1,
    event_id UUID NOT NULL REFERENCES event (id) ON DELETE CASCADE,
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (event_id, member_id)
);
CREATE INDEX rsvp_member ON rsvp (member_id);
