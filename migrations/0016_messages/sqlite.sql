-- Rooms, who is in them, and what is said there.

-- owner: community/rooms. kind: direct (a pair, low id first), group (by invitation), open (by slug).
CREATE TABLE room (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    slug TEXT,
    title TEXT NOT NULL,
    low_id BLOB REFERENCES member (id) ON DELETE CASCADE,
    high_id BLOB REFERENCES member (id) ON DELETE CASCADE,
    group_id BLOB,
    member_count INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    UNIQUE (community_id, slug),
    UNIQUE (community_id, low_id, high_id),
    UNIQUE (group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX room_high ON room (high_id);

-- owner: community/rooms. status: joined, invited, removed. read_seq: how far they have read;
-- muted: the member's own wish; silenced: an admin's.
CREATE TABLE room_member (
    community_id INTEGER NOT NULL DEFAULT 1,
    room_id BLOB NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    read_seq INTEGER NOT NULL DEFAULT 0,
    muted INTEGER NOT NULL DEFAULT FALSE,
    silenced INTEGER NOT NULL DEFAULT FALSE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (room_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX room_member_member ON room_member (member_id, status);

-- owner: community/messages. seq is the place in the room's stream; a deleted message keeps its
-- place and loses its words. folded: for search, without accents.
CREATE TABLE message (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    room_id BLOB NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    sender_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    client_id TEXT,
    body TEXT NOT NULL,
    folded TEXT NOT NULL,
    reply_to_id BLOB,
    forwarded INTEGER NOT NULL DEFAULT FALSE,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    deleted_at INTEGER,
    UNIQUE (room_id, seq),
    UNIQUE (room_id, sender_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_sender ON message (sender_id);

-- owner: community/messages
CREATE TABLE message_reaction (
    community_id INTEGER NOT NULL DEFAULT 1,
    message_id BLOB NOT NULL REFERENCES message (id) ON DELETE CASCADE,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (message_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_reaction_member ON message_reaction (member_id);
