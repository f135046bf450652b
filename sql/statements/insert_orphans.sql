-- SPDX-License-Identifier: MIT
-- The operations of a block that another one takes the place of, before they are removed.
INSERT INTO orphans (block, block_id, trx_in_block, op_in_trx, virtual_op, trx_id, timestamp,
	operation, account, payload, replaced_by, reader_id, orphaned_at)
SELECT block, ?, trx_in_block, op_in_trx, virtual_op, trx_id, timestamp,
	operation, account, payload, ?, ?, UTC_TIMESTAMP(6)
FROM blockchain WHERE block = ?
ON DUPLICATE KEY UPDATE replaced_by = VALUES(replaced_by), orphaned_at = VALUES(orphaned_at);
