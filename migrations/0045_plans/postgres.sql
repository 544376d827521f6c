-- Indexes for statements that went through a whole table.

-- What hangs on a post is found when the post goes.
CREATE INDEX comment_post ON comment (post_id);
-- Networks are kept for a while: the oldest are found first.
CREATE INDEX session_network ON session (created_at) WHERE network IS NOT NULL;
-- Places are searched as the other kinds are.
CREATE INDEX search_text_place ON search_text USING gin (words) WHERE kind = 'place';
