-- SPDX-License-Identifier: MIT

-- name: select_newest_block
SELECT block, block_id, previous,
	TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', timestamp) AS timestamp_s
FROM blocks WHERE block <= ? AND is_irreversible = 1
ORDER BY block DESC LIMIT 1;

-- name: select_oldest_block
SELECT block, block_id, previous,
	TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', timestamp) AS timestamp_s
FROM blocks WHERE is_irreversible = 1 ORDER BY block LIMIT 1;

-- name: select_outdated
-- Blocks that differ from the present settings. The first two of three reasons: other rules or a purge;
-- incomplete virtual operations (below block 864,000 a block may have none, but older versions believed every empty
-- list there). The third: not delivered, under these rules (0: under any). A reason with 0 before it does not count.
SELECT block FROM blocks WHERE block BETWEEN ? AND ? AND is_irreversible = 1 AND (
	(? <> 0 AND (filter_id <> ?
		OR (block < COALESCE((SELECT MAX(p.before_block) FROM purges p), 0)
			AND stored_operations + stored_virtual_operations >
				(SELECT COUNT(*) FROM blockchain o WHERE o.block = blocks.block))))
	OR (? <> 0 AND (virtual_state <> 'complete' OR (block < 864000 AND virtual_operations = 0)))
	OR (? <> 0 AND is_delivered = 0 AND ? IN (0, filter_id)))
ORDER BY block LIMIT ?;
