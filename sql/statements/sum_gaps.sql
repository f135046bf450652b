-- SPDX-License-Identifier: MIT
-- What is missing of one wanted range; tried in vain and not due are counted from when
-- this session began. See select_gaps_due.sql for what is due.
SELECT COALESCE(SUM(g.missing), 0),
	COALESCE(SUM(CASE WHEN g.tried_at >= g.started_at THEN g.missing ELSE 0 END), 0),
	COALESCE(SUM(CASE WHEN g.waits = 1 THEN 1 ELSE 0 END), 0),
	MIN(CASE WHEN g.waits = 1 THEN TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), g.retry_at) END)
FROM (
	SELECT LEAST(k.last_block, ?) - GREATEST(k.first_block, ?) + 1 AS missing,
		k.tried_at, k.retry_at, s.started_at,
		CASE WHEN k.tried_at >= s.started_at AND k.retry_at > UTC_TIMESTAMP(6)
			AND k.retry_at <= UTC_TIMESTAMP(6) + INTERVAL 11 MINUTE
			THEN 1 ELSE 0 END AS waits
	FROM known_gaps k
	JOIN (SELECT (SELECT started_at FROM readers WHERE name = ? AND session = ?) AS started_at) s
	WHERE k.first_block <= ? AND k.last_block >= ?
) g;
