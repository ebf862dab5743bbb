-- Version 2: leases that are held through a server, when a run came here, and notices.

-- The seconds that a lease gets when a server begins; none for one that is held straight on the file.
ALTER TABLE reporters ADD COLUMN lease_grace REAL;

-- Not when the run says that it was created: a log that is imported is old already. NULL for what version 1 stored.
ALTER TABLE runs ADD COLUMN arrived_at TEXT;

-- From this version on the table of events has notices, too: rows of a run 0, which is none.
