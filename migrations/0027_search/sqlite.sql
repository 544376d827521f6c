-- Search: what can be found, by which words, and how far the index has come.

-- owner: community/search. One row for each thing that can be found; it leaves with it.
-- `title` and `body` are folded: lower case, no accents, no symbols.
CREATE TABLE search_document (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    member_id BLOB UNIQUE REFERENCES member (id) ON DELETE CASCADE,
    post_id BLOB UNIQUE REFERENCES post (id) ON DELETE CASCADE,
    event_id BLOB UNIQUE REFERENCES event (id) ON DELETE CASCADE,
    group_id BLOB UNIQUE REFERENCES community_group (id) ON DELETE CASCADE,
    title TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- owner: community/search. The words of each document, by its number; the texts are not kept twice.
CREATE VIRTUAL TABLE search_text_member USING fts5 (words, content = '', contentless_delete = 1, prefix = '2 3');
CREATE VIRTUAL TABLE search_text_post USING fts5 (words, content = '', contentless_delete = 1, prefix = '2 3');
CREATE VIRTUAL TABLE search_text_event USING fts5 (words, content = '', contentless_delete = 1, prefix = '2 3');
CREATE VIRTUAL TABLE search_text_group USING fts5 (words, content = '', contentless_delete = 1, prefix = '2 3');
CREATE TRIGGER search_document_gone AFTER DELETE ON search_document BEGIN
    DELETE FROM search_text_member WHERE old.kind = 'member' AND rowid = old.number;
    DELETE FROM search_text_post WHERE old.kind = 'post' AND rowid = old.number;
    DELETE FROM search_text_event WHERE old.kind = 'event' AND rowid = old.number;
    DELETE FROM search_text_group WHERE old.kind = 'group' AND rowid = old.number;
END;

-- owner: community/search. Every word that was ever indexed and is in use, and its groups of three
-- letters: by these a mistyped word finds the right ones. No word says where it stands.
CREATE TABLE search_word (
    community_id INTEGER NOT NULL DEFAULT 1,
    word TEXT NOT NULL,
    PRIMARY KEY (community_id, word)
) STRICT, WITHOUT ROWID;
CREATE TABLE search_gram (
    community_id INTEGER NOT NULL DEFAULT 1,
    gram TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (community_id, gram, word)
) STRICT, WITHOUT ROWID;

-- owner: community/search. The last row of each kind that was indexed without a signal.
CREATE TABLE search_progress (
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    last_id BLOB NOT NULL,
    PRIMARY KEY (community_id, kind)
) STRICT, WITHOUT ROWID;

-- owner: community/search. What several members looked for on a day; what fewer did is never written.
CREATE TABLE search_term (
    community_id INTEGER NOT NULL DEFAULT 1,
    day INTEGER NOT NULL,
    term TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (community_id, day, term)
) STRICT, WITHOUT ROWID;
