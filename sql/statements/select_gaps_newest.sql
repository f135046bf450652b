-- SPDX-License-Identifier: MIT
SELECT first_block, last_block FROM known_gaps WHERE first_block <= ? AND last_block >= ?
ORDER BY first_block DESC;
