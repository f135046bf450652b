-- SPDX-License-Identifier: MIT
-- Of a purge that reached higher, what it removed below stays removed.
INSERT INTO purges (before_block, started_at, finished_at)
SELECT ?, MIN(p.started_at), MIN(p.finished_at) FROM purges p
WHERE p.before_block > ? AND NOT EXISTS (SELECT 1 FROM purges q WHERE q.before_block = ?)
HAVING COUNT(*) > 0;
