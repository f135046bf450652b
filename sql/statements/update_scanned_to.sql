-- SPDX-License-Identifier: MIT
UPDATE ranges SET scanned_to = ? WHERE is_open = 1 AND scanned_to + 1 >= ? AND scanned_to < ?;
