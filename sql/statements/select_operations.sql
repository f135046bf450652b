-- SPDX-License-Identifier: MIT
SELECT trx_in_block, op_in_trx, virtual_op, trx_id,
	TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', timestamp) AS timestamp_s,
	operation, account, payload
FROM blockchain WHERE block = ? ORDER BY trx_in_block, op_in_trx, virtual_op;
