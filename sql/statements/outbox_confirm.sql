-- SPDX-License-Identifier: MIT

-- name: select_comments_seen
-- Comments that were seen and not applied yet, from a place on; comment_id 0: the comment is no longer in
-- the outbox, or already confirmed.
SELECT s.author, s.permlink, s.block, s.trx_id, COALESCE(c.comment_id, 0) AS comment_id
FROM comments_seen s
LEFT JOIN comments c ON c.author = s.author AND c.permlink = s.permlink AND c.state <> 'confirmed'
WHERE s.author >= ? AND (s.author > ? OR s.permlink > ?)
ORDER BY s.author, s.permlink LIMIT ?;

-- name: select_trxs_seen
-- Transactions that were seen and not applied yet, from a place on, and the row that each carries; 0: none
-- of the kind, or it is gone.
SELECT s.trx_id, s.block, t.trx_id IS NOT NULL AS is_signed, COALESCE(c.comment_id, 0) AS comment_id,
	COALESCE(a.action_id, 0) AS action_id
FROM trxs_seen s
LEFT JOIN signed_trxs t ON t.trx_id = s.trx_id
LEFT JOIN comments c ON c.comment_id = t.comment_id
LEFT JOIN actions a ON a.action_id = t.action_id
WHERE s.trx_id > ? ORDER BY s.trx_id LIMIT ?;

-- name: lock_signed_trx
SELECT trx_id FROM signed_trxs WHERE trx_id = ? FOR UPDATE SKIP LOCKED;

-- name: lock_comment
-- A row that a bot has locked is skipped, and tried again later.
SELECT comment_id FROM comments WHERE comment_id = ? FOR UPDATE SKIP LOCKED;

-- name: lock_action
SELECT action_id FROM actions WHERE action_id = ? FOR UPDATE SKIP LOCKED;

-- name: update_trx_confirmed
UPDATE signed_trxs SET outcome = 'confirmed', error = NULL WHERE trx_id = ?;

-- name: update_comment_confirmed
UPDATE comments SET state = 'confirmed', block = ?, trx_id = ?, confirmed_at = UTC_TIMESTAMP(6), error = NULL
WHERE comment_id = ? AND state <> 'confirmed';

-- name: update_action_confirmed
UPDATE actions SET state = 'confirmed', block = ?, trx_id = ?, confirmed_at = UTC_TIMESTAMP(6), error = NULL
WHERE action_id = ? AND state <> 'confirmed';

-- name: delete_comment_seen
DELETE FROM comments_seen WHERE author = ? AND permlink = ?;

-- name: delete_trx_seen
DELETE FROM trxs_seen WHERE trx_id = ?;
