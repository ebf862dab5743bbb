-- Version 2: leases that are held through a server, and when a run came here.

-- The seconds that a lease gets when a server begins; none for one that is held straight on the file.
ALTER TABLE reporters ADD COLUMN lease_grace REAL;
