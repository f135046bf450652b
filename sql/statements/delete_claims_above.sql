-- SPDX-License-Identifier: MIT
DELETE FROM gap_claims WHERE first_block > ?;
