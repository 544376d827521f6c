-- Members who leave.

-- owner: accounts/leaving. Accounts that will end, and when. Once it has begun nobody takes it back.
CREATE TABLE account_deletion (
    member_id BLOB PRIMARY KEY REFERENCES member (id) ON DELETE CASCADE,
    requested_at INTEGER NOT NULL,
    erase_at INTEGER NOT NULL,
    begun_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX account_deletion_erase_at ON account_deletion (erase_at);
