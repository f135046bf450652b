-- SPDX-License-Identifier: MIT
SELECT block, block_id, previous FROM blocks WHERE block <= ? AND is_irreversible = 1
ORDER BY block DESC LIMIT 1;
