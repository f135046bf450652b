-- SPDX-License-Identifier: MIT
UPDATE known_gaps SET last_block = ? WHERE first_block <= ? AND last_block > ?;
