-- Members who leave.

-- owner: accounts/leaving. Accounts that will end, and when. Once it has begun nobody takes it back.
CREATE TABLE account_deletion (
    member_id UUID PRIMARY KEY REFERENCES member (id) ON DELETE CASCADE,
    requested_at TIMESTAMPTZ NOT NULL,
    erase_at TIMESTAMPTZ NOT NULL,
    begun_at TIMESTAMPTZ
);
CREATE INDEX account_deletion_erase_at ON account_deletion (erase_at);
