-- Members, their sessions, the keys that sign their tokens.

-- owner: accounts/members
CREATE TABLE member (
    id UUID PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    username TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'member',
    status TEXT NOT NULL DEFAULT 'active',
    follower_count BIGINT NOT NULL DEFAULT 0,
    following_count BIGINT NOT NULL DEFAULT 0,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

-- owner: accounts/sessions. No token is stored: each is made from the session's
-- key, which lies here sealed under the master key.
CREATE TABLE session (
    id UUID PRIMARY KEY,
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL DEFAULT 0,
    sealed_key BYTEA NOT NULL,
    device_hash BYTEA,
    device_shown BOOLEAN NOT NULL DEFAULT FALSE,
    client TEXT NOT NULL,
    user_agent TEXT NOT NULL DEFAULT '',
    remembered BOOLEAN NOT NULL DEFAULT TRUE,
    created_at TIMESTAMPTZ NOT NULL,
    rotated_at TIMESTAMPTZ,
    successor_seen_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ NOT NULL,
    repeat_day BIGINT NOT NULL DEFAULT 0,
    repeat_count BIGINT NOT NULL DEFAULT 0,
    revoked_at TIMESTAMPTZ,
    revoke_reason TEXT
);
CREATE INDEX session_member ON session (member_id, revoked_at);
CREATE INDEX session_last_used_at ON session (last_used_at);
CREATE INDEX session_revoked_at ON session (revoked_at);

-- owner: accounts/keys. Private halves are sealed under the master key.
CREATE TABLE signing_key (
    id TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    sealed_private BYTEA NOT NULL,
    public BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    retires_at TIMESTAMPTZ NOT NULL
);
