-- Places that members recommend, and search for them.

-- owner: community/places. `slug` is the name and the city: a place stands here once. The sum and the
-- count of its ratings stand beside `score` (thousandths of a star, few ratings drawn to the middle), by
-- which lists are sorted. A withheld one is seen by its author and by staff alone.
CREATE TABLE place (
    id UUID PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    address TEXT NOT NULL DEFAULT '',
    city TEXT NOT NULL,
    country TEXT,
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    website TEXT,
    rating_sum BIGINT NOT NULL DEFAULT 0,
    rating_count BIGINT NOT NULL DEFAULT 0,
    score BIGINT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,
    created_by UUID REFERENCES member (id) ON DELETE SET NULL,
    created_at TIMESTAMPTZ NOT NULL,
    edited_at TIMESTAMPTZ,
    withheld_at TIMESTAMPTZ,
    UNIQUE (community_id, slug)
);
CREATE INDEX place_score ON place (community_id, score, id);
CREATE INDEX place_city_score ON place (community_id, city, score, id);
CREATE INDEX place_created_by ON place (created_by);

-- owner: community/places. One for each member and place.
CREATE TABLE place_rating (
    community_id INTEGER NOT NULL DEFAULT 1,
    place_id UUID NOT NULL REFERENCES place (id) ON DELETE CASCADE,
    member_id UUID NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    stars INTEGER NOT NULL,
    body TEXT NOT NULL DEFAULT '',
    created_at TIMESTAMPTZ NOT NULL,
    edited_at TIMESTAMPTZ,
    PRIMARY KEY (place_id, member_id)
);
CREATE INDEX place_rating_member ON place_rating (member_id);

-- owner: community/search
ALTER TABLE search_document ADD COLUMN place_id UUID REFERENCES place (id) ON DELETE CASCADE;
CREATE UNIQUE INDEX search_document_place ON search_document (place_id);
