-- SPDX-License-Identifier: MIT
UPDATE ranges SET last_block = ? - 1 WHERE last_block IS NOT NULL AND last_block >= ?;
