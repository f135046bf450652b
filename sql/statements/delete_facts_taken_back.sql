-- SPDX-License-Identifier: MIT
-- Nobody has done what is still open: if the same block is read again, it is delivered again.
DELETE d FROM deliveries_open w STRAIGHT_JOIN delivered d ON d.block = w.block
	AND d.trx_in_block = w.trx_in_block AND d.op_in_trx = w.op_in_trx AND d.virtual_op = w.virtual_op
	AND d.queue = w.queue AND d.block_crc = w.block_crc
WHERE w.delivery_id >= ?;
