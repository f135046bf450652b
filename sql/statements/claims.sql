-- SPDX-License-Identifier: MIT

-- name: select_claims
-- Cells that are claimed now (see update_claim_expired), and whether known_gaps still has blocks of them.
SELECT c.first_block, CASE WHEN c.reader = ? AND c.session = ? THEN 1 ELSE 0 END AS is_own,
	COALESCE((SELECT k.last_block FROM known_gaps k WHERE k.first_block <= c.first_block + 999
		ORDER BY k.first_block DESC LIMIT 1) >= c.first_block, 0) AS has_gap
FROM gap_claims c
WHERE c.expires_at > UTC_TIMESTAMP(6) AND c.expires_at <= UTC_TIMESTAMP(6) + INTERVAL 90 SECOND
ORDER BY c.first_block;

-- name: sum_gaps
-- The missing blocks of one wanted range. Tries before this session began count neither as tried nor as
-- waiting. select_gaps_due shows what is due.
SELECT COALESCE(SUM(g.missing), 0) AS missing,
	COALESCE(SUM(CASE WHEN g.tried_at >= g.started_at THEN g.missing ELSE 0 END), 0) AS tried,
	COALESCE(SUM(CASE WHEN g.waits = 1 THEN 1 ELSE 0 END), 0) AS waiting,
	MIN(CASE WHEN g.waits = 1 THEN TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), g.retry_at) END) AS wait_us
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

-- name: insert_claim
INSERT INTO gap_claims (first_block, reader, session, claimed_at, expires_at)
VALUES (?, ?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 30 SECOND);

-- name: update_claim_expired
-- A claim lasts 30 seconds. If it ends more than 90 seconds ahead, the clock was ahead when it was written.
UPDATE gap_claims SET reader = ?, session = ?, claimed_at = UTC_TIMESTAMP(6),
	expires_at = UTC_TIMESTAMP(6) + INTERVAL 30 SECOND
WHERE first_block = ?
	AND (expires_at <= UTC_TIMESTAMP(6) OR expires_at > UTC_TIMESTAMP(6) + INTERVAL 90 SECOND);

-- name: select_gaps_due
-- A gap waits 10 minutes at most. If its retry_at is more than 11 minutes ahead, the clock was ahead when it was
-- written, and the gap is due.
SELECT k.first_block, k.last_block FROM known_gaps k
JOIN (SELECT (SELECT started_at FROM readers WHERE name = ? AND session = ?) AS started_at) s
WHERE k.first_block <= ? AND k.last_block >= ?
	AND (k.tried_at IS NULL OR s.started_at IS NULL OR k.tried_at < s.started_at
		OR k.retry_at <= UTC_TIMESTAMP(6) OR k.retry_at > UTC_TIMESTAMP(6) + INTERVAL 11 MINUTE)
ORDER BY k.first_block DESC LIMIT 500;

-- name: delete_claim
DELETE FROM gap_claims WHERE first_block = ? AND reader = ? AND session = ?;

-- name: delete_claims_expired
-- Claims of readers that died and whose blocks others have stored since then; and claims written while
-- the clock was ahead.
DELETE FROM gap_claims WHERE expires_at <= UTC_TIMESTAMP(6) - INTERVAL 10 MINUTE
	OR expires_at > UTC_TIMESTAMP(6) + INTERVAL 10 MINUTE;

-- name: update_claims_renewed
UPDATE gap_claims SET expires_at = UTC_TIMESTAMP(6) + INTERVAL 30 SECOND
WHERE reader = ? AND session = ?;
