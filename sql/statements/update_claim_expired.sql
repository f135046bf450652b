-- SPDX-License-Identifier: MIT
-- A claim lasts 30 seconds. If it ends more than 90 seconds ahead, the clock was ahead when it was written.
UPDATE gap_claims SET reader = ?, session = ?, claimed_at = UTC_TIMESTAMP(6),
	expires_at = UTC_TIMESTAMP(6) + INTERVAL 30 SECOND
WHERE first_block = ?
	AND (expires_at <= UTC_TIMESTAMP(6) OR expires_at > UTC_TIMESTAMP(6) + INTERVAL 90 SECOND);
