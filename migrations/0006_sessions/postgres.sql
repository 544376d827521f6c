-- Devices, the security log, revocations that every node hears of.

ALTER TABLE member ADD COLUMN language TEXT NOT NULL DEFAULT 'en';

-- When the member last gave a password here; absent: at log-in.
ALTER TABLE session ADD COLUMN authenticated_at TIMESTAMPTZ;
ALTER TABLE session ADD COLUMN label TEXT NOT NULL DEFAULT '';
-- The caller's network, /24 or /48; dropped after 30 days.
ALTER TABLE session ADD COLUMN network TEXT;

-- owner: accounts/devices. A browser or app that a member has logged in from,
-- known by a random secret that only it holds.
CREATE TABLE device (
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    secret_hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    first_seen_at TIMESTAMPTZ NOT NULL,
    last_seen_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (member_id, secret_hash)
);
CREATE INDEX device_secret_hash ON device (secret_hash);
CREATE INDEX device_last_seen_at ON device (last_seen_at);

-- owner: accounts/security_log. What happened to an account, for its member.
CREATE TABLE security_log (
    id UUID PRIMARY KEY,
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    session_id UUID,
    kind TEXT NOT NULL,
    detail TEXT,
    network TEXT,
    device TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX security_log_member ON security_log (member_id, id);
CREATE INDEX security_log_created_at ON security_log (created_at);

-- owner: accounts/revocations. What every node must hear of and the journal
-- outside the database keeps. No session: the member's rights or password changed.
CREATE TABLE revocation (
    id UUID PRIMARY KEY,
    member_id UUID NOT NULL,
    session_id UUID,
    reason TEXT NOT NULL,
    password_hash TEXT,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX revocation_created_at ON revocation (created_at);
