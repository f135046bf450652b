-- SPDX-License-Identifier: MIT
DELETE FROM readers WHERE name = ?
	AND (state = 'stopped' OR heartbeat_at <= UTC_TIMESTAMP(6) - INTERVAL 30 SECOND);
