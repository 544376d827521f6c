-- owner: realtime/presence. When a member was last there, and who may know.
CREATE TABLE member_presence (
    member_id UUID PRIMARY KEY REFERENCES member (id) ON DELETE CASCADE,
    visibility TEXT NOT NULL DEFAULT 'contacts',
    last_seen_at TIMESTAMPTZ
);
