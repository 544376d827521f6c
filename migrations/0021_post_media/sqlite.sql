-- Pictures, video and sound in posts. A post without any costs its readers nothing more.

-- owner: community/posts
ALTER TABLE post ADD COLUMN media_count INTEGER NOT NULL DEFAULT 0;
