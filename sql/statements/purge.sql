-- SPDX-License-Identifier: MIT

-- name: select_operations_needed
-- Operations that a delivery still needs, in the order of the table.
SELECT block, trx_in_block, op_in_trx, virtual_op FROM deliveries_open WHERE delivery_id BETWEEN ? AND ?
UNION
SELECT block, trx_in_block, op_in_trx, virtual_op FROM deliveries_ended WHERE delivery_id BETWEEN ? AND ?
ORDER BY block, trx_in_block, op_in_trx, virtual_op;

-- name: select_purge_end
-- The block of the operation 1000 places after the first one: the end of a small commit.
SELECT block FROM blockchain WHERE block BETWEEN ? AND ?
ORDER BY block, trx_in_block, op_in_trx, virtual_op LIMIT 1 OFFSET 1000;

-- name: lock_ended_between
SELECT delivery_id FROM deliveries_ended WHERE delivery_id BETWEEN ? AND ? ORDER BY delivery_id LIMIT ?
FOR UPDATE SKIP LOCKED;

-- name: delete_ended_between
DELETE FROM deliveries_ended WHERE delivery_id BETWEEN ? AND ? ORDER BY delivery_id LIMIT ?;

-- name: select_operation_places
SELECT block, trx_in_block, op_in_trx, virtual_op FROM blockchain WHERE block BETWEEN ? AND ?
ORDER BY block, trx_in_block, op_in_trx, virtual_op;

-- name: lock_operations_between
-- Locked rows are skipped.
SELECT block, trx_in_block, op_in_trx, virtual_op FROM blockchain WHERE block BETWEEN ? AND ?
ORDER BY block, trx_in_block, op_in_trx, virtual_op FOR UPDATE SKIP LOCKED;

-- name: delete_operations_between
DELETE FROM blockchain WHERE block BETWEEN ? AND ?
ORDER BY block, trx_in_block, op_in_trx, virtual_op LIMIT ?;

-- name: delete_orphans_between
DELETE FROM orphans WHERE block BETWEEN ? AND ?
ORDER BY block, block_id, trx_in_block, op_in_trx, virtual_op LIMIT ?;

-- name: upsert_purge
-- From now on the operations of these blocks may be missing.
INSERT INTO purges (before_block, started_at) VALUES (?, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE started_at = UTC_TIMESTAMP(6), finished_at = NULL;

-- name: update_purge_finished
UPDATE purges SET finished_at = UTC_TIMESTAMP(6) WHERE before_block = ?;

-- name: count_purge
-- What --purge would remove from these blocks: operations, orphans, ended deliveries.
SELECT (SELECT COUNT(*) FROM blockchain WHERE block BETWEEN ? AND ?)
	- (SELECT COUNT(*) FROM (
		SELECT DISTINCT w.block, w.trx_in_block, w.op_in_trx, w.virtual_op FROM deliveries_open w
		JOIN blockchain o ON o.block = w.block AND o.trx_in_block = w.trx_in_block
			AND o.op_in_trx = w.op_in_trx AND o.virtual_op = w.virtual_op
		WHERE w.delivery_id BETWEEN ? AND ?) needed) AS operations,
	(SELECT COUNT(*) FROM orphans WHERE block BETWEEN ? AND ?) AS orphans,
	(SELECT COUNT(*) FROM deliveries_ended WHERE delivery_id BETWEEN ? AND ?) AS deliveries;
