-- Several communities: how each is reached and who belongs to it; posts that cross from one to another.

-- owner: accounts/communities. `domain` is the host name under which it is found; NULL: by its slug alone.
ALTER TABLE community ADD COLUMN domain TEXT;
ALTER TABLE community ADD COLUMN description TEXT NOT NULL DEFAULT '';
-- Whether whoever likes may join; else its admins add members.
ALTER TABLE community ADD COLUMN is_open BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE community ADD COLUMN created_at TIMESTAMPTZ;
CREATE UNIQUE INDEX community_domain_key ON community (domain);

-- owner: accounts/communities. Who belongs to a community other than the first, to which everybody does.
CREATE TABLE membership (
    community_number INTEGER NOT NULL REFERENCES community (id),
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (community_number, member_id)
);
CREATE INDEX membership_member ON membership (member_id, community_number);

-- owner: community/crossings. A public post that members of the other community `community_id` may read as well.
CREATE TABLE crossing (
    id UUID PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    post_id UUID NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    source_number INTEGER NOT NULL REFERENCES community (id),
    asked_by UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    decided_by UUID REFERENCES member (id) ON DELETE SET NULL,
    decided_at TIMESTAMPTZ,
    UNIQUE (community_id, post_id)
);
CREATE INDEX crossing_status ON crossing (community_id, status, id);
CREATE INDEX crossing_post ON crossing (post_id);
CREATE INDEX crossing_source_number ON crossing (source_number);
CREATE INDEX crossing_asked_by ON crossing (asked_by);
CREATE INDEX crossing_decided_by ON crossing (decided_by);
-- The newest posts of a community, whoever wrote them.
CREATE INDEX post_newest ON post (community_id, id) WHERE visibility = 'public';

-- owner: community/crossings. Which posts a member wants to see first: their community's, shared ones, all.
CREATE TABLE view_preference (
    member_id UUID PRIMARY KEY REFERENCES member (id) ON DELETE CASCADE,
    view TEXT NOT NULL
);
