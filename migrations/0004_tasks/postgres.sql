-- Durable tasks and the development outbox.

-- owner: platform/tasks. Work that must be done once, even across a crash. The
-- token goes up with every claim and fences off a runner that comes too late.
CREATE TABLE task (
    id UUID PRIMARY KEY,
    community_id INTEGER NOT NULL DEFAULT 1,
    kind TEXT NOT NULL,
    payload JSONB NOT NULL,
    idempotency_key TEXT,
    priority INTEGER NOT NULL,
    run_at TIMESTAMPTZ NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    max_attempts INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'ready',
    lease_holder UUID,
    lease_token BIGINT NOT NULL DEFAULT 0,
    lease_until TIMESTAMPTZ,
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    UNIQUE (community_id, kind, idempotency_key)
);
CREATE INDEX task_ready ON task (priority, run_at, id) WHERE state = 'ready';
CREATE INDEX task_running ON task (lease_until) WHERE state = 'running';
CREATE INDEX task_finished_at ON task (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX task_dead ON task (finished_at) WHERE state = 'dead';

-- owner: platform/mailer. Mails of a server without SMTP, for /dev/mail.
CREATE TABLE mail (
    id UUID PRIMARY KEY,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    html TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    sent_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX mail_sent_at ON mail (sent_at);
