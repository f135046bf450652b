-- SPDX-License-Identifier: MIT
INSERT INTO known_gaps (first_block, last_block, reason, attempts, tried_at, retry_at, found_at)
VALUES (?, ?, ?, ?, CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? MICROSECOND,
	CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? MICROSECOND,
	CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? MICROSECOND);
