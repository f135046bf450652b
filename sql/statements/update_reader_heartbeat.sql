-- SPDX-License-Identifier: MIT
-- started_at is corrected if the clock was ahead then: else no gap would count as tried since the start.
UPDATE readers SET state = ?, node = LEFT(?, 255), head_block = GREATEST(head_block, ?),
	irreversible_block = GREATEST(irreversible_block, ?), node_failures = ?, commit_retries = ?,
	false_blocks = ?, false_claims = ?, unproved_blocks = ?,
	heartbeat_at = UTC_TIMESTAMP(6), started_at = LEAST(started_at, UTC_TIMESTAMP(6))
WHERE name = ? AND session = ?;
