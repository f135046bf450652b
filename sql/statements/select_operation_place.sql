-- SPDX-License-Identifier: MIT
SELECT block FROM blockchain WHERE block = ? AND trx_in_block = ? AND op_in_trx = ? AND virtual_op = ?;
