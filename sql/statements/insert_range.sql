-- SPDX-License-Identifier: MIT
INSERT INTO ranges (first_block, last_block, scanned_to) VALUES (?, ?, ?);
