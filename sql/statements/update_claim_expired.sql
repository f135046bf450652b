-- SPDX-License-Identifier: MIT
UPDATE gap_claims SET reader = ?, session = ?, claimed_at = UTC_TIMESTAMP(6),
	expires_at = UTC_TIMESTAMP(6) + INTERVAL 30 SECOND
WHERE first_block = ? AND expires_at <= UTC_TIMESTAMP(6);
