-- Streams: logs of what was pushed, so that who was away hears of it later.

-- owner: realtime/streams. The last number that a stream has given out; the row is locked by whoever gives out more.
CREATE TABLE stream_head (
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    id UUID NOT NULL,
    seq BIGINT NOT NULL,
    PRIMARY KEY (community_id, kind, id)
) WITH (fillfactor = 50);

-- owner: realtime/streams. What happened and to which row; never any text.
CREATE TABLE stream_entry (
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    id UUID NOT NULL,
    seq BIGINT NOT NULL,
    name TEXT NOT NULL,
    row_id UUID NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (community_id, kind, id, seq)
);
CREATE INDEX stream_entry_at ON stream_entry (at);
