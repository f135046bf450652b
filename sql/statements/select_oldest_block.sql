-- SPDX-License-Identifier: MIT
SELECT block, block_id, previous FROM blocks ORDER BY block LIMIT 1;
