-- SPDX-License-Identifier: MIT
-- A comment of a block, if it waits in the outbox. It is read as it was last committed: whoever holds a lock
-- there is not waited for. Of two blocks with the comment, the first is where it was published.
INSERT INTO comments_seen (author, permlink, block, trx_id, seen_at)
SELECT c.author, c.permlink, ?, ?, UTC_TIMESTAMP(6)
FROM comments c WHERE c.author = ? AND c.permlink = ? AND c.state <> 'confirmed'
ON DUPLICATE KEY UPDATE
	comments_seen.trx_id = IF(VALUES(block) < comments_seen.block, VALUES(trx_id), comments_seen.trx_id),
	comments_seen.block = LEAST(comments_seen.block, VALUES(block));
