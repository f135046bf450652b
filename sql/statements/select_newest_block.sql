-- SPDX-License-Identifier: MIT
SELECT block, block_id, previous FROM blocks WHERE block <= ? ORDER BY block DESC LIMIT 1;
