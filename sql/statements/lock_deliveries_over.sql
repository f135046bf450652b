-- SPDX-License-Identifier: MIT
-- Deliveries that ended so many days ago. One that a bot is about to put back into its queue is left alone.
SELECT delivery_id, block, trx_in_block, op_in_trx, virtual_op, block_crc FROM deliveries_ended
WHERE queue = ? AND state = ? AND finished_at < UTC_TIMESTAMP(6) - INTERVAL ? DAY
ORDER BY finished_at LIMIT ? FOR UPDATE SKIP LOCKED;
