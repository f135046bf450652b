-- SPDX-License-Identifier: MIT
INSERT INTO blockchain (block, trx_in_block, op_in_trx, virtual_op, trx_id, timestamp, operation,
	account, payload)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
