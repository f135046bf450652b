-- SPDX-License-Identifier: MIT
-- Deliveries that ended before a time. A delivery ends after its block was made: an end before that was
-- written by a clock that was behind. One that a bot is about to put back into its queue is left alone.
SELECT e.delivery_id, e.block, e.trx_in_block, e.op_in_trx, e.virtual_op, e.block_crc
FROM deliveries_ended e
WHERE e.queue = ? AND e.state = ?
	AND e.finished_at < CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? SECOND
	AND COALESCE((SELECT b.timestamp FROM blocks b WHERE b.block = e.block), e.finished_at)
		< CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? SECOND
ORDER BY e.finished_at LIMIT ? FOR UPDATE SKIP LOCKED;
