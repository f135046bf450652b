-- SPDX-License-Identifier: MIT

-- name: select_ranges
SELECT first_block, last_block, scanned_to FROM ranges ORDER BY first_block;

-- name: insert_range
INSERT INTO ranges (first_block, last_block, scanned_to) VALUES (?, ?, ?);

-- name: delete_ranges_covered
DELETE FROM ranges WHERE last_block IS NOT NULL AND first_block >= ?;

-- name: update_ranges_shortened
UPDATE ranges SET last_block = ? - 1 WHERE last_block IS NOT NULL AND last_block >= ?;

-- name: update_open_first
UPDATE ranges SET first_block = ?, scanned_to = LEAST(scanned_to, ?) WHERE is_open = 1;
