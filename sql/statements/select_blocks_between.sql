-- SPDX-License-Identifier: MIT
SELECT block, block_id, previous, filter_id, is_irreversible, virtual_state, committed_at, is_delivered,
	virtual_operations
FROM blocks WHERE block BETWEEN ? AND ? ORDER BY block;
