-- SPDX-License-Identifier: MIT

-- name: insert_blocks
-- The row decides which reader stores the block: a plain INSERT, never IGNORE.
INSERT INTO blocks (block, block_id, previous, timestamp, operations, stored_operations,
	virtual_operations, stored_virtual_operations, virtual_state, proof, is_irreversible, is_delivered,
	filter_id, reader_id, is_searched, committed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, is_irreversible, UTC_TIMESTAMP(6));

-- name: insert_operations
INSERT INTO blockchain (block, trx_in_block, op_in_trx, virtual_op, trx_id, timestamp, operation,
	account, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
