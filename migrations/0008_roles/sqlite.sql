-- Roles in a table of their own, the audit log of what staff do, the first administrator's code.

-- owner: accounts/roles. A member without a row here is free. No grantor: the command line.
CREATE TABLE member_role (
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    granted_by BLOB,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (member_id, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_role_role ON member_role (role);
INSERT INTO member_role (member_id, role, granted_at)
SELECT id, CASE role WHEN 'moderator' THEN 'platform_volunteer' ELSE role END, updated_at
FROM member WHERE role IN ('moderator', 'admin', 'super_admin');
ALTER TABLE member DROP COLUMN role;

-- owner: accounts/audit. Append-only: a row is written, and later given its place
-- in the chain. Ids and a commitment stand here, words in audit_text.
CREATE TABLE audit_log (
    id BLOB PRIMARY KEY,
    actor_id BLOB,
    action TEXT NOT NULL,
    subject_id BLOB,
    commitment BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    seq INTEGER UNIQUE,
    hash BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_log_unchained ON audit_log (created_at, id) WHERE seq IS NULL;

-- owner: accounts/audit. May be erased. No reference: a text whose entry is gone is evidence.
CREATE TABLE audit_text (
    audit_id BLOB PRIMARY KEY,
    salt BLOB NOT NULL,
    detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- owner: accounts/staff. One row at most, replaced at each start, gone with the first administrator.
CREATE TABLE first_administrator_code (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
