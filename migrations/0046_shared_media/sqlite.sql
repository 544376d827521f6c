-- Pictures, video and sound in comments, and in messages that were forwarded.

-- owner: community/comments
ALTER TABLE comment ADD COLUMN media_count INTEGER NOT NULL DEFAULT 0;

-- owner: community/media. Who brought the bytes of a copy: it goes when they leave, whoever owns it.
ALTER TABLE media ADD COLUMN made_by BLOB REFERENCES member (id) ON DELETE SET NULL;
CREATE INDEX media_made_by ON media (made_by) WHERE made_by IS NOT NULL;
