-- SPDX-License-Identifier: MIT
-- Readers that did not stop in order, and whose rows --rewind has not taken.
SELECT name, session, TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', heartbeat_at) AS heartbeat_us
FROM readers WHERE state <> 'stopped' AND session <> 'rewind' ORDER BY name;
