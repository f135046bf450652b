-- SPDX-License-Identifier: MIT
INSERT INTO deliveries_open (delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op, block_crc,
	account, available_at, set_at, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), UTC_TIMESTAMP(6));
