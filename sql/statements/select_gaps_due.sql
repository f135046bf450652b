-- SPDX-License-Identifier: MIT
-- A gap waits 10 minutes at most. If its retry_at is more than 11 minutes ahead, the clock was ahead when it was
-- written, and the gap is due.
SELECT k.first_block, k.last_block FROM known_gaps k
JOIN (SELECT (SELECT started_at FROM readers WHERE name = ? AND session = ?) AS started_at) s
WHERE k.first_block <= ? AND k.last_block >= ?
	AND (k.tried_at IS NULL OR s.started_at IS NULL OR k.tried_at < s.started_at
		OR k.retry_at <= UTC_TIMESTAMP(6) OR k.retry_at > UTC_TIMESTAMP(6) + INTERVAL 11 MINUTE)
ORDER BY k.first_block DESC LIMIT 500;
