-- SPDX-License-Identifier: MIT
-- One that a bot has locked is passed over.
SELECT block FROM blockchain WHERE block = ? AND trx_in_block = ? AND op_in_trx = ? AND virtual_op = ?
FOR UPDATE SKIP LOCKED;
