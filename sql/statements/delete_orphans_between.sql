-- SPDX-License-Identifier: MIT
DELETE FROM orphans WHERE block BETWEEN ? AND ?
ORDER BY block, block_id, trx_in_block, op_in_trx, virtual_op LIMIT ?;
