-- SPDX-License-Identifier: MIT

-- name: lock_deliveries_expired
-- The deliveries that ended before a time. A delivery cannot end before its block was made: if
-- finished_at says so, a clock was behind, and the time of the block counts. A delivery that a bot has
-- locked, to requeue it, is skipped.
SELECT e.delivery_id, e.block, e.trx_in_block, e.op_in_trx, e.virtual_op, e.block_crc
FROM deliveries_ended e
WHERE e.queue = ? AND e.state = ?
	AND e.finished_at < CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? SECOND
	AND COALESCE((SELECT b.timestamp FROM blocks b WHERE b.block = e.block), e.finished_at)
		< CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? SECOND
ORDER BY e.finished_at LIMIT ? FOR UPDATE SKIP LOCKED;

-- name: select_operation_needed
-- Does the operation have another delivery than this one, or is another block stored under its number?
-- Both ranges of ids are those of the block.
SELECT 1 FROM deliveries_open w
WHERE w.delivery_id BETWEEN ? AND ? AND w.trx_in_block = ? AND w.op_in_trx = ? AND w.virtual_op = ? AND w.block_crc = ?
UNION ALL
SELECT 1 FROM deliveries_ended e
WHERE e.delivery_id BETWEEN ? AND ? AND e.trx_in_block = ? AND e.op_in_trx = ? AND e.virtual_op = ? AND e.block_crc = ?
	AND e.delivery_id <> ?
UNION ALL
SELECT 1 FROM blocks b WHERE b.block = ? AND CRC32(b.block_id) <> ?
LIMIT 1;

-- name: lock_operation
-- A row that a bot has locked is skipped.
SELECT block FROM blockchain WHERE block = ? AND trx_in_block = ? AND op_in_trx = ? AND virtual_op = ?
FOR UPDATE SKIP LOCKED;

-- name: select_operation_place
SELECT block FROM blockchain WHERE block = ? AND trx_in_block = ? AND op_in_trx = ? AND virtual_op = ?;

-- name: delete_operation
DELETE FROM blockchain WHERE block = ? AND trx_in_block = ? AND op_in_trx = ? AND virtual_op = ?;

-- name: delete_ended_delivery
DELETE FROM deliveries_ended WHERE delivery_id = ?;

-- name: select_ended_queue
-- The next queue, by name, that has ended deliveries.
SELECT queue FROM deliveries_ended WHERE queue > ? ORDER BY queue LIMIT 1;
