-- SPDX-License-Identifier: MIT

-- name: select_witness_key
SELECT signing_key, since_block, source, COALESCE(last_signed, 0) AS last_signed FROM witness_keys
WHERE witness = ? AND since_block < ?
ORDER BY since_block DESC LIMIT 1;

-- name: select_keys_whole
-- Parameters: (since, since, since, block, since, block, block, since, since, block). One row if every block
-- above `since` and below `block` is stored and was searched for key changes. Holes below scanned_to are in
-- known_gaps; above it the blocks are counted. A block without proof was not searched.
SELECT 1 FROM ranges r JOIN bookkeeping b
WHERE r.is_open = 1 AND r.first_block <= ? + 1 AND b.keys_from <= ?
	AND NOT EXISTS (SELECT 1 FROM known_gaps g WHERE g.last_block > ? AND g.first_block < ?)
	AND NOT EXISTS (SELECT 1 FROM blocks u WHERE u.block > ? AND u.block < ? AND u.proof = 'none')
	AND (SELECT COUNT(*) FROM blocks n
		WHERE n.block < ? AND n.block > GREATEST(?, COALESCE(r.scanned_to, 0)) AND n.is_irreversible = 1)
		+ GREATEST(?, COALESCE(r.scanned_to, 0)) + 1 >= ?;

-- name: select_keys_lately
-- Parameters: (from, below, from, below). The keys that signed a block from `from` on, and those that a block
-- from there on set; of each witness, the newest one in force at a block before `below` is among them.
SELECT witness, since_block, signing_key, source, COALESCE(last_signed, 0) AS last_signed FROM witness_keys
WHERE last_signed >= ? AND since_block < ?
UNION
SELECT witness, since_block, signing_key, source, COALESCE(last_signed, 0) AS last_signed FROM witness_keys
WHERE since_block >= ? AND since_block < ?;

-- name: insert_witness_key
-- (witness, since_block, signing_key, last_signed). The key of a block that no operation explains. An existing
-- row stays unchanged.
INSERT INTO witness_keys (witness, since_block, signing_key, last_signed, source, learnt_at)
VALUES (?, ?, ?, ?, 'nodes', UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE since_block = VALUES(since_block);

-- name: update_key_signed
-- (last_signed, witness, since_block, last_signed)
UPDATE witness_keys SET last_signed = ?
WHERE witness = ? AND since_block = ? AND COALESCE(last_signed, 0) < ?;

-- name: delete_witness_keys
-- Keys that a replaced block set.
DELETE FROM witness_keys WHERE since_block = ? AND source = 'chain';

-- name: delete_signer_key
-- (the block below) The key that was learnt because it signed a replaced block.
DELETE FROM witness_keys WHERE since_block = ? AND source = 'nodes';

-- name: upsert_witness_key
-- A key set by an operation replaces one that nodes told, and the last operation of a block replaces
-- earlier ones. last_signed comes first: it belongs to the key that stood there.
INSERT INTO witness_keys (witness, since_block, signing_key, source, learnt_at)
VALUES (?, ?, ?, 'chain', UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE last_signed = CASE WHEN signing_key = VALUES(signing_key) THEN last_signed END,
	signing_key = VALUES(signing_key), source = VALUES(source), learnt_at = VALUES(learnt_at);
