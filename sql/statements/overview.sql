-- SPDX-License-Identifier: MIT

-- name: select_overview
-- The overview in one row, for metrics. Gaps count up to the newest stored irreversible block, or up to
-- the block that the asking reader has decided: everything above is lag.
SELECT d.irreversible_block, g.gap_ranges, g.gap_blocks, g.first_gap, k.oldest_s, r.alive
FROM (SELECT GREATEST((SELECT COALESCE(MAX(irreversible_block), 0) FROM readers),
		(SELECT COALESCE(MAX(irreversible_block), 0) FROM bookkeeping)) AS irreversible_block) d
JOIN (SELECT COUNT(*) AS gap_ranges, COALESCE(SUM(LEAST(v.last_block, n.top) - v.first_block + 1), 0) AS gap_blocks,
		COALESCE(MIN(v.first_block), 0) AS first_gap
	FROM gaps v JOIN (SELECT GREATEST(?, COALESCE((SELECT b.block FROM blocks b WHERE b.is_irreversible = 1
			ORDER BY b.block DESC LIMIT 1), 0)) AS top) n
	WHERE v.first_block <= n.top) g
JOIN (SELECT COALESCE(GREATEST(TIMESTAMPDIFF(SECOND, MIN(found_at), UTC_TIMESTAMP(6)), 0), 0) AS oldest_s FROM known_gaps) k
JOIN (SELECT COALESCE(SUM(alive), 0) AS alive FROM reader_status) r;
