-- SPDX-License-Identifier: MIT
-- Operations that a delivery still needs, in the order of the table.
SELECT block, trx_in_block, op_in_trx, virtual_op FROM deliveries_open WHERE delivery_id BETWEEN ? AND ?
UNION
SELECT block, trx_in_block, op_in_trx, virtual_op FROM deliveries_ended WHERE delivery_id BETWEEN ? AND ?
ORDER BY block, trx_in_block, op_in_trx, virtual_op;
