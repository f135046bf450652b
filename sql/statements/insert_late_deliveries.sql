-- SPDX-License-Identifier: MIT
-- Read too late to wake a bot: the administrator may still queue them.
INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op, block_crc,
	account, state, attempts, last_error, created_at, finished_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'failed', 0, 'it was read later than queue.max_age_s after its block',
	UTC_TIMESTAMP(6), UTC_TIMESTAMP(6));
