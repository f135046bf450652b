-- SPDX-License-Identifier: MIT
-- Operations of a block that were delivered, and are gone with the last of their deliveries (queue.keep_days).
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
