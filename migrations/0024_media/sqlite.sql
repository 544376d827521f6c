-- Media: what members upload, and one secret from which slices derive their keys.

-- owner: community/media. One row from the first byte of an upload on. A row that
-- nobody owns, or whose time has come, is removed with its bytes by a worker.
CREATE TABLE media (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    owner_id BLOB REFERENCES member (id) ON DELETE SET NULL,
    status TEXT NOT NULL,
    kind TEXT,
    content_type TEXT,
    name TEXT NOT NULL,
    alt TEXT NOT NULL,
    length_bytes INTEGER NOT NULL,
    offset_bytes INTEGER NOT NULL DEFAULT 0,
    charged_bytes INTEGER NOT NULL,
    width INTEGER,
    height INTEGER,
    blurhash TEXT,
    files TEXT,
    refusal TEXT,
    subject_kind TEXT,
    subject_id BLOB,
    position INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    expires_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX media_owner ON media (owner_id, id);
CREATE INDEX media_subject ON media (subject_id, subject_kind);
CREATE INDEX media_expires ON media (expires_at);

-- owner: community/media. Where the bytes of a file lie, piece by piece.
CREATE TABLE media_part (
    community_id INTEGER NOT NULL DEFAULT 1,
    media_id BLOB NOT NULL REFERENCES media (id) ON DELETE CASCADE,
    file TEXT NOT NULL,
    start_at INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    blob_id BLOB NOT NULL,
    PRIMARY KEY (media_id, file, start_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX media_part_blob ON media_part (blob_id);

-- owner: community/media. The sum of what a member's media are charged with.
CREATE TABLE media_usage (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    used_bytes INTEGER NOT NULL,
    PRIMARY KEY (community_id, member_id)
) STRICT, WITHOUT ROWID;

-- owner: accounts/secrets. Sealed under the master key.
CREATE TABLE secret (
    id TEXT PRIMARY KEY,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
