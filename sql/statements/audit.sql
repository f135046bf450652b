-- SPDX-License-Identifier: MIT

-- name: select_blocks_counted
-- Block rows, how many operation rows each really has, and how many operations were delivered and then
-- removed with the last of their deliveries. All in one statement, because retention may be running.
SELECT b.block, b.block_id, b.previous,
	TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', b.timestamp) AS timestamp_s,
	b.operations, b.stored_operations, b.virtual_operations, b.stored_virtual_operations,
	b.virtual_state, b.is_irreversible, b.filter_id,
	(SELECT COUNT(*) FROM blockchain o WHERE o.block = b.block AND o.virtual_op = 0) AS real_rows,
	(SELECT COUNT(*) FROM blockchain o WHERE o.block = b.block AND o.virtual_op > 0) AS virtual_rows,
	b.block < COALESCE((SELECT MAX(p.before_block) FROM purges p), 0) AS is_purged,
	(SELECT COUNT(DISTINCT d.trx_in_block, d.op_in_trx)
		- COUNT(DISTINCT CASE WHEN COALESCE(w.delivery_id, e.delivery_id) IS NOT NULL
			THEN CONCAT(d.trx_in_block, ':', d.op_in_trx) END)
		FROM delivered d
		LEFT JOIN blockchain o ON o.block = d.block AND o.trx_in_block = d.trx_in_block
			AND o.op_in_trx = d.op_in_trx AND o.virtual_op = d.virtual_op
		LEFT JOIN deliveries_open w ON w.delivery_id = d.delivery_id
		LEFT JOIN deliveries_ended e ON e.delivery_id = d.delivery_id
		WHERE d.block = b.block AND d.virtual_op = 0 AND d.block_crc = CRC32(b.block_id)
			AND o.block IS NULL) AS real_removed,
	(SELECT COUNT(DISTINCT d.trx_in_block, d.op_in_trx, d.virtual_op)
		- COUNT(DISTINCT CASE WHEN COALESCE(w.delivery_id, e.delivery_id) IS NOT NULL
			THEN CONCAT(d.trx_in_block, ':', d.op_in_trx, ':', d.virtual_op) END)
		FROM delivered d
		LEFT JOIN blockchain o ON o.block = d.block AND o.trx_in_block = d.trx_in_block
			AND o.op_in_trx = d.op_in_trx AND o.virtual_op = d.virtual_op
		LEFT JOIN deliveries_open w ON w.delivery_id = d.delivery_id
		LEFT JOIN deliveries_ended e ON e.delivery_id = d.delivery_id
		WHERE d.block = b.block AND d.virtual_op > 0 AND d.block_crc = CRC32(b.block_id)
			AND o.block IS NULL) AS virtual_removed
FROM blocks b WHERE b.block BETWEEN ? AND ? ORDER BY b.block;

-- name: select_extra_blocks
-- Blocks with operation rows but without a block row.
SELECT DISTINCT o.block FROM blockchain o LEFT JOIN blocks b ON b.block = o.block
WHERE o.block BETWEEN ? AND ? AND b.block IS NULL ORDER BY o.block;

-- name: select_purged
-- Operations of blocks below this one may be missing.
SELECT COALESCE(MAX(before_block), 0) AS before_block FROM purges;

-- name: select_operations
SELECT trx_in_block, op_in_trx, virtual_op, trx_id,
	TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', timestamp) AS timestamp_s,
	operation, account, payload
FROM blockchain WHERE block = ? ORDER BY trx_in_block, op_in_trx, virtual_op;

-- name: select_operations_removed
-- Operations of a block that were delivered, and removed with the last of their deliveries
-- (queue.keep_days).
SELECT d.block, d.trx_in_block, d.op_in_trx, d.virtual_op
FROM delivered d
JOIN blocks b ON b.block = d.block AND CRC32(b.block_id) = d.block_crc
LEFT JOIN blockchain o ON o.block = d.block AND o.trx_in_block = d.trx_in_block
	AND o.op_in_trx = d.op_in_trx AND o.virtual_op = d.virtual_op
LEFT JOIN deliveries_open w ON w.delivery_id = d.delivery_id
LEFT JOIN deliveries_ended e ON e.delivery_id = d.delivery_id
WHERE d.block = ? AND o.block IS NULL
GROUP BY d.block, d.trx_in_block, d.op_in_trx, d.virtual_op
HAVING COUNT(w.delivery_id) + COUNT(e.delivery_id) = 0
ORDER BY d.block, d.trx_in_block, d.op_in_trx, d.virtual_op;
