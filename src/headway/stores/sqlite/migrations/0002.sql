-- Version 2: leases and runs that are held through a server, when a run came here, its place in a queue, and notices.

-- The seconds that a lease gets when a server begins; none for one that is held straight on the file.
ALTER TABLE reporters ADD COLUMN lease_grace REAL;

-- Not when the run says that it was created: a log that is imported is old already. NULL for what version 1 stored.
ALTER TABLE runs ADD COLUMN arrived_at TEXT;

-- Whether the run was created through a server, or its last owner came through one.
ALTER TABLE runs ADD COLUMN remote INTEGER NOT NULL DEFAULT 0;

-- As JSON, while the run waits in one. NULL for what version 1 stored: the next place that is reported is shown.
ALTER TABLE runs ADD COLUMN queue BLOB;

-- From this version on the table of events has notices, too: rows of a run 0, which is none.
