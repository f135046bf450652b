-- SPDX-License-Identifier: MIT
-- What was delivered of some blocks. A fact that somebody removed by hand still shows in the delivery. Of one that
-- --rewind took back only the id shows, which is not used again: no queue has the name ''.
SELECT block, trx_in_block, op_in_trx, virtual_op, queue, block_crc, delivery_id
FROM delivered WHERE block BETWEEN ? AND ?
UNION ALL
SELECT block, trx_in_block, op_in_trx, virtual_op, queue, block_crc, delivery_id
FROM deliveries_open WHERE delivery_id BETWEEN ? AND ?
UNION ALL
SELECT block, trx_in_block, op_in_trx, virtual_op, IF(state = 'orphaned', '', queue), block_crc, delivery_id
FROM deliveries_ended WHERE delivery_id BETWEEN ? AND ?;
