-- Where the clock on the wall is that an event goes by.

-- owner: community/events. A name of the IANA's database; old events do not know theirs.
ALTER TABLE event ADD COLUMN time_zone TEXT NOT NULL DEFAULT 'UTC';
