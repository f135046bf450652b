-- SPDX-License-Identifier: MIT

-- name: select_delivered
-- All deliveries of some blocks. If somebody removed a row of `delivered` by hand, the delivery itself
-- still shows. If --rewind took a delivery back, only its id shows, so that the id is not used again: no
-- queue has the name ''.
SELECT block, trx_in_block, op_in_trx, virtual_op, queue, block_crc, delivery_id
FROM delivered WHERE block BETWEEN ? AND ?
UNION ALL
SELECT block, trx_in_block, op_in_trx, virtual_op, queue, block_crc, delivery_id
FROM deliveries_open WHERE delivery_id BETWEEN ? AND ?
UNION ALL
SELECT block, trx_in_block, op_in_trx, virtual_op, IF(state = 'orphaned', '', queue), block_crc, delivery_id
FROM deliveries_ended WHERE delivery_id BETWEEN ? AND ?;

-- name: insert_delivered
INSERT INTO delivered (block, trx_in_block, op_in_trx, virtual_op, queue, block_crc, delivery_id)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: insert_open_deliveries
INSERT INTO deliveries_open (delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op, block_crc,
	account, available_at, set_at, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6));

-- name: insert_late_deliveries
-- Read too late to wake a bot: the administrator can still queue them.
INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op, block_crc,
	account, state, attempts, last_error, created_at, finished_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'failed', 0, 'it was read later than queue.max_age_s after its block',
	UTC_TIMESTAMP(6), UTC_TIMESTAMP(6));
