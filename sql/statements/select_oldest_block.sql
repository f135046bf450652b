-- SPDX-License-Identifier: MIT
SELECT block, block_id, previous,
	TIMESTAMPDIFF(SECOND, '1970-01-01 00:00:00', timestamp) AS timestamp_s
FROM blocks WHERE is_irreversible = 1 ORDER BY block LIMIT 1;
