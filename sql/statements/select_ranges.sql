-- SPDX-License-Identifier: MIT
SELECT first_block, last_block, scanned_to FROM ranges ORDER BY first_block;
