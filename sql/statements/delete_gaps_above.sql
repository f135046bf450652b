-- SPDX-License-Identifier: MIT
DELETE FROM known_gaps WHERE first_block > ? ORDER BY first_block LIMIT ?;
