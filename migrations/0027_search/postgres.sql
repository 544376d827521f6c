-- Search: what can be found, by which words, and how far the index has come.

-- owner: community/search. One row for each thing that can be found; it leaves with it.
-- `title` and `body` are folded: lower case, no accents, no symbols.
CREATE TABLE search_document (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    member_id UUID UNIQUE REFERENCES member (id) ON DELETE CASCADE,
    post_id UUID UNIQUE REFERENCES post (id) ON DELETE CASCADE,
    event_id UUID UNIQUE REFERENCES event (id) ON DELETE CASCADE,
    group_id UUID UNIQUE REFERENCES community_group (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    body TEXT NOT NULL
);

-- owner: community/search. The words of each document. SQLite has a full-text table of each kind.
CREATE TABLE search_text (
    number BIGINT PRIMARY KEY REFERENCES search_document (number) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    words TSVECTOR NOT NULL
);
CREATE INDEX search_text_member ON search_text USING gin (words) WHERE kind = 'member';
CREATE INDEX search_text_post ON search_text USING gin (words) WHERE kind = 'post';
CREATE INDEX search_text_event ON search_text USING gin (words) WHERE kind = 'event';
CREATE INDEX search_text_group ON search_text USING gin (words) WHERE kind = 'group';

-- owner: community/search. Every word that was ever indexed and is in use, and its groups of three
-- letters: by these a mistyped word finds the right ones. No word says where it stands.
CREATE TABLE search_word (
    community_id INTEGER NOT NULL DEFAULT 1,
    word TEXT NOT NULL,
    PRIMARY KEY (community_id, word)
);
CREATE TABLE search_gram (
    community_id INTEGER NOT NULL DEFAULT 1,
    gram TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (community_id, gram, word)
);

-- owner: community/search. The last row of each kind that was indexed without a signal.
CREATE TABLE search_progress (
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    last_id UUID NOT NULL,
    PRIMARY KEY (community_id, kind)
);

-- owner: community/search. What several members looked for on a day; what fewer did is never written.
CREATE TABLE search_term (
    community_id INTEGER NOT NULL DEFAULT 1,
    day BIGINT NOT NULL,
    term TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (community_id, day, term)
);
