-- What programs do in a member's name: access tokens and webhooks.

-- owner: accounts/access_tokens. The token itself is kept nowhere.
CREATE TABLE access_token (
    id UUID PRIMARY KEY,
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash BYTEA NOT NULL UNIQUE,
    scopes TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ
);
CREATE INDEX access_token_member ON access_token (member_id, id);

-- owner: community/webhooks. Its secret is derived from the generation and kept nowhere.
CREATE TABLE webhook (
    id UUID PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    owner_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    disabled_reason TEXT,
    secret_generation BIGINT NOT NULL DEFAULT 1,
    secret_rotated_at TIMESTAMPTZ,
    failing_since TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX webhook_owner ON webhook (community_id, owner_id, id);

-- owner: community/webhooks. One message to one address; it names a row and holds no text.
CREATE TABLE webhook_delivery (
    id UUID PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    webhook_id UUID NOT NULL REFERENCES webhook (id) ON DELETE CASCADE,
    event TEXT NOT NULL,
    subject_id UUID NOT NULL,
    status TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    last_status BIGINT,
    last_error TEXT,
    last_attempt_at TIMESTAMPTZ,
    next_attempt_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    UNIQUE (webhook_id, event, subject_id)
);
CREATE INDEX webhook_delivery_age ON webhook_delivery (created_at);
-- What still waits for a webhook that does not keep up.
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook_id) WHERE status = 'pending';
