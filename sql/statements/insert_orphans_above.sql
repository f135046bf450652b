-- SPDX-License-Identifier: MIT
-- The operations of blocks that nothing takes the place of, before they are removed.
INSERT INTO orphans (block, block_id, trx_in_block, op_in_trx, virtual_op, trx_id, timestamp,
	operation, account, payload, replaced_by, reader_id, orphaned_at)
SELECT o.block, b.block_id, o.trx_in_block, o.op_in_trx, o.virtual_op, o.trx_id, o.timestamp,
	o.operation, o.account, o.payload, REPEAT(CHAR(0), 20), 0, UTC_TIMESTAMP(6)
FROM blocks b STRAIGHT_JOIN blockchain o ON o.block = b.block WHERE b.block >= ?
ON DUPLICATE KEY UPDATE replaced_by = VALUES(replaced_by), orphaned_at = VALUES(orphaned_at);
