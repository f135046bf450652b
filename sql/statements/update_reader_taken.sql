-- SPDX-License-Identifier: MIT
-- The caller has watched the heartbeat, and it must not have changed. A process that was only frozen sees that the
-- row is no longer its own.
UPDATE readers SET session = 'rewind', state = 'stopped' WHERE name = ? AND session = ?
	AND heartbeat_at = CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? MICROSECOND;
