-- SPDX-License-Identifier: MIT
-- The block of the operation so many behind the first one: the end of a small commit.
SELECT block FROM blockchain WHERE block BETWEEN ? AND ?
ORDER BY block, trx_in_block, op_in_trx, virtual_op LIMIT 1 OFFSET 1000;
