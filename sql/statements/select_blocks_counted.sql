-- SPDX-License-Identifier: MIT
-- Block rows, and how many operation rows each really has.
SELECT b.block, b.block_id, b.previous,
	TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', b.timestamp) AS timestamp_s,
	b.operations, b.stored_operations, b.virtual_operations, b.stored_virtual_operations,
	b.virtual_state, b.is_irreversible, b.filter_id,
	(SELECT COUNT(*) FROM blockchain o WHERE o.block = b.block AND o.virtual_op = 0) AS real_rows,
	(SELECT COUNT(*) FROM blockchain o WHERE o.block = b.block AND o.virtual_op > 0) AS virtual_rows
FROM blocks b WHERE b.block BETWEEN ? AND ? ORDER BY b.block;
