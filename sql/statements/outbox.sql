-- SPDX-License-Identifier: MIT

-- name: select_next_author
-- The next author after one: a single index look-up, however many comments are between them.
SELECT author FROM comments WHERE author > ? ORDER BY author LIMIT 1;

-- name: select_outbox_authors
-- All authors after one, if there are many.
SELECT DISTINCT author FROM comments WHERE author > ? ORDER BY author;

-- name: select_open_trx
-- Is there a signed transaction that blocks up to a time could have? At most an hour passes from a block to the
-- expiration of its transactions; a day is more than enough. In a catch-up this ends all further looks.
SELECT trx_id FROM signed_trxs
WHERE outcome IS NULL AND expiration <= CAST('1970-01-01' AS DATETIME) + INTERVAL ? SECOND LIMIT 1;

-- name: select_signed_trxs
-- Those of these transactions that a poster signed and that are not confirmed. This includes expired ones: if
-- the chain has one, the chain is right.
SELECT trx_id FROM signed_trxs
WHERE trx_id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
	AND COALESCE(outcome, '') <> 'confirmed';

-- name: insert_comment_seen
-- Note a comment of a block if it waits in the outbox. The last committed row is read, so this never
-- waits for a lock. If two blocks have the comment, the first one is where it was published.
INSERT INTO comments_seen (author, permlink, block, trx_id, seen_at)
SELECT c.author, c.permlink, ?, ?, UTC_TIMESTAMP(6)
FROM comments c WHERE c.author = ? AND c.permlink = ? AND c.state <> 'confirmed'
ON DUPLICATE KEY UPDATE
	comments_seen.trx_id = IF(VALUES(block) < comments_seen.block, VALUES(trx_id), comments_seen.trx_id),
	comments_seen.block = LEAST(comments_seen.block, VALUES(block));

-- name: insert_trx_seen
-- If two blocks had it, one of them is not part of the chain any more: the later word counts.
INSERT INTO trxs_seen (trx_id, block, seen_at) VALUES (?, ?, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE block = VALUES(block);
