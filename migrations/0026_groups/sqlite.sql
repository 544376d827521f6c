-- Groups: cities, communities, interests, roles; who belongs to them.

-- owner: community/groups. Names are folded in the slug; a city's slug is its name and country.
CREATE TABLE community_group (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    tango_role TEXT,
    visibility TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    city TEXT,
    country TEXT,
    latitude REAL,
    longitude REAL,
    member_count INTEGER NOT NULL DEFAULT 0,
    room_id BLOB,
    version INTEGER NOT NULL DEFAULT 1,
    created_by BLOB REFERENCES member (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    UNIQUE (community_id, slug)
) STRICT, WITHOUT ROWID;
CREATE INDEX community_group_newest ON community_group (community_id, id);
CREATE INDEX community_group_kind ON community_group (community_id, kind, id);
CREATE INDEX community_group_city ON community_group (community_id, name) WHERE kind = 'city';
CREATE INDEX community_group_created_by ON community_group (created_by);

-- owner: community/groups. One row for each member and group, whatever they are to each other. Who
-- left keeps a row, so that no automation brings them back.
CREATE TABLE group_member (
    community_id INTEGER NOT NULL DEFAULT 1,
    group_id BLOB NOT NULL REFERENCES community_group (id) ON DELETE CASCADE,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    status TEXT NOT NULL,
    invited_by BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_member_status ON group_member (group_id, status, member_id);
CREATE INDEX group_member_member ON group_member (member_id, status, group_id);

-- owner: community/groups. Posts on top of a group's page.
CREATE TABLE group_pin (
    community_id INTEGER NOT NULL DEFAULT 1,
    group_id BLOB NOT NULL REFERENCES community_group (id) ON DELETE CASCADE,
    post_id BLOB NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    pinned_by BLOB,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (group_id, post_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX group_pin_post ON group_pin (post_id);

-- owner: community/groups. What the automation made, from what, for whom. Append-only.
CREATE TABLE automation_audit (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    topic TEXT NOT NULL,
    source TEXT NOT NULL,
    input TEXT NOT NULL,
    result TEXT NOT NULL,
    group_id BLOB,
    member_id BLOB REFERENCES member (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX automation_audit_newest ON automation_audit (community_id, id);
CREATE INDEX automation_audit_member ON automation_audit (member_id);
