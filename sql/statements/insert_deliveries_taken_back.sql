-- SPDX-License-Identifier: MIT
INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op,
	block_crc, account, state, attempts, token, worker, last_error, created_at, claimed_at, finished_at)
SELECT w.delivery_id, w.queue, w.block, w.trx_in_block, w.op_in_trx, w.virtual_op,
	w.block_crc, w.account, 'orphaned', w.attempts, w.token, w.worker, 'its block was taken back with --rewind',
	w.created_at, w.claimed_at, UTC_TIMESTAMP(6)
FROM deliveries_open w WHERE w.delivery_id >= ? FOR UPDATE
ON DUPLICATE KEY UPDATE state = VALUES(state), attempts = VALUES(attempts), token = VALUES(token),
	worker = VALUES(worker), last_error = VALUES(last_error), claimed_at = VALUES(claimed_at),
	finished_at = VALUES(finished_at);
