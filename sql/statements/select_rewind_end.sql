-- SPDX-License-Identifier: MIT
-- The lowest of the highest blocks between two, for a count in steps; 0: there is none.
SELECT COALESCE(MIN(b.block), 0) AS block
FROM (SELECT block FROM blocks WHERE block > ? AND block <= ? ORDER BY block DESC LIMIT 50000) b;
