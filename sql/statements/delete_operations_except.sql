-- SPDX-License-Identifier: MIT
-- Those of a block but for a list of places: "0:2:0,5:0:0".
DELETE FROM blockchain
WHERE block = ? AND FIND_IN_SET(CONCAT(trx_in_block, ':', op_in_trx, ':', virtual_op), ?) = 0
ORDER BY block, trx_in_block, op_in_trx, virtual_op LIMIT ?;
