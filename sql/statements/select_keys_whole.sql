-- SPDX-License-Identifier: MIT
-- (since, since, since, block, block, since, since, block): one row if every block above `since` and below
-- `block` is stored and was looked through for changes of keys. Holes below scanned_to stand in known_gaps; above
-- it the blocks are counted.
SELECT 1 FROM ranges r JOIN bookkeeping b
WHERE r.is_open = 1 AND r.first_block <= ? + 1 AND b.keys_from <= ?
	AND NOT EXISTS (SELECT 1 FROM known_gaps g WHERE g.last_block > ? AND g.first_block < ?)
	AND (SELECT COUNT(*) FROM blocks n
		WHERE n.block < ? AND n.block > GREATEST(?, COALESCE(r.scanned_to, 0)) AND n.is_irreversible = 1)
		+ GREATEST(?, COALESCE(r.scanned_to, 0)) + 1 >= ?;
