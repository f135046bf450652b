-- SPDX-License-Identifier: MIT
UPDATE ranges SET first_block = ?, scanned_to = LEAST(scanned_to, ?) WHERE is_open = 1;
