-- SPDX-License-Identifier: MIT
-- The last statement of a commit. It finds no row when the name was taken over, or when
-- other filter rules are active: then nothing is committed.
UPDATE readers SET last_block = GREATEST(last_block, ?), head_block = GREATEST(head_block, ?),
	irreversible_block = GREATEST(irreversible_block, ?), blocks_stored = blocks_stored + ?,
	operations_stored = operations_stored + ?, blocks_lost = blocks_lost + ?,
	heartbeat_at = UTC_TIMESTAMP(6), started_at = LEAST(started_at, UTC_TIMESTAMP(6))
WHERE name = ? AND session = ?
	AND EXISTS (SELECT 1 FROM filters f WHERE f.id = ? AND f.is_active = 1);
