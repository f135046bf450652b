-- SPDX-License-Identifier: MIT
UPDATE ranges SET first_block = ? WHERE is_open = 1;
