-- SPDX-License-Identifier: MIT
-- Operation rows that no block row vouches for.
SELECT DISTINCT o.block FROM blockchain o LEFT JOIN blocks b ON b.block = o.block
WHERE o.block BETWEEN ? AND ? AND b.block IS NULL ORDER BY o.block;
