-- SPDX-License-Identifier: MIT
DELETE FROM blockchain WHERE block BETWEEN ? AND ?
ORDER BY block, trx_in_block, op_in_trx, virtual_op LIMIT ?;
