-- SPDX-License-Identifier: MIT

-- name: select_stored_numbers
-- A block that is not confirmed as irreversible does not count as stored.
SELECT block FROM blocks FORCE INDEX (blocks_irreversible)
WHERE block BETWEEN ? AND ? AND is_irreversible = 1 ORDER BY block LIMIT 1000000;

-- name: update_scanned_to
UPDATE ranges SET scanned_to = ? WHERE is_open = 1 AND scanned_to + 1 >= ? AND scanned_to < ?;
