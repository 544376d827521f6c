-- What went wrong: errors in groups, one sample an hour of each, and how often requests were refused.

-- owner: observe/errors. Errors that are the same but for numbers and names; see fingerprint.rs.
CREATE TABLE error_group (
    fingerprint BYTEA PRIMARY KEY,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    place TEXT NOT NULL,
    message TEXT NOT NULL,
    release TEXT NOT NULL,
    count BIGINT NOT NULL,
    first_seen TIMESTAMPTZ NOT NULL,
    last_seen TIMESTAMPTZ NOT NULL,
    sample_hour BIGINT NOT NULL
);
CREATE INDEX error_group_last_seen ON error_group (last_seen);

-- owner: observe/errors. Hours are counted from 1970 UTC.
CREATE TABLE error_sample (
    fingerprint BYTEA NOT NULL REFERENCES error_group (fingerprint) ON DELETE CASCADE,
    hour BIGINT NOT NULL,
    request_id TEXT,
    chain JSONB NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (fingerprint, hour)
);
CREATE INDEX error_sample_hour ON error_sample (hour);

-- owner: observe/errors. Answers of 400 to 499.
CREATE TABLE refusal_count (
    hour BIGINT NOT NULL,
    route TEXT NOT NULL,
    code TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (hour, route, code)
);
