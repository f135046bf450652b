-- SPDX-License-Identifier: MIT
SELECT signing_key, since_block, source FROM witness_keys
WHERE witness = ? AND since_block < ?
ORDER BY since_block DESC LIMIT 1;
