-- What posts say beyond their text and who may read them; comments, shares, saved posts, reports, stories.

-- owner: community/posts. `hashtags`, `mentions` and `emotions` are words with spaces between.
ALTER TABLE post ADD COLUMN visibility TEXT NOT NULL DEFAULT 'public';
ALTER TABLE post ADD COLUMN kind TEXT NOT NULL DEFAULT 'memory';
ALTER TABLE post ADD COLUMN group_id BLOB;
-- Rich text, sanitised; absent for plain text. `body` always holds the same words without marks.
ALTER TABLE post ADD COLUMN html TEXT;
ALTER TABLE post ADD COLUMN hashtags TEXT NOT NULL DEFAULT '';
ALTER TABLE post ADD COLUMN mentions TEXT NOT NULL DEFAULT '';
ALTER TABLE post ADD COLUMN emotions TEXT NOT NULL DEFAULT '';
ALTER TABLE post ADD COLUMN place TEXT;
ALTER TABLE post ADD COLUMN latitude REAL;
ALTER TABLE post ADD COLUMN longitude REAL;
ALTER TABLE post ADD COLUMN shared_id BLOB REFERENCES post (id) ON DELETE SET NULL;
ALTER TABLE post ADD COLUMN share_count INTEGER NOT NULL DEFAULT 0;
-- People who agreed to stand on it.
ALTER TABLE post ADD COLUMN companion_count INTEGER NOT NULL DEFAULT 0;
-- One step into each of these finds an author's newest post for a follower, for a friend.
CREATE INDEX post_public ON post (community_id, author_id, id) WHERE visibility = 'public';
CREATE INDEX post_friends ON post (community_id, author_id, id) WHERE visibility = 'friends';
CREATE INDEX post_group ON post (community_id, group_id, id) WHERE group_id IS NOT NULL;
CREATE INDEX post_shared ON post (shared_id) WHERE shared_id IS NOT NULL;

-- owner: community/posts. What a post said before each edit.
CREATE TABLE post_edit (
    community_id INTEGER NOT NULL DEFAULT 1,
    post_id BLOB NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    html TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (post_id, version)
) STRICT, WITHOUT ROWID;

-- owner: community/posts. Uses of a hashtag, the newest last.
CREATE TABLE post_hashtag (
    community_id INTEGER NOT NULL DEFAULT 1,
    tag TEXT NOT NULL,
    post_id BLOB NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    PRIMARY KEY (community_id, tag, post_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX post_hashtag_post ON post_hashtag (post_id);
CREATE INDEX post_hashtag_recent ON post_hashtag (community_id, post_id);

-- owner: community/posts. Members named on a post as having been there: asked, approved or denied.
CREATE TABLE companion (
    community_id INTEGER NOT NULL DEFAULT 1,
    post_id BLOB NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    answered_at INTEGER,
    PRIMARY KEY (post_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX companion_member ON companion (community_id, member_id, status, post_id);

-- Who reacted in one way, and how many.
CREATE INDEX reaction_kind ON reaction (post_id, kind, member_id);

-- owner: community/comments
CREATE TABLE comment (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    post_id BLOB NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    author_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    parent_id BLOB REFERENCES comment (id) ON DELETE CASCADE,
    body TEXT NOT NULL,
    mentions TEXT NOT NULL DEFAULT '',
    version INTEGER NOT NULL DEFAULT 1,
    like_count INTEGER NOT NULL DEFAULT 0,
    reply_count INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    -- Kept as a place in the thread while there are replies.
    deleted_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX comment_thread ON comment (community_id, post_id, parent_id, id);
CREATE INDEX comment_parent ON comment (parent_id, id);
CREATE INDEX comment_author ON comment (author_id, id);

-- owner: community/reactions
CREATE TABLE comment_reaction (
    community_id INTEGER NOT NULL DEFAULT 1,
    comment_id BLOB NOT NULL REFERENCES comment (id) ON DELETE CASCADE,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (comment_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX comment_reaction_member ON comment_reaction (member_id);
CREATE INDEX comment_reaction_kind ON comment_reaction (comment_id, kind, member_id);

-- owner: community/saved
CREATE TABLE saved_post (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    post_id BLOB NOT NULL REFERENCES post (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (member_id, post_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX saved_post_time ON saved_post (community_id, member_id, created_at, post_id);
CREATE INDEX saved_post_post ON saved_post (post_id);

-- owner: community/reports. The subject may be gone by the time somebody looks.
CREATE TABLE report (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    reporter_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    subject_kind TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    -- Who wrote or is what was reported.
    accused_id BLOB NOT NULL,
    reason TEXT NOT NULL,
    note TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'pending',
    created_at INTEGER NOT NULL,
    UNIQUE (reporter_id, subject_kind, subject_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX report_status ON report (community_id, status, id);
CREATE INDEX report_reporter ON report (community_id, reporter_id, id);
CREATE INDEX report_subject ON report (community_id, subject_kind, subject_id);

-- owner: community/stories. `media_id` names what the media slice keeps.
CREATE TABLE story (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    author_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    media_id BLOB,
    caption TEXT NOT NULL DEFAULT '',
    visibility TEXT NOT NULL,
    view_count INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX story_author ON story (community_id, author_id, id);
CREATE INDEX story_expires_at ON story (expires_at);

-- owner: community/stories
CREATE TABLE story_view (
    community_id INTEGER NOT NULL DEFAULT 1,
    story_id BLOB NOT NULL REFERENCES story (id) ON DELETE CASCADE,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (story_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX story_view_member ON story_view (member_id);
