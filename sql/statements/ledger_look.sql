-- SPDX-License-Identifier: MIT

-- name: select_blocks_between
SELECT block, block_id, previous, filter_id, is_irreversible, virtual_state, committed_at, is_delivered,
	virtual_operations
FROM blocks WHERE block BETWEEN ? AND ? ORDER BY block;

-- name: select_newest_block
SELECT block, block_id, previous,
	TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', timestamp) AS timestamp_s
FROM blocks WHERE block <= ? AND is_irreversible = 1
ORDER BY block DESC LIMIT 1;

-- name: select_oldest_block
SELECT block, block_id, previous,
	TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', timestamp) AS timestamp_s
FROM blocks WHERE is_irreversible = 1 ORDER BY block LIMIT 1;

-- name: select_no_virtual
-- Below block 864,000 a block may have no virtual operation, but older versions believed every empty list there.
SELECT block FROM blocks WHERE block BETWEEN ? AND ? AND is_irreversible = 1
	AND (virtual_state <> 'complete' OR (block < 864000 AND virtual_operations = 0))
ORDER BY block;

-- name: select_undelivered
-- Blocks that a backfill without --deliver stored under these rules.
SELECT block FROM blocks WHERE block BETWEEN ? AND ? AND is_irreversible = 1
	AND is_delivered = 0 AND (? = 0 OR filter_id = ?)
ORDER BY block;

-- name: select_other_filter
-- Blocks that were stored under other rules, or that a purge has removed operations from.
SELECT block FROM blocks WHERE block BETWEEN ? AND ? AND is_irreversible = 1
	AND (filter_id <> ? OR is_delivered < ?
		OR (block < COALESCE((SELECT MAX(p.before_block) FROM purges p), 0)
			AND stored_operations + stored_virtual_operations >
				(SELECT COUNT(*) FROM blockchain o WHERE o.block = blocks.block)))
ORDER BY block;
