-- SPDX-License-Identifier: MIT
-- A session that began while the clock was ahead would never have tried a gap: its start is put right.
UPDATE readers SET state = ?, node = LEFT(?, 255), head_block = GREATEST(head_block, ?),
	irreversible_block = GREATEST(irreversible_block, ?), node_failures = ?, commit_retries = ?,
	heartbeat_at = UTC_TIMESTAMP(6), started_at = LEAST(started_at, UTC_TIMESTAMP(6))
WHERE name = ? AND session = ?;
