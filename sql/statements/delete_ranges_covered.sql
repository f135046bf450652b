-- SPDX-License-Identifier: MIT
DELETE FROM ranges WHERE last_block IS NOT NULL AND first_block >= ?;
