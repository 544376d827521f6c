-- Pictures, video and sound in messages.

-- owner: community/messages
ALTER TABLE message ADD COLUMN media_count BIGINT NOT NULL DEFAULT 0;
