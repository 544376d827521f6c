-- What staff look at, what they decided, and what they took from sight.

-- owner: community/posts. Taken from sight by staff: what `visibility` was before; it is 'private' as long as this stands.
ALTER TABLE post ADD COLUMN withheld TEXT;
-- owner: community/comments. Taken from sight by staff.
ALTER TABLE comment ADD COLUMN withheld_at INTEGER;
-- owner: community/stories. The same.
ALTER TABLE story ADD COLUMN withheld_at INTEGER;
-- owner: community/messages. Taken from sight by staff: what it said; it looks deleted as long as this stands.
ALTER TABLE message ADD COLUMN withheld TEXT;

-- owner: community/moderation. At most one open case for each thing. `due_at` orders the queue: when
-- it was opened, and sooner the higher its score.
CREATE TABLE moderation_case (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    subject_kind TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    -- Who wrote or is what is looked at.
    accused_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    status TEXT NOT NULL,
    score REAL NOT NULL,
    -- What the score is made of, and what the text alone gave.
    why TEXT NOT NULL,
    report_count INTEGER NOT NULL,
    opened_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    claimed_by BLOB REFERENCES member (id) ON DELETE SET NULL,
    claimed_until INTEGER,
    closed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX moderation_case_open ON moderation_case (community_id, subject_kind, subject_id) WHERE status = 'open';
CREATE INDEX moderation_case_due ON moderation_case (community_id, status, due_at, id);
CREATE INDEX moderation_case_accused ON moderation_case (accused_id, id);
CREATE INDEX moderation_case_claimed_by ON moderation_case (claimed_by);

-- owner: community/moderation. What staff decided in a case, and the one appeal against it.
CREATE TABLE moderation_decision (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    case_id BLOB NOT NULL REFERENCES moderation_case (id) ON DELETE CASCADE,
    subject_kind TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    accused_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    decided_by BLOB REFERENCES member (id) ON DELETE SET NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- The content was taken from sight, alone or beside the action.
    withholds INTEGER NOT NULL,
    -- To the member, in the words of who decided.
    note TEXT NOT NULL,
    -- When a limit or a suspension ends by itself.
    ends_at INTEGER,
    -- In force, ended (by time) or reversed.
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    appeal TEXT,
    appealed_at INTEGER,
    outcome TEXT,
    reviewed_by BLOB REFERENCES member (id) ON DELETE SET NULL,
    review_note TEXT,
    reviewed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX moderation_decision_accused ON moderation_decision (community_id, accused_id, id);
CREATE INDEX moderation_decision_accused_id ON moderation_decision (accused_id);
CREATE INDEX moderation_decision_newest ON moderation_decision (community_id, id);
CREATE INDEX moderation_decision_case ON moderation_decision (case_id, id);
CREATE INDEX moderation_decision_appeals ON moderation_decision (community_id, appealed_at, id) WHERE outcome IS NULL AND appealed_at IS NOT NULL;
CREATE INDEX moderation_decision_ends_at ON moderation_decision (ends_at) WHERE status = 'in_force';
CREATE INDEX moderation_decision_decided_by ON moderation_decision (decided_by);
CREATE INDEX moderation_decision_reviewed_by ON moderation_decision (reviewed_by);

-- owner: community/newcomers. Members whom staff put under the limits of new accounts.
CREATE TABLE limited_member (
    community_id INTEGER NOT NULL DEFAULT 1,
    member_id BLOB NOT NULL REFERENCES member (id) ON DELETE CASCADE,
    until INTEGER NOT NULL,
    PRIMARY KEY (community_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX limited_member_member ON limited_member (member_id);
CREATE INDEX limited_member_until ON limited_member (until);

-- owner: accounts/staff. When a suspension ends by itself; NULL: when staff end it.
ALTER TABLE member ADD COLUMN suspended_until INTEGER;
CREATE INDEX member_suspended_until ON member (suspended_until) WHERE suspended_until IS NOT NULL;
