-- SPDX-License-Identifier: MIT

-- name: select_next_author
-- The next author after one: a single index look-up, however many comments are between them.
SELECT author FROM comments WHERE author > ? ORDER BY author LIMIT 1;

-- name: select_outbox_authors
-- All authors after one, if there are many.
SELECT DISTINCT author FROM comments WHERE author > ? ORDER BY author;

-- name: insert_comment_seen
-- Note a comment of a block if it waits in the outbox. The last committed row is read, so this never
-- waits for a lock. If two blocks have the comment, the first one is where it was published.
INSERT INTO comments_seen (author, permlink, block, trx_id, seen_at)
SELECT c.author, c.permlink, ?, ?, UTC_TIMESTAMP(6)
FROM comments c WHERE c.author = ? AND c.permlink = ? AND c.state <> 'confirmed'
ON DUPLICATE KEY UPDATE
	comments_seen.trx_id = IF(VALUES(block) < comments_seen.block, VALUES(trx_id), comments_seen.trx_id),
	comments_seen.block = LEAST(comments_seen.block, VALUES(block));

-- name: select_comments_seen
-- Comments that were seen and not applied yet, from a place on; comment_id 0: the comment is no longer in
-- the outbox, or already confirmed.
SELECT s.author, s.permlink, s.block, s.trx_id, COALESCE(c.comment_id, 0) AS comment_id
FROM comments_seen s
LEFT JOIN comments c ON c.author = s.author AND c.permlink = s.permlink AND c.state <> 'confirmed'
WHERE s.author >= ? AND (s.author > ? OR s.permlink > ?)
ORDER BY s.author, s.permlink LIMIT ?;

-- name: lock_comment
-- A row that a bot has locked is skipped, and tried again later.
SELECT comment_id FROM comments WHERE comment_id = ? FOR UPDATE SKIP LOCKED;

-- name: update_comment_confirmed
UPDATE comments SET state = 'confirmed', block = ?, trx_id = ?, confirmed_at = UTC_TIMESTAMP(6), error = NULL
WHERE comment_id = ? AND state <> 'confirmed';

-- name: delete_comment_seen
DELETE FROM comments_seen WHERE author = ? AND permlink = ?;
