-- Devices, the security log, revocations that every node hears of.

ALTER TABLE member ADD COLUMN language TEXT NOT NULL DEFAULT 'en';

-- When the member last gave a password here; absent: at log-in.
ALTER TABLE session ADD COLUMN authenticated_at INTEGER;
ALTER TABLE session ADD COLUMN label TEXT NOT NULL DEFAULT '';
-- The caller's network, /24 or /48; dropped after 30 days.
ALTER TABLE session ADD COLUMN network TEXT;

-- owner: accounts/devices. A browser or app that a member has logged in from,
-- known by a random secret that only it holds.
CREATE TABLE device (
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    secret_hash BLOB NOT NULL,
    name TEXT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (member_id, secret_hash)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_secret_hash ON device (secret_hash);
CREATE INDEX device_last_seen_at ON device (last_seen_at);

-- owner: accounts/security_log. What happened to an account, for its member.
CREATE TABLE security_log (
    id BLOB PRIMARY KEY,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    session_id BLOB,
    kind TEXT NOT NULL,
    detail TEXT,
    network TEXT,
    device TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX security_log_member ON security_log (member_id, id);
CREATE INDEX security_log_created_at ON security_log (created_at);

-- owner: accounts/revocations. What every node must hear of and the journal
-- outside the database keeps. No session: the member's rights or password changed.
CREATE TABLE revocation (
    id BLOB PRIMARY KEY,
    member_id BLOB NOT NULL,
    session_id BLOB,
    reason TEXT NOT NULL,
    password_hash TEXT,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revocation_created_at ON revocation (created_at);
