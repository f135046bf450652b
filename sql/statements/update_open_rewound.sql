-- SPDX-License-Identifier: MIT
-- An open range that begins further up was opened at a false block.
UPDATE ranges SET first_block = LEAST(first_block, ?), scanned_to = LEAST(scanned_to, ?) WHERE is_open = 1;
