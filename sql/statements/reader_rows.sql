-- SPDX-License-Identifier: MIT

-- name: upsert_reader
INSERT INTO readers (name, session, state, version, started_at, heartbeat_at)
VALUES (?, ?, 'starting', ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE session = ?, state = 'starting', version = ?, node = NULL,
	blocks_stored = 0, operations_stored = 0, blocks_lost = 0, node_failures = 0,
	commit_retries = 0, false_blocks = 0, false_claims = 0, unproved_blocks = 0, started_at = UTC_TIMESTAMP(6), heartbeat_at = UTC_TIMESTAMP(6);

-- name: delete_reader
DELETE FROM readers WHERE name = ? AND session = ?;

-- name: delete_reader_claims
DELETE FROM gap_claims WHERE reader = ?;

-- name: select_reader
SELECT r.id, r.session, (SELECT f.id FROM filters f WHERE f.is_active = 1) AS filter_id,
	(SELECT w.first_block FROM ranges w WHERE w.is_open = 1) AS open_first
FROM readers r WHERE r.name = ?;

-- name: update_reader_heartbeat
-- started_at is corrected if the clock was ahead then: otherwise no gap would count as tried since the
-- start.
UPDATE readers SET state = ?, node = LEFT(?, 255), head_block = GREATEST(head_block, ?),
	irreversible_block = GREATEST(irreversible_block, ?), node_failures = ?, commit_retries = ?,
	false_blocks = ?, false_claims = ?, unproved_blocks = ?,
	heartbeat_at = UTC_TIMESTAMP(6), started_at = LEAST(started_at, UTC_TIMESTAMP(6))
WHERE name = ? AND session = ?;

-- name: update_reader_stopped
UPDATE readers SET state = 'stopped', heartbeat_at = UTC_TIMESTAMP(6)
WHERE name = ? AND session = ?;

-- name: delete_session_claims
DELETE FROM gap_claims WHERE reader = ? AND session = ?;

-- name: update_irreversible_kept
-- The row of a reader is removed; the irreversible block that it knew is kept, otherwise a hole at the
-- top would be hidden.
UPDATE bookkeeping SET changes = changes + 1, irreversible_block = GREATEST(irreversible_block,
	(SELECT COALESCE(MAX(r.irreversible_block), 0) FROM readers r WHERE r.name = ?))
WHERE id = 1;

-- name: select_reader_heartbeat
SELECT state = 'stopped' AS is_stopped, TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', heartbeat_at) AS heartbeat_us
FROM readers WHERE name = ?;

-- name: delete_dead_reader
-- The caller has watched the heartbeat, and it must not have changed. Its age proves nothing, because
-- clocks jump.
DELETE FROM readers WHERE name = ?
	AND (state = 'stopped' OR heartbeat_at = CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? MICROSECOND);

-- name: select_irreversible
SELECT GREATEST((SELECT COALESCE(MAX(irreversible_block), 0) FROM readers),
	(SELECT COALESCE(MAX(irreversible_block), 0) FROM bookkeeping)) AS irreversible_block;

-- name: select_reader_status
SELECT name, state, node, alive, last_block, irreversible_block, lag_blocks, lag_s, heartbeat_age_s
FROM reader_status ORDER BY name;
