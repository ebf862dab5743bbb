-- Version 1: the log, and what is kept beside it.

CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    epoch TEXT NOT NULL,
    kind TEXT NOT NULL,
    variant TEXT,
    title TEXT,
    status TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    created_at TEXT NOT NULL,
    started_at TEXT,
    ended_at TEXT,
    last_event_at TEXT NOT NULL,
    owner TEXT,
    progress INTEGER NOT NULL,
    stage TEXT,
    message TEXT,
    cancel_requested INTEGER NOT NULL,
    error BLOB,
    size BLOB,
    parent TEXT,
    retry_of TEXT,
    size_bytes INTEGER NOT NULL,
    log_bytes INTEGER NOT NULL,
    log_cut INTEGER NOT NULL,
    log_elided INTEGER NOT NULL,
    boot TEXT NOT NULL,
    since REAL NOT NULL
) STRICT;

CREATE INDEX runs_by_kind ON runs (kind, id);
CREATE INDEX runs_by_status ON runs (status, id);

-- pos orders the events of all runs by commit; no number is ever used twice, also after a removal.
-- A row with seq 0 announces that a run was removed; its body is the run's id.
CREATE TABLE events (
    pos INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    type TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX events_by_run ON events (run, seq);
-- What a paced watcher must not miss, found without reading the rest.
CREATE INDEX events_that_matter ON events (run, seq) WHERE priority >= 2;
CREATE INDEX events_of_log ON events (run, seq) WHERE type = 'log';

-- next: the reporter's number of its next event. The lease is on boot's clock.
CREATE TABLE reporters (
    run INTEGER NOT NULL,
    reporter TEXT NOT NULL,
    next INTEGER NOT NULL,
    lease_boot TEXT,
    lease_until REAL,
    PRIMARY KEY (run, reporter)
) STRICT, WITHOUT ROWID;

CREATE INDEX reporters_with_lease ON reporters (lease_until) WHERE lease_until IS NOT NULL;

-- Who began a stage that has not ended: its lease is the stage's.
CREATE TABLE open_stages (
    run INTEGER NOT NULL,
    path TEXT NOT NULL,
    reporter TEXT NOT NULL,
    PRIMARY KEY (run, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_offsets (
    run INTEGER NOT NULL,
    stage TEXT NOT NULL,
    stream TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (run, stage, stream)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
    run INTEGER PRIMARY KEY,
    fold INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    nonce INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

CREATE TABLE artifacts (
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

-- Survives the removal of the runs.
CREATE TABLE past_runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    variant TEXT NOT NULL,
    run_id TEXT NOT NULL,
    ended_at TEXT NOT NULL,
    duration REAL NOT NULL,
    stages BLOB NOT NULL,
    size BLOB
) STRICT;

CREATE INDEX past_runs_by_kind ON past_runs (kind, variant, id);

-- Runs that were removed: answered with "deleted" for a while. cleared: their events are gone too, which happens a
-- few thousand at a time.
CREATE TABLE removed (
    run INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    epoch TEXT NOT NULL,
    at TEXT NOT NULL,
    cleared INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX removed_by_run_id ON removed (run_id);
