-- SPDX-License-Identifier: MIT
SELECT k.first_block, k.last_block FROM known_gaps k
JOIN (SELECT (SELECT started_at FROM readers WHERE name = ? AND session = ?) AS started_at) s
WHERE k.first_block <= ? AND k.last_block >= ?
	AND (k.tried_at IS NULL OR s.started_at IS NULL OR k.tried_at < s.started_at
		OR k.retry_at <= UTC_TIMESTAMP(6))
ORDER BY k.first_block DESC LIMIT 500;
