-- SPDX-License-Identifier: MIT

-- name: select_witness_key
SELECT signing_key, since_block, source FROM witness_keys
WHERE witness = ? AND since_block < ?
ORDER BY since_block DESC LIMIT 1;

-- name: select_keys_whole
-- Parameters: (since, since, since, block, block, since, since, block). One row if every block above
-- `since` and below `block` is stored and was searched for key changes. Holes below scanned_to are in
-- known_gaps; above it the blocks are counted.
SELECT 1 FROM ranges r JOIN bookkeeping b
WHERE r.is_open = 1 AND r.first_block <= ? + 1 AND b.keys_from <= ?
	AND NOT EXISTS (SELECT 1 FROM known_gaps g WHERE g.last_block > ? AND g.first_block < ?)
	AND (SELECT COUNT(*) FROM blocks n
		WHERE n.block < ? AND n.block > GREATEST(?, COALESCE(r.scanned_to, 0)) AND n.is_irreversible = 1)
		+ GREATEST(?, COALESCE(r.scanned_to, 0)) + 1 >= ?;

-- name: insert_witness_key
-- A key that nodes told. An existing row stays unchanged.
INSERT INTO witness_keys (witness, since_block, signing_key, source, learnt_at)
VALUES (?, ?, ?, 'nodes', UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE since_block = VALUES(since_block);

-- name: delete_witness_keys
-- Keys that a replaced block set.
DELETE FROM witness_keys WHERE since_block = ? AND source = 'chain';

-- name: upsert_witness_key
-- A key set by an operation replaces one that nodes told, and the last operation of a block replaces
-- earlier ones.
INSERT INTO witness_keys (witness, since_block, signing_key, source, learnt_at)
VALUES (?, ?, ?, 'chain', UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE signing_key = VALUES(signing_key), source = VALUES(source), learnt_at = VALUES(learnt_at);
