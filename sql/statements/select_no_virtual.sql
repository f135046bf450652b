-- SPDX-License-Identifier: MIT
-- Below block 864,000 a block may have no virtual operation, but older versions believed every empty list there.
SELECT block FROM blocks WHERE block BETWEEN ? AND ? AND is_irreversible = 1
	AND (virtual_state <> 'complete' OR (block < 864000 AND virtual_operations = 0))
ORDER BY block;
