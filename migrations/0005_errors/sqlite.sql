-- What went wrong: errors in groups, one sample an hour of each, and how often requests were refused.

-- owner: observe/errors. Errors that are the same but for numbers and names; see fingerprint.rs.
CREATE TABLE error_group (
    fingerprint BLOB PRIMARY KEY,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    place TEXT NOT NULL,
    message TEXT NOT NULL,
    release TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    sample_hour INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX error_group_last_seen ON error_group (last_seen);

-- owner: observe/errors. Hours are counted from 1970 UTC.
CREATE TABLE error_sample (
    fingerprint BLOB NOT NULL REFERENCES error_group (fingerprint) ON DELETE CASCADE,
    hour INTEGER NOT NULL,
    request_id TEXT,
    chain TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX error_sample_hour ON error_sample (hour);

-- owner: observe/errors. Answers of 400 to 499.
CREATE TABLE refusal_count (
    hour INTEGER NOT NULL,
    route TEXT NOT NULL,
    code TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (hour, route, code)
) STRICT, WITHOUT ROWID;
