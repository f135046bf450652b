-- SPDX-License-Identifier: MIT
-- The caller has watched the heartbeat, and it must not have changed. Its age would prove nothing: clocks jump.
DELETE FROM readers WHERE name = ?
	AND (state = 'stopped' OR heartbeat_at = CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? MICROSECOND);
