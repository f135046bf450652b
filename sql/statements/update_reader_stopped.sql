-- SPDX-License-Identifier: MIT
UPDATE readers SET state = 'stopped', heartbeat_at = UTC_TIMESTAMP(6)
WHERE name = ? AND session = ?;
