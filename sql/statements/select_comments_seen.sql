-- SPDX-License-Identifier: MIT
-- What was seen and is not applied yet, from a place on; comment_id 0: it is not in the outbox any more, or
-- confirmed already.
SELECT s.author, s.permlink, s.block, s.trx_id, COALESCE(c.comment_id, 0) AS comment_id
FROM comments_seen s
LEFT JOIN comments c ON c.author = s.author AND c.permlink = s.permlink AND c.state <> 'confirmed'
WHERE s.author >= ? AND (s.author > ? OR s.permlink > ?)
ORDER BY s.author, s.permlink LIMIT ?;
