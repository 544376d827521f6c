-- Durable tasks and the development outbox.

-- owner: platform/tasks. Work that must be done once, even across a crash. The
-- token goes up with every claim and fences off a runner that comes too late.
CREATE TABLE task (
    id BLOB PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    idempotency_key TEXT,
    priority INTEGER NOT NULL,
    run_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'ready',
    lease_holder BLOB,
    lease_token INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER,
    last_error TEXT,
    created_at INTEGER NOT NULL,
    finished_at INTEGER,
    UNIQUE (community_id, kind, idempotency_key)
) STRICT;
CREATE INDEX task_ready ON task (priority, run_at, id) WHERE state = 'ready';
CREATE INDEX task_running ON task (lease_until) WHERE state = 'running';
CREATE INDEX task_finished_at ON task (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX task_dead ON task (finished_at) WHERE state = 'dead';

-- owner: platform/mailer. Mails of a server without SMTP, for /dev/mail.
CREATE TABLE mail (
    id BLOB PRIMARY KEY,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    html TEXT,
    created_at INTEGER NOT NULL,
    sent_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_sent_at ON mail (sent_at);
