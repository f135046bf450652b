-- SPDX-License-Identifier: MIT
-- What is not confirmed as irreversible is not stored yet.
SELECT block FROM blocks FORCE INDEX (blocks_irreversible)
WHERE block BETWEEN ? AND ? AND is_irreversible = 1 ORDER BY block LIMIT 1000000;
