-- SPDX-License-Identifier: MIT

-- name: select_blocks_between
SELECT block, block_id, previous, filter_id, is_irreversible, virtual_state, committed_at,
	virtual_operations
FROM blocks WHERE block BETWEEN ? AND ? ORDER BY block;
