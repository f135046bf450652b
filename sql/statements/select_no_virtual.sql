-- SPDX-License-Identifier: MIT
-- Below block 864,000 a block may have none, and each empty list was believed once.
SELECT block FROM blocks WHERE block BETWEEN ? AND ? AND is_irreversible = 1
	AND (virtual_state <> 'complete' OR (block < 864000 AND virtual_operations = 0))
ORDER BY block;
