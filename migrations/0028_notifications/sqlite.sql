-- Notifications: what a member is told of, how they want to be told, and when not.

-- owner: community/notifications. One row for what belongs together and is unread: five likes of a
-- post are one. `relation` and `engagement` (0 to 1) are what the priority needs beside the time.
CREATE TABLE notification (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    -- What belongs together: the kind and the subject.
    bundle TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    relation REAL NOT NULL,
    engagement REAL NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    read_at INTEGER,
    -- False: told by other channels alone, by the wish of the member.
    listed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_newest ON notification (community_id, member_id, updated_at, id);
CREATE INDEX notification_unread ON notification (community_id, member_id, updated_at, id) WHERE read_at IS NULL;
CREATE UNIQUE INDEX notification_bundle ON notification (community_id, member_id, bundle) WHERE read_at IS NULL;
CREATE INDEX notification_member ON notification (member_id);
CREATE INDEX notification_updated_at ON notification (updated_at);

-- owner: community/notifications. What was told already: a cause counts once for a member, however
-- often its signal comes. Who caused it stands here alone, and leaves with their account.
CREATE TABLE notification_cause (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    cause TEXT NOT NULL,
    notification_id BLOB NOT NULL REFERENCES notification (id) ON DELETE CASCADE,
    actor_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (community_id, member_id, cause)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_cause_notification ON notification_cause (notification_id, created_at);
CREATE INDEX notification_cause_actor ON notification_cause (member_id, actor_id, created_at);
CREATE INDEX notification_cause_of ON notification_cause (actor_id);

-- owner: community/notifications. What differs from the defaults, by kind and channel.
CREATE TABLE notification_preference (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    channel TEXT NOT NULL,
    wanted INTEGER NOT NULL,
    PRIMARY KEY (community_id, member_id, kind, channel)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_preference_member ON notification_preference (member_id);

-- owner: community/notifications. When a member wants quiet, by the clocks of their zone (minutes
-- after midnight), and how often the digest comes.
CREATE TABLE notification_schedule (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    time_zone TEXT NOT NULL,
    quiet_from INTEGER,
    quiet_to INTEGER,
    digest TEXT NOT NULL,
    digest_at INTEGER NOT NULL,
    PRIMARY KEY (community_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_schedule_member ON notification_schedule (member_id);

-- owner: community/notifications. Until when a member's notifications stand in a digest, and when the next is due.
CREATE TABLE notification_digest (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    told_until INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    PRIMARY KEY (community_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX notification_digest_due ON notification_digest (community_id, due_at, member_id);
CREATE INDEX notification_digest_member ON notification_digest (member_id);
