-- Streams: logs of what was pushed, so that who was away hears of it later.

-- owner: realtime/streams. The last number that a stream has given out.
CREATE TABLE stream_head (
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (community_id, kind, id)
) STRICT, WITHOUT ROWID;

-- owner: realtime/streams. What happened and to which row; never any text.
CREATE TABLE stream_entry (
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    row_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (community_id, kind, id, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX stream_entry_at ON stream_entry (at);
