-- Signing keys that are announced before they sign, and peppers for passwords.

-- A key signs from here on, until the next one does. `retires_at` says no more
-- than that and goes with a later version.
ALTER TABLE signing_key ADD COLUMN signs_from INTEGER NOT NULL DEFAULT 0;
UPDATE signing_key SET signs_from = created_at;

-- owner: accounts/passwords. Argon2's secret input, sealed under the master key.
-- The last one is used for new hashes; a hash names its own.
CREATE TABLE pepper (
    id TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
