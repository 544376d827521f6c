-- Roles in a table of their own, the audit log of what staff do, the first administrator's code.

-- owner: accounts/roles. A member without a row here is free. No grantor: the command line.
CREATE TABLE member_role (
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    granted_by UUID,
    granted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (member_id, role)
);
CREATE INDEX member_role_role ON member_role (role);
INSERT INTO member_role (member_id, role, granted_at)
SELECT id, CASE role WHEN 'moderator' THEN 'platform_volunteer' ELSE role END, updated_at
FROM member WHERE role IN ('moderator', 'admin', 'super_admin');
ALTER TABLE member DROP COLUMN role;

-- owner: accounts/audit. Append-only: a row is written, and later given its place
-- in the chain. Ids and a commitment stand here, words in audit_text.
CREATE TABLE audit_log (
    id UUID PRIMARY KEY,
    actor_id UUID,
    action TEXT NOT NULL,
    subject_id UUID,
    commitment BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    seq BIGINT UNIQUE,
    hash BYTEA
);
CREATE INDEX audit_log_unchained ON audit_log (created_at, id) WHERE seq IS NULL;

-- owner: accounts/audit. May be erased. No reference: a text whose entry is gone is evidence.
CREATE TABLE audit_text (
    audit_id UUID PRIMARY KEY,
    salt BYTEA NOT NULL,
    detail TEXT NOT NULL
);

-- owner: accounts/staff. One row at most, replaced at each start, gone with the first administrator.
CREATE TABLE first_administrator_code (
    id INTEGER PRIMARY KEY,
    hash BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
