-- What every part leans on: communities, signals, leases, answers kept for repeated requests.

-- owner: platform
CREATE TABLE community (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL
);
INSERT INTO community (id, slug, name) VALUES (1, 'mundo-tango', 'Mundo Tango');

-- owner: platform/signals. A later id can commit first, so consumers read in the
-- order of (xid, id) and only below the oldest transaction still under way.
CREATE TABLE signal (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xid XID8 NOT NULL DEFAULT pg_current_xact_id(),
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    payload JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX signal_order ON signal (xid, id);
CREATE INDEX signal_created_at ON signal (created_at);

-- owner: platform/signals. How far each consumer has come.
CREATE TABLE signal_consumer (
    name TEXT PRIMARY KEY,
    xid BIGINT NOT NULL,
    signal_id BIGINT NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

-- owner: platform/leases. Who may do what on one node at a time; the token fences off late ones.
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder UUID NOT NULL,
    token BIGINT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);

-- owner: platform/http. Answers to requests with an Idempotency-Key, kept for a day.
CREATE TABLE idempotency_key (
    member_id UUID NOT NULL,
    key TEXT NOT NULL,
    operation TEXT NOT NULL,
    request_hash BYTEA NOT NULL,
    status INTEGER NOT NULL,
    body JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (member_id, key)
);
CREATE INDEX idempotency_key_created_at ON idempotency_key (created_at);
