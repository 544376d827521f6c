-- Places that members recommend, and search for them.

-- owner: community/places. `slug` is the name and the city: a place stands here once. The sum and the
-- count of its ratings stand beside `score` (thousandths of a star, few ratings drawn to the middle), by
-- which lists are sorted. A withheld one is seen by its author and by staff alone.
CREATE TABLE place (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '',
    address TEXT NOT NULL DEFAULT '',
    city TEXT NOT NULL,
    country TEXT,
    latitude REAL,
    longitude REAL,
    website TEXT,
    rating_sum INTEGER NOT NULL DEFAULT 0,
    rating_count INTEGER NOT NULL DEFAULT 0,
    score INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    created_by BLOB REFERENCES member (id) ON DELETE SET NULL,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    withheld_at INTEGER,
    UNIQUE (community_id, slug)
) STRICT, WITHOUT ROWID;
CREATE INDEX place_score ON place (community_id, score, id);
CREATE INDEX place_city_score ON place (community_id, city, score, id);
CREATE INDEX place_created_by ON place (created_by);

-- owner: community/places. One for each member and place.
CREATE TABLE place_rating (
    community_id INTEGER NOT NULL DEFAULT 1,
    place_id BLOB NOT NULL REFERENCES place (id) ON DELETE CASCADE,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    stars INTEGER NOT NULL,
    body TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    PRIMARY KEY (place_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX place_rating_member ON place_rating (member_id);

-- owner: community/search
ALTER TABLE search_document ADD COLUMN place_id BLOB REFERENCES place (id) ON DELETE CASCADE;
CREATE UNIQUE INDEX search_document_place ON search_document (place_id);
CREATE VIRTUAL TABLE search_text_place USING fts5 (words, content = '', contentless_delete = 1, prefix = '2 3');
DROP TRIGGER search_document_gone;
CREATE TRIGGER search_document_gone AFTER DELETE ON search_document BEGIN
    DELETE FROM search_text_member WHERE old.kind = 'member' AND rowid = old.number;
    DELETE FROM search_text_post WHERE old.kind = 'post' AND rowid = old.number;
    DELETE FROM search_text_event WHERE old.kind = 'event' AND rowid = old.number;
    DELETE FROM search_text_group WHERE old.kind = 'group' AND rowid = old.number;
    DELETE FROM search_text_place WHERE old.kind = 'place' AND rowid = old.number;
END;
