-- name: insert_event
INSERT INTO events (run, seq, nonce, type, priority, body) VALUES (?, ?, ?, ?, ?, ?)

-- name: run_by_id
SELECT * FROM runs WHERE run_id = ?

-- name: run_by_key
SELECT * FROM runs WHERE id = ?

-- name: insert_run
INSERT INTO runs (run_id, epoch, kind, variant, status, attempt, seq, nonce, created_at, last_event_at, progress,
    cancel_requested, parent, retry_of, size_bytes, log_bytes, log_cut, log_elided, boot, since, arrived_at, remote)
VALUES (?, ?, ?, ?, 'pending', 0, 0, 0, ?, ?, 0, 0, ?, ?, 0, 0, 0, 0, ?, ?, ?, ?)

-- name: update_run
UPDATE runs SET variant = :variant, title = :title, status = :status, attempt = :attempt, seq = :seq, nonce = :nonce,
    started_at = :started_at, ended_at = :ended_at, last_event_at = :last_event_at, owner = :owner,
    progress = :progress, stage = :stage, message = :message, cancel_requested = :cancel_requested, error = :error,
    size = :size, size_bytes = :size_bytes, log_bytes = :log_bytes, log_cut = :log_cut, log_elided = :log_elided, boot = :boot,
    since = :since, remote = :remote, queue = :queue
WHERE id = :id

-- name: reporter_next
SELECT next FROM reporters WHERE run = ? AND reporter = ?

-- name: set_reporter_next
INSERT INTO reporters (run, reporter, next) VALUES (?1, ?2, ?3)
ON CONFLICT (run, reporter) DO UPDATE SET next = ?3

-- name: set_lease
INSERT INTO reporters (run, reporter, next, lease_boot, lease_until, lease_grace) VALUES (?1, ?2, 1, ?3, ?4, ?5)
ON CONFLICT (run, reporter) DO UPDATE SET lease_boot = ?3, lease_until = ?4, lease_grace = ?5

-- name: those_graced
SELECT 1 FROM reporters WHERE lease_until IS NOT NULL AND lease_grace IS NOT NULL
UNION ALL SELECT 1 FROM runs WHERE remote AND (status IN ('pending', 'lost') OR (status = 'running' AND owner IS NULL))
LIMIT 1

-- name: grant_grace
UPDATE reporters SET lease_boot = ?2, lease_until = ?1 + lease_grace
WHERE lease_until IS NOT NULL AND lease_grace IS NOT NULL AND (lease_boot <> ?2 OR lease_until < ?1 + lease_grace)

-- name: begin_waiting_anew
UPDATE runs SET since = ?1, boot = ?2
WHERE remote AND (status IN ('pending', 'lost') OR (status = 'running' AND owner IS NULL))

-- name: drop_lease
UPDATE reporters SET lease_boot = NULL, lease_until = NULL WHERE run = ? AND reporter = ?

-- name: drop_leases
UPDATE reporters SET lease_boot = NULL, lease_until = NULL WHERE run = ?

-- name: live_leases
SELECT reporter FROM reporters WHERE run = ? AND lease_until > ? AND lease_boot = ? ORDER BY reporter

-- name: expired_leases
SELECT r.run, r.reporter FROM reporters AS r
WHERE r.lease_until IS NOT NULL AND (r.lease_until <= ?1 OR r.lease_boot <> ?2) AND (?3 OR r.lease_grace IS NULL)

-- name: overdue_runs
SELECT u.run_id FROM reporters AS r JOIN runs AS u ON u.id = r.run AND u.owner = r.reporter
WHERE r.lease_until IS NOT NULL AND (r.lease_until <= ?1 OR r.lease_boot <> ?2) AND (?3 OR r.lease_grace IS NULL)
    AND u.status = 'running'
UNION ALL SELECT run_id FROM runs WHERE boot = ?2 AND (?3 OR NOT remote) AND (status = 'pending' AND since < ?4
    OR status = 'running' AND owner IS NULL AND since < ?4 OR status = 'lost' AND since < ?5)

-- name: waiting_runs
SELECT id FROM runs WHERE (?4 OR NOT remote) AND ((status = 'pending' AND (since < ?1 OR boot <> ?3))
    OR (status = 'running' AND owner IS NULL AND (since < ?1 OR boot <> ?3))
    OR (status = 'lost' AND (since < ?2 OR boot <> ?3)))

-- name: open_stage
INSERT INTO open_stages (run, path, reporter) VALUES (?1, ?2, ?3)
ON CONFLICT (run, path) DO UPDATE SET reporter = ?3

-- name: close_stage
DELETE FROM open_stages WHERE run = ? AND path = ?

-- name: close_stages
DELETE FROM open_stages WHERE run = ?

-- name: stages_open_by
SELECT path FROM open_stages WHERE run = ? AND reporter = ? ORDER BY path DESC

-- name: log_offsets
SELECT stage, stream, bytes FROM log_offsets WHERE run = ?

-- name: set_log_offset
INSERT INTO log_offsets (run, stage, stream, bytes) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (run, stage, stream) DO UPDATE SET bytes = ?4

-- name: set_artifact
INSERT INTO artifacts (run, name, sha256) VALUES (?1, ?2, ?3)
ON CONFLICT (run, name) DO UPDATE SET sha256 = ?3

-- name: artifact_digests
SELECT DISTINCT sha256 FROM artifacts

-- name: insert_past_run
INSERT INTO past_runs (kind, variant, run_id, ended_at, duration, stages, size) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: trim_past_runs
DELETE FROM past_runs WHERE kind = ?1 AND variant = ?2 AND id <= (
    SELECT id FROM past_runs WHERE kind = ?1 AND variant = ?2 ORDER BY id DESC LIMIT 1 OFFSET ?3)

-- name: past_runs
SELECT run_id, ended_at, duration, stages, size FROM past_runs WHERE kind = ? AND variant = ? ORDER BY id

-- name: kinds
SELECT kind FROM runs UNION SELECT kind FROM past_runs ORDER BY kind

-- name: nonce_at
SELECT nonce FROM events WHERE run = ? AND seq = ?

-- name: newest_pos
SELECT seq FROM sqlite_sequence WHERE name = 'events'

-- name: nonce_at_pos
SELECT nonce FROM events WHERE pos = ?

-- name: follow
SELECT e.pos, r.run_id, e.seq, e.nonce, e.type, e.priority, e.body
FROM events AS e LEFT JOIN runs AS r ON r.id = e.run
WHERE e.pos > ? ORDER BY e.pos LIMIT ?

-- name: snapshot
SELECT fold, seq, nonce, body FROM snapshots WHERE run = ?

-- name: put_snapshot
INSERT INTO snapshots (run, fold, seq, nonce, body) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (run) DO UPDATE SET fold = ?2, seq = ?3, nonce = ?4, body = ?5

-- name: oldest_log_events
SELECT pos, seq, body FROM events WHERE run = ? AND type = 'log' AND seq > ? ORDER BY seq LIMIT ?

-- name: newest_log_event
SELECT pos, body FROM events WHERE run = ? AND type = 'log' ORDER BY seq DESC LIMIT 1

-- name: replace_body
UPDATE events SET body = ? WHERE pos = ?

-- name: delete_run
DELETE FROM runs WHERE id = ?

-- name: announce_removal
INSERT INTO events (run, seq, nonce, type, priority, body) VALUES (?, 0, 0, 'deleted', 3, ?)

-- name: remember_removal
INSERT INTO removed (run, run_id, epoch, at) VALUES (?, ?, ?, ?)

-- name: insert_notice
INSERT INTO events (run, seq, nonce, type, priority, body)
SELECT 0, coalesce(max(seq), 0) + 1, ?1, 'notice', 3, ?2 FROM events WHERE run = 0

-- name: trim_notices
DELETE FROM events WHERE run = 0 AND seq <= (SELECT max(seq) FROM events WHERE run = 0) - ?1

-- name: was_removed
SELECT 1 FROM removed WHERE run_id = ? AND epoch = ?

-- name: uncleared
SELECT run FROM removed WHERE cleared = 0

-- name: clear_events
DELETE FROM events WHERE pos IN (SELECT pos FROM events WHERE run = ? AND seq > 0 LIMIT ?)

-- name: mark_cleared
UPDATE removed SET cleared = 1 WHERE run = ?

-- name: forget_removed
SELECT run FROM removed WHERE cleared = 1 AND at < ?

-- name: forget_announcement
DELETE FROM events WHERE run = ?

-- name: forget_removal
DELETE FROM removed WHERE run = ?

-- name: ended_runs
SELECT id, run_id, kind, status, max(ended_at, coalesce(arrived_at, '')), size_bytes FROM runs
WHERE status IN ('completed', 'failed', 'cancelled') ORDER BY id DESC

-- name: all_bytes
SELECT coalesce(sum(size_bytes), 0) FROM runs

-- name: log
SELECT seq, nonce, type, priority, body FROM events WHERE run = ? AND type = 'log' AND seq > ? ORDER BY seq

-- name: log_from_end
SELECT seq, nonce, type, priority, body FROM events WHERE run = ? AND type = 'log' AND seq > ? ORDER BY seq DESC
