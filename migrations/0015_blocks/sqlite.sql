-- Who has nothing to do with whom, and whom a member does not want to hear.

-- owner: community/blocks. A block is two rows, one for each side, so that a list asks once:
-- NOT EXISTS (SELECT 1 FROM block b WHERE b.community_id = @community AND b.member_id = $reader AND b.other_id = author).
-- by_member: true in the row of the one who blocked.
CREATE TABLE block (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    other_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    by_member INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (community_id, member_id, other_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX block_other ON block (other_id);

-- owner: community/mutes
CREATE TABLE mute (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    muted_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (community_id, member_id, muted_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mute_muted ON mute (muted_id);
