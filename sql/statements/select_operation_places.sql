-- SPDX-License-Identifier: MIT
SELECT block, trx_in_block, op_in_trx, virtual_op FROM blockchain WHERE block BETWEEN ? AND ?
ORDER BY block, trx_in_block, op_in_trx, virtual_op;
