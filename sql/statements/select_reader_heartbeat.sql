-- SPDX-License-Identifier: MIT
SELECT state = 'stopped' AS is_stopped, TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', heartbeat_at) AS heartbeat_us
FROM readers WHERE name = ?;
