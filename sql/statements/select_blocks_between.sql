-- SPDX-License-Identifier: MIT
SELECT block, block_id, previous, filter_id FROM blocks WHERE block BETWEEN ? AND ? ORDER BY block;
