-- SPDX-License-Identifier: MIT
INSERT INTO delivered (block, trx_in_block, op_in_trx, virtual_op, queue, block_crc, delivery_id)
VALUES (?, ?, ?, ?, ?, ?, ?);
