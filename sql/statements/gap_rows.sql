-- SPDX-License-Identifier: MIT

-- name: lock_bookkeeping
UPDATE bookkeeping SET changes = changes + 1 WHERE id = 1;

-- name: select_now
SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6)) AS now_us;

-- name: select_gap_below
SELECT first_block, last_block FROM known_gaps WHERE first_block < ?
ORDER BY first_block DESC LIMIT 1;

-- name: select_known_gaps
SELECT first_block, last_block, reason, attempts, TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', tried_at) AS tried_us,
	TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', retry_at) AS retry_us, TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', found_at) AS found_us
FROM known_gaps WHERE first_block BETWEEN ? AND ? ORDER BY first_block;

-- name: insert_known_gaps
INSERT INTO known_gaps (first_block, last_block, reason, attempts, tried_at, retry_at, found_at)
VALUES (?, ?, ?, ?, CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? MICROSECOND,
	CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? MICROSECOND,
	CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? MICROSECOND);

-- name: delete_known_gaps
DELETE FROM known_gaps WHERE first_block BETWEEN ? AND ?;
