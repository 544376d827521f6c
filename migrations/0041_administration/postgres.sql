-- What administrators do: verification, tiers, feature flags, notices, roles that members propose, figures.

-- owner: accounts/staff. Staff have made sure that the member is who they say.
ALTER TABLE member ADD COLUMN verified_at TIMESTAMPTZ;
CREATE INDEX member_status ON member (status, id);

-- owner: accounts/tiers. What staff granted until payments exist. A member without a row, or whose time is over, is free.
CREATE TABLE member_tier (
    member_id UUID PRIMARY KEY REFERENCES member (id) ON DELETE CASCADE,
    tier TEXT NOT NULL,
    -- NULL: until staff end it.
    ends_at TIMESTAMPTZ,
    granted_by UUID,
    granted_at TIMESTAMPTZ NOT NULL
);

-- owner: accounts/flags. What is on for whom. `roles` are words with spaces between.
CREATE TABLE feature_flag (
    name TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    percent INTEGER NOT NULL,
    roles TEXT NOT NULL,
    updated_by UUID,
    updated_at TIMESTAMPTZ NOT NULL
);

-- owner: community/notices. What staff tell everybody, from then until then.
CREATE TABLE notice (
    id UUID PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    level TEXT NOT NULL,
    title TEXT NOT NULL,
    body TEXT NOT NULL,
    starts_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL,
    -- Members hear of it as a notification as well: whom the worker has told so far, and whether that is everybody.
    notifies BOOLEAN NOT NULL,
    told_until UUID,
    is_told BOOLEAN NOT NULL,
    created_by UUID REFERENCES member (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX notice_newest ON notice (community_id, id);
CREATE INDEX notice_current ON notice (community_id, ends_at, starts_at);
CREATE INDEX notice_untold ON notice (starts_at) WHERE NOT is_told;
CREATE INDEX notice_created_by ON notice (created_by);

-- owner: community/notices. Who does not want to see it any more.
CREATE TABLE notice_dismissal (
    community_id INTEGER NOT NULL DEFAULT 1,
    notice_id UUID NOT NULL REFERENCES notice (id) ON DELETE CASCADE,
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (notice_id, member_id)
);
CREATE INDEX notice_dismissal_member ON notice_dismissal (member_id);

-- owner: community/custom_roles. A role that a member proposed; approved, it can be held like any other.
CREATE TABLE custom_role (
    id UUID PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    -- Folded, so that one role is not proposed twice in other letters.
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    status TEXT NOT NULL,
    proposed_by UUID REFERENCES member (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    decided_by UUID REFERENCES member (id) ON DELETE SET NULL,
    decided_at TIMESTAMPTZ,
    -- To the member who proposed it.
    note TEXT NOT NULL DEFAULT '',
    holder_count BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX custom_role_community_id_slug_key ON custom_role (community_id, slug) WHERE status <> 'rejected';
CREATE INDEX custom_role_status ON custom_role (community_id, status, id);
CREATE INDEX custom_role_proposed_by ON custom_role (proposed_by, id);
CREATE INDEX custom_role_decided_by ON custom_role (decided_by);

-- owner: community/custom_roles
CREATE TABLE custom_role_holder (
    community_id INTEGER NOT NULL DEFAULT 1,
    role_id UUID NOT NULL REFERENCES custom_role (id) ON DELETE CASCADE,
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (role_id, member_id)
);
CREATE INDEX custom_role_holder_member ON custom_role_holder (member_id, role_id);

-- owner: community/statistics. What happened on a day (UTC), and, on day 0, how much there is in all.
CREATE TABLE daily_figure (
    community_id INTEGER NOT NULL DEFAULT 1,
    day INTEGER NOT NULL,
    name TEXT NOT NULL,
    count BIGINT NOT NULL,
    counted_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (community_id, day, name)
);
