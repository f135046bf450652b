-- SPDX-License-Identifier: MIT
-- Cells that are claimed now (see update_claim_expired.sql), and whether known_gaps still holds blocks of them.
SELECT c.first_block, CASE WHEN c.reader = ? AND c.session = ? THEN 1 ELSE 0 END AS is_own,
	COALESCE((SELECT k.last_block FROM known_gaps k WHERE k.first_block <= c.first_block + 999
		ORDER BY k.first_block DESC LIMIT 1) >= c.first_block, 0) AS has_gap
FROM gap_claims c
WHERE c.expires_at > UTC_TIMESTAMP(6) AND c.expires_at <= UTC_TIMESTAMP(6) + INTERVAL 90 SECOND
ORDER BY c.first_block;
