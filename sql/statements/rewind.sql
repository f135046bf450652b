-- SPDX-License-Identifier: MIT

-- name: select_readers_running
-- Readers that did not stop properly, and whose rows --rewind has not taken.
SELECT name, session, TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', heartbeat_at) AS heartbeat_us
FROM readers WHERE state <> 'stopped' AND session <> 'rewind' ORDER BY name;

-- name: update_reader_taken
-- The caller has watched the heartbeat, and it must not have changed. A process that was only frozen then
-- sees that it no longer owns the row.
UPDATE readers SET session = 'rewind', state = 'stopped' WHERE name = ? AND session = ?
	AND heartbeat_at = CAST('1970-01-01' AS DATETIME(6)) + INTERVAL ? MICROSECOND;

-- name: delete_open_taken_back
DELETE w FROM deliveries_open w STRAIGHT_JOIN deliveries_ended e ON e.delivery_id = w.delivery_id
WHERE w.delivery_id >= ?;

-- name: delete_facts_taken_back
-- Nobody has processed an open delivery: if the same block is read again, it is delivered again.
DELETE d FROM deliveries_open w STRAIGHT_JOIN delivered d ON d.block = w.block
	AND d.trx_in_block = w.trx_in_block AND d.op_in_trx = w.op_in_trx AND d.virtual_op = w.virtual_op
	AND d.queue = w.queue AND d.block_crc = w.block_crc
WHERE w.delivery_id >= ?;

-- name: delete_purges_above
DELETE FROM purges WHERE before_block > ?;

-- name: delete_blocks_above
DELETE FROM blocks WHERE block >= ?;

-- name: update_open_rewound
-- An open range that begins above the block began at a false block.
UPDATE ranges SET first_block = LEAST(first_block, ?), scanned_to = LEAST(scanned_to, ?) WHERE is_open = 1;

-- name: update_gap_cut
UPDATE known_gaps SET last_block = ? WHERE first_block <= ? AND last_block > ?;

-- name: delete_claims_above
DELETE FROM gap_claims WHERE first_block > ?;

-- name: update_readers_rewound
UPDATE readers SET last_block = LEAST(last_block, ?), head_block = LEAST(head_block, ?),
	irreversible_block = LEAST(irreversible_block, ?);

-- name: update_irreversible_rewound
UPDATE bookkeeping SET irreversible_block = LEAST(irreversible_block, ?) WHERE id = 1;

-- name: insert_purge_rewound
-- If a purge reached higher, the operations that it removed below the block stay removed.
INSERT INTO purges (before_block, started_at, finished_at)
SELECT ?, MIN(p.started_at), MIN(p.finished_at) FROM purges p
WHERE p.before_block > ? AND NOT EXISTS (SELECT 1 FROM purges q WHERE q.before_block = ?)
HAVING COUNT(*) > 0;

-- name: delete_gaps_above
DELETE FROM known_gaps WHERE first_block > ? ORDER BY first_block LIMIT ?;

-- name: select_open_above
-- The highest open deliveries, down to an id.
SELECT delivery_id FROM deliveries_open WHERE delivery_id >= ? ORDER BY delivery_id DESC LIMIT ?;

-- name: insert_deliveries_taken_back
INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op,
	block_crc, account, state, attempts, token, worker, last_error, created_at, claimed_at, finished_at)
SELECT w.delivery_id, w.queue, w.block, w.trx_in_block, w.op_in_trx, w.virtual_op,
	w.block_crc, w.account, 'orphaned', w.attempts, w.token, w.worker, 'its block was taken back with --rewind',
	w.created_at, w.claimed_at, UTC_TIMESTAMP(6)
FROM deliveries_open w WHERE w.delivery_id >= ? FOR UPDATE
ON DUPLICATE KEY UPDATE state = VALUES(state), attempts = VALUES(attempts), token = VALUES(token),
	worker = VALUES(worker), last_error = VALUES(last_error), claimed_at = VALUES(claimed_at),
	finished_at = VALUES(finished_at);

-- name: select_blocks_above
-- The highest blocks above a number, with the most operations that each can have.
SELECT block, stored_operations + stored_virtual_operations AS operations
FROM blocks WHERE block > ? ORDER BY block DESC LIMIT ?;

-- name: insert_orphans_above
-- Save the operations of blocks that have no replacement, before they are removed.
INSERT INTO orphans (block, block_id, trx_in_block, op_in_trx, virtual_op, trx_id, timestamp,
	operation, account, payload, replaced_by, reader_id, orphaned_at)
SELECT o.block, b.block_id, o.trx_in_block, o.op_in_trx, o.virtual_op, o.trx_id, o.timestamp,
	o.operation, o.account, o.payload, REPEAT(CHAR(0), 20), 0, UTC_TIMESTAMP(6)
FROM blocks b STRAIGHT_JOIN blockchain o ON o.block = b.block WHERE b.block >= ?
ON DUPLICATE KEY UPDATE replaced_by = VALUES(replaced_by), orphaned_at = VALUES(orphaned_at);

-- name: delete_operations_above
DELETE o FROM blocks b STRAIGHT_JOIN blockchain o ON o.block = b.block WHERE b.block >= ?;

-- name: delete_witness_keys_above
-- This includes what nodes told about the first block above.
DELETE FROM witness_keys WHERE since_block + IF(source = 'nodes', 1, 0) > ? ORDER BY witness, since_block LIMIT ?;

-- name: delete_comments_seen_above
DELETE FROM comments_seen WHERE block > ? ORDER BY author, permlink LIMIT ?;

-- name: select_comments_end
-- The last of the next comments after an id; 0: there is none.
SELECT COALESCE(MAX(c.comment_id), 0) AS comment_id
FROM (SELECT comment_id FROM comments WHERE comment_id > ? ORDER BY comment_id LIMIT 1000) c;

-- name: update_comments_unconfirmed
-- They may have been published all the same, and must not be sent twice: they count as sent, until
-- outbox_expire() finds that the readers have read past this moment without seeing them.
UPDATE comments SET state = 'sent', error = CONCAT('confirmed by block ', block, ', which was taken back'),
	block = NULL, confirmed_at = NULL, sent_at = COALESCE(sent_at, UTC_TIMESTAMP(6)),
	not_before = GREATEST(COALESCE(not_before, UTC_TIMESTAMP(6)), UTC_TIMESTAMP(6))
WHERE comment_id > ? AND comment_id <= ? AND state = 'confirmed' AND block > ?;

-- name: delete_trxs_seen_above
DELETE FROM trxs_seen WHERE block > ? ORDER BY trx_id LIMIT ?;

-- name: update_comment_trxs_open
-- The transactions that confirmed these comments, or those actions, may still get into a block.
UPDATE comments c STRAIGHT_JOIN signed_trxs t ON t.comment_id = c.comment_id AND t.outcome = 'confirmed'
SET t.outcome = NULL
WHERE c.comment_id > ? AND c.comment_id <= ? AND c.state = 'confirmed' AND c.block > ?;

-- name: update_action_trxs_open
UPDATE actions a STRAIGHT_JOIN signed_trxs t ON t.action_id = a.action_id AND t.outcome = 'confirmed'
SET t.outcome = NULL
WHERE a.action_id > ? AND a.action_id <= ? AND a.state = 'confirmed' AND a.block > ?;

-- name: update_trxs_unexpired
-- The removed blocks were the proof that these were dead: they can be in a block after the last one that stays.
UPDATE signed_trxs SET outcome = NULL
WHERE outcome = 'expired' AND expiration > COALESCE((SELECT b.timestamp FROM blocks b WHERE b.block <= ?
	ORDER BY b.block DESC LIMIT 1), CAST('1970-01-01' AS DATETIME))
ORDER BY expiration, trx_id LIMIT ?;

-- name: select_actions_end
-- The last of the next actions after an id; 0: there is none.
SELECT COALESCE(MAX(a.action_id), 0) AS action_id
FROM (SELECT action_id FROM actions WHERE action_id > ? ORDER BY action_id LIMIT 1000) a;

-- name: update_actions_unconfirmed
-- As for comments: they count as sent, until the readers have read past the expiration of the transaction.
UPDATE actions SET state = 'sent', error = CONCAT('confirmed by block ', block, ', which was taken back'),
	block = NULL, confirmed_at = NULL, sent_at = COALESCE(sent_at, UTC_TIMESTAMP(6))
WHERE action_id > ? AND action_id <= ? AND state = 'confirmed' AND block > ?;

-- name: count_actions_confirmed
SELECT COUNT(*) AS actions FROM actions
WHERE action_id > ? AND action_id <= ? AND state = 'confirmed' AND block > ?;

-- name: select_rewind_end
-- The lowest of the highest blocks between two numbers, for a count in steps; 0: there is none.
SELECT COALESCE(MIN(b.block), 0) AS block
FROM (SELECT block FROM blocks WHERE block > ? AND block <= ? ORDER BY block DESC LIMIT 50000) b;

-- name: count_rewind
-- What --rewind would remove of these blocks.
SELECT (SELECT COUNT(*) FROM blocks WHERE block BETWEEN ? AND ?) AS blocks,
	(SELECT COUNT(*) FROM blockchain WHERE block BETWEEN ? AND ?) AS operations,
	(SELECT COUNT(*) FROM deliveries_open WHERE delivery_id BETWEEN ? AND ?) AS deliveries;

-- name: count_comments_confirmed
SELECT COUNT(*) AS comments FROM comments
WHERE comment_id > ? AND comment_id <= ? AND state = 'confirmed' AND block > ?;
