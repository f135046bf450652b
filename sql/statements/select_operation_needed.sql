-- SPDX-License-Identifier: MIT
-- Does a delivery of the operation stand there but for one, or another block under its number? Both ranges of
-- ids are those of the block.
SELECT 1 FROM deliveries_open w
WHERE w.delivery_id BETWEEN ? AND ? AND w.trx_in_block = ? AND w.op_in_trx = ? AND w.virtual_op = ? AND w.block_crc = ?
UNION ALL
SELECT 1 FROM deliveries_ended e
WHERE e.delivery_id BETWEEN ? AND ? AND e.trx_in_block = ? AND e.op_in_trx = ? AND e.virtual_op = ? AND e.block_crc = ?
	AND e.delivery_id <> ?
UNION ALL
SELECT 1 FROM blocks b WHERE b.block = ? AND CRC32(b.block_id) <> ?
LIMIT 1;
