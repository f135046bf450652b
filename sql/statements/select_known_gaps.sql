-- SPDX-License-Identifier: MIT
SELECT first_block, last_block, reason, attempts, TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', tried_at) AS tried_us,
	TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', retry_at) AS retry_us, TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', found_at) AS found_us
FROM known_gaps WHERE first_block BETWEEN ? AND ? ORDER BY first_block;
