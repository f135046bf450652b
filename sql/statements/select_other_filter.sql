-- SPDX-License-Identifier: MIT
-- What other rules stored, or a purge has taken operations from.
SELECT block FROM blocks WHERE block BETWEEN ? AND ? AND is_irreversible = 1
	AND (filter_id <> ? OR is_delivered < ?
		OR (block < COALESCE((SELECT MAX(p.before_block) FROM purges p), 0)
			AND stored_operations + stored_virtual_operations >
				(SELECT COUNT(*) FROM blockchain o WHERE o.block = blocks.block)))
ORDER BY block;
