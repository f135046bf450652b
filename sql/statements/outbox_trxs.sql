-- SPDX-License-Identifier: MIT

-- name: select_open_trx
-- Is there a signed transaction that blocks up to a time could have? At most an hour passes from a block to the
-- expiration of its transactions; a day is more than enough. In a catch-up this ends all further looks.
SELECT trx_id FROM signed_trxs
WHERE outcome IS NULL AND expiration <= CAST('1970-01-01' AS DATETIME) + INTERVAL ? SECOND LIMIT 1;

-- name: select_signed_trxs
-- Which of these transactions did a poster sign, and are not confirmed yet? One that counts as expired is
-- noted too: the chain is right.
SELECT trx_id FROM signed_trxs
WHERE trx_id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	AND COALESCE(outcome, '') <> 'confirmed';

-- name: insert_trx_seen
-- If two blocks had it, one of them is not part of the chain any more: the later word counts.
INSERT INTO trxs_seen (trx_id, block, seen_at) VALUES (?, ?, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE block = VALUES(block);

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

-- name: lock_action
SELECT action_id FROM actions WHERE action_id = ? FOR UPDATE SKIP LOCKED;

-- name: update_trx_confirmed
UPDATE signed_trxs SET outcome = 'confirmed', error = NULL WHERE trx_id = ?;

-- name: update_action_confirmed
UPDATE actions SET state = 'confirmed', block = ?, trx_id = ?, confirmed_at = UTC_TIMESTAMP(6), error = NULL
WHERE action_id = ? AND state <> 'confirmed';

-- name: delete_trx_seen
DELETE FROM trxs_seen WHERE trx_id = ?;
