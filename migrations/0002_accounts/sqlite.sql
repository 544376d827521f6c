-- Members, their sessions, the keys that sign their tokens.

-- owner: accounts/members
CREATE TABLE member (
    id BLOB PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    username TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role TEXT NOT NULL DEFAULT 'member',
    status TEXT NOT NULL DEFAULT 'active',
    follower_count INTEGER NOT NULL DEFAULT 0,
    following_count INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- owner: accounts/sessions. No token is stored: each is made from the session's
-- key, which lies here sealed under the master key.
CREATE TABLE session (
    id BLOB PRIMARY KEY,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL DEFAULT 0,
    sealed_key BLOB NOT NULL,
    device_hash BLOB,
    device_shown INTEGER NOT NULL DEFAULT FALSE,
    client TEXT NOT NULL,
    user_agent TEXT NOT NULL DEFAULT '',
    remembered INTEGER NOT NULL DEFAULT TRUE,
    created_at INTEGER NOT NULL,
    rotated_at INTEGER,
    successor_seen_at INTEGER,
    last_used_at INTEGER NOT NULL,
    repeat_day INTEGER NOT NULL DEFAULT 0,
    repeat_count INTEGER NOT NULL DEFAULT 0,
    revoked_at INTEGER,
    revoke_reason TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX session_member ON session (member_id, revoked_at);
CREATE INDEX session_last_used_at ON session (last_used_at);
CREATE INDEX session_revoked_at ON session (revoked_at);

-- owner: accounts/keys. Private halves are sealed under the master key.
CREATE TABLE signing_key (
    id TEXT PRIMARY KEY,
    algorithm TEXT NOT NULL,
    sealed_private BLOB NOT NULL,
    public BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    retires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
