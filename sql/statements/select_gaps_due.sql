-- SPDX-License-Identifier: MIT
-- The longest wait is 10 minutes. A time to try again that lies more than a minute further ahead was written by
-- a clock that was ahead: the gap is due.
SELECT k.first_block, k.last_block FROM known_gaps k
JOIN (SELECT (SELECT started_at FROM readers WHERE name = ? AND session = ?) AS started_at) s
WHERE k.first_block <= ? AND k.last_block >= ?
	AND (k.tried_at IS NULL OR s.started_at IS NULL OR k.tried_at < s.started_at
		OR k.retry_at <= UTC_TIMESTAMP(6) OR k.retry_at > UTC_TIMESTAMP(6) + INTERVAL 11 MINUTE)
ORDER BY k.first_block DESC LIMIT 500;
