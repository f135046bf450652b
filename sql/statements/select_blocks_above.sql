-- SPDX-License-Identifier: MIT
-- The highest blocks above one, with how many operations each has at most.
SELECT block, stored_operations + stored_virtual_operations AS operations
FROM blocks WHERE block > ? ORDER BY block DESC LIMIT ?;
