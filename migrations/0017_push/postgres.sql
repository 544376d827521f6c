-- Web Push: notes to members who are offline.

-- owner: accounts/push. Keys by which push services know this server, sealed under
-- the master key. The last one is offered to browsers; a subscription names its own.
CREATE TABLE push_key (
    id TEXT PRIMARY KEY,
    sealed BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

-- owner: accounts/push. Where a browser wants to be told, and what seals it for that
-- browser alone. It goes with its session.
CREATE TABLE push_subscription (
    id UUID PRIMARY KEY,
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    session_id UUID NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    key_id TEXT NOT NULL,
    endpoint TEXT NOT NULL UNIQUE,
    p256dh BYTEA NOT NULL,
    auth BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX push_subscription_member ON push_subscription (member_id, id);
CREATE INDEX push_subscription_session ON push_subscription (session_id);
