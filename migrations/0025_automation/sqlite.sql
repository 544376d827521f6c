-- What programs do in a member's name: access tokens and webhooks.

-- owner: accounts/access_tokens. The token itself is kept nowhere.
CREATE TABLE access_token (
    id BLOB PRIMARY KEY,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX access_token_member ON access_token (member_id, id);

-- owner: community/webhooks. Its secret is derived from the generation and kept nowhere.
CREATE TABLE webhook (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    owner_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    disabled_reason TEXT,
    secret_generation INTEGER NOT NULL DEFAULT 1,
    secret_rotated_at INTEGER,
    failing_since INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_owner ON webhook (community_id, owner_id, id);

-- owner: community/webhooks. One message to one address; it names a row and holds no text.
CREATE TABLE webhook_delivery (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    webhook_id BLOB NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    status TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_status INTEGER,
    last_error TEXT,
    last_attempt_at INTEGER,
    next_attempt_at INTEGER,
    created_at INTEGER NOT NULL,
    UNIQUE (webhook_id, event, subject_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX webhook_delivery_age ON webhook_delivery (created_at);
-- What still waits for a webhook that does not keep up.
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook_id) WHERE status = 'pending';
