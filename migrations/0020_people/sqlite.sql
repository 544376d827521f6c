-- People: profiles, settings, friends.

-- owner: community/follows. Whether the two are friends as well: then the feed shows what friends may read.
ALTER TABLE follow ADD COLUMN is_friend INTEGER NOT NULL DEFAULT FALSE;
CREATE INDEX follow_friend ON follow (community_id, follower_id, followee_id) WHERE is_friend;

ALTER TABLE member ADD COLUMN friend_count INTEGER NOT NULL DEFAULT 0;

-- owner: community/profiles. `languages` and `tango_roles` are words with spaces between.
-- The place as others may find it stands in `city` and `country`; `privacy` says who sees which field.
CREATE TABLE profile (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    bio TEXT NOT NULL DEFAULT '',
    occupation TEXT NOT NULL DEFAULT '',
    city TEXT NOT NULL DEFAULT '',
    country TEXT NOT NULL DEFAULT '',
    languages TEXT NOT NULL DEFAULT '',
    tango_roles TEXT NOT NULL DEFAULT '',
    leader_level INTEGER,
    follower_level INTEGER,
    dancing_since INTEGER,
    avatar_id BLOB,
    cover_id BLOB,
    privacy TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (community_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX profile_member ON profile (member_id);
CREATE INDEX profile_city ON profile (community_id, city, member_id);

-- owner: community/profiles. A member's page as dancer, teacher, DJ …
CREATE TABLE experience (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    page TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (community_id, member_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX experience_member ON experience (member_id);

-- owner: community/settings. What differs from the defaults.
CREATE TABLE member_settings (
    member_id BLOB PRIMARY KEY REFERENCES member (id) ON DELETE CASCADE,
    document TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- owner: community/friends. One row for each of two members who ask; the later request of a pair answers the earlier.
CREATE TABLE friend_request (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    sender_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    receiver_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    did_we_dance INTEGER NOT NULL DEFAULT FALSE,
    dance_place TEXT NOT NULL DEFAULT '',
    dance_story TEXT NOT NULL DEFAULT '',
    note TEXT NOT NULL DEFAULT '',
    -- For the sender's eyes alone.
    private_note TEXT NOT NULL DEFAULT '',
    snoozed_until INTEGER,
    created_at INTEGER NOT NULL,
    answered_at INTEGER,
    UNIQUE (community_id, sender_id, receiver_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX friend_request_received ON friend_request (community_id, receiver_id, status, id);
CREATE INDEX friend_request_sent ON friend_request (community_id, sender_id, status, id);
CREATE INDEX friend_request_snoozed ON friend_request (snoozed_until) WHERE snoozed_until IS NOT NULL;
CREATE INDEX friend_request_receiver ON friend_request (receiver_id);
CREATE INDEX friend_request_sender ON friend_request (sender_id);

-- owner: community/friends. A friendship is two rows.
CREATE TABLE friend (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    friend_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    danced INTEGER NOT NULL DEFAULT FALSE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (community_id, member_id, friend_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX friend_member ON friend (member_id);
CREATE INDEX friend_friend ON friend (friend_id);
