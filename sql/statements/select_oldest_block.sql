-- SPDX-License-Identifier: MIT
SELECT block, block_id, previous FROM blocks WHERE is_irreversible = 1 ORDER BY block LIMIT 1;
