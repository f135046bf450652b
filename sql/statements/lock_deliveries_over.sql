-- SPDX-License-Identifier: MIT
-- The deliveries that ended before a time. A delivery cannot end before its block was made: if finished_at
-- says so, a clock was behind, and the time of the block counts. A delivery that a bot has locked, to put it
-- back into its queue, is skipped.
SELECT e.delivery_id, e.block, e.trx_in_block, e.op_in_trx, e.virtual_op, e.block_crc
FROM deliveries_ended e
WHERE e.queue = ? AND e.state = ?
	AND e.finished_at < CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? SECOND
	AND COALESCE((SELECT b.timestamp FROM blocks b WHERE b.block = e.block), e.finished_at)
		< CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? SECOND
ORDER BY e.finished_at LIMIT ? FOR UPDATE SKIP LOCKED;
