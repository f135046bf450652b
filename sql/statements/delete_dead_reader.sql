-- SPDX-License-Identifier: MIT
-- Whoever asks has watched the heartbeat: it is still the same. No clock says whether a reader is alive.
DELETE FROM readers WHERE name = ?
	AND (state = 'stopped' OR heartbeat_at = CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? MICROSECOND);
