-- SPDX-License-Identifier: MIT

-- name: update_block
-- A stored block becomes what the reader has: confirmed, written again, or replaced. The row must still
-- be what the reader saw (id and time of writing), so only one of two readers does it.
UPDATE blocks SET block_id = ?, previous = ?, timestamp = ?, operations = ?, stored_operations = ?,
	virtual_operations = ?, stored_virtual_operations = ?, virtual_state = ?, proof = ?, is_irreversible = 1,
	is_searched = 1, is_delivered = ?, filter_id = ?, reader_id = ?, committed_at = UTC_TIMESTAMP(6)
WHERE block = ? AND block_id = ? AND committed_at = ?;

-- name: insert_orphans
-- Save the operations of a replaced block, before they are removed.
INSERT INTO orphans (block, block_id, trx_in_block, op_in_trx, virtual_op, trx_id, timestamp,
	operation, account, payload, replaced_by, reader_id, orphaned_at)
SELECT block, ?, trx_in_block, op_in_trx, virtual_op, trx_id, timestamp,
	operation, account, payload, ?, ?, UTC_TIMESTAMP(6)
FROM blockchain WHERE block = ?
ON DUPLICATE KEY UPDATE replaced_by = VALUES(replaced_by), orphaned_at = VALUES(orphaned_at);

-- name: delete_operations
DELETE FROM blockchain WHERE block = ?;

-- name: update_reader_progress
-- The last statement of a commit. It finds no row if another process took over the name, or if other
-- filter rules are active: then nothing is committed.
UPDATE readers SET last_block = GREATEST(last_block, ?), head_block = GREATEST(head_block, ?),
	irreversible_block = GREATEST(irreversible_block, ?), blocks_stored = blocks_stored + ?,
	operations_stored = operations_stored + ?, blocks_lost = blocks_lost + ?,
	heartbeat_at = UTC_TIMESTAMP(6), started_at = LEAST(started_at, UTC_TIMESTAMP(6))
WHERE name = ? AND session = ?
	AND EXISTS (SELECT 1 FROM filters f WHERE f.id = ? AND f.is_active = 1);
