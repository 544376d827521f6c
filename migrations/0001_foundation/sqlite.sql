-- What every part leans on: communities, signals, leases, answers kept for repeated requests.

-- owner: platform
CREATE TABLE community (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL
) STRICT;
INSERT INTO community (id, slug, name) VALUES (1, 'mundo-tango', 'Mundo Tango');

-- owner: platform/signals. One writer commits in the order of ids; xid is
-- there because PostgreSQL needs it.
CREATE TABLE signal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    xid INTEGER NOT NULL DEFAULT 0,
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX signal_order ON signal (xid, id);
CREATE INDEX signal_created_at ON signal (created_at);

-- owner: platform/signals. How far each consumer has come.
CREATE TABLE signal_consumer (
    name TEXT PRIMARY KEY,
    xid INTEGER NOT NULL,
    signal_id INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- owner: platform/leases. Who may do what on one node at a time; the token fences off late ones.
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder BLOB NOT NULL,
    token INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- owner: platform/http. Answers to requests with an Idempotency-Key, kept for a day.
CREATE TABLE idempotency_key (
    member_id BLOB NOT NULL,
    key TEXT NOT NULL,
    operation TEXT NOT NULL,
    request_hash BLOB NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (member_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_key_created_at ON idempotency_key (created_at);
