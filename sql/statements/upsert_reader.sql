-- SPDX-License-Identifier: MIT
INSERT INTO readers (name, session, state, version, started_at, heartbeat_at)
VALUES (?, ?, 'starting', ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE session = ?, state = 'starting', version = ?, node = NULL,
	blocks_stored = 0, operations_stored = 0, blocks_lost = 0, node_failures = 0,
	commit_retries = 0, false_blocks = 0, false_claims = 0, unproved_blocks = 0, started_at = UTC_TIMESTAMP(6), heartbeat_at = UTC_TIMESTAMP(6);
