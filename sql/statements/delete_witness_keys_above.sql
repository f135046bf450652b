-- SPDX-License-Identifier: MIT
-- Also what nodes said of the first block above.
DELETE FROM witness_keys WHERE since_block + IF(source = 'nodes', 1, 0) > ? ORDER BY witness, since_block LIMIT ?;
