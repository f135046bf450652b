-- SPDX-License-Identifier: MIT

-- name: select_senders
-- All accounts that posters send for; is_free: nobody holds it, or the lease has run out long enough ago.
SELECT account, token, token IS NULL OR lease_until < UTC_TIMESTAMP(6) - INTERVAL ? SECOND AS is_free,
	paused_at IS NOT NULL AS is_paused, COALESCE(rests_until > UTC_TIMESTAMP(6), 0) AS is_resting
FROM senders;

-- name: update_no_action
-- These four change nothing: the account of the database must have the right to do what comes later.
UPDATE actions SET state = state WHERE action_id = 0;

-- name: update_no_comment
UPDATE comments SET state = state WHERE comment_id = 0;

-- name: update_no_signed_trx
UPDATE signed_trxs SET outcome = outcome WHERE trx_id = '';

-- name: insert_no_signed_trx
INSERT INTO signed_trxs (trx_id, account, signed_trx, ref_block, expiration, created_at)
SELECT trx_id, account, signed_trx, ref_block, expiration, created_at FROM signed_trxs WHERE trx_id = '';

-- name: insert_sender
INSERT IGNORE INTO senders (account) VALUES (?);

-- name: update_sender_leases
UPDATE senders SET lease_until = UTC_TIMESTAMP(6) + INTERVAL ? SECOND WHERE token = ?;

-- name: update_sender_lease
UPDATE senders SET token = ?, poster = ?, lease_until = UTC_TIMESTAMP(6) + INTERVAL ? SECOND
WHERE account = ? AND (token IS NULL OR lease_until < UTC_TIMESTAMP(6) - INTERVAL ? SECOND);

-- name: update_senders_released
UPDATE senders SET token = NULL, lease_until = NULL WHERE token = ?;

-- name: select_senders_waiting
-- The accounts of this poster that may sign now, and have something to sign.
SELECT s.account, TIMESTAMPDIFF(SECOND, '1970-01-01', s.next_reply_at) AS next_reply_s,
	TIMESTAMPDIFF(SECOND, '1970-01-01', s.next_post_at) AS next_post_s,
	TIMESTAMPDIFF(SECOND, '1970-01-01', s.next_edit_at) AS next_edit_s,
	TIMESTAMPDIFF(SECOND, '1970-01-01', s.next_vote_at) AS next_vote_s,
	TIMESTAMPDIFF(SECOND, '1970-01-01', s.custom_at) AS custom_s, s.custom_count,
	TIMESTAMPDIFF(DAY, '1970-01-01', s.day) AS day, s.count_today, s.steem_today, s.sbd_today, s.vests_today,
	EXISTS (SELECT 1 FROM actions a FORCE INDEX (actions_next) WHERE a.account = s.account AND a.state = 'pending'
		AND (a.not_before IS NULL OR a.not_before <= UTC_TIMESTAMP(6))) AS has_actions,
	EXISTS (SELECT 1 FROM comments c FORCE INDEX (comments_next) WHERE c.author = s.account AND c.state = 'pending'
		AND (c.not_before IS NULL OR c.not_before <= UTC_TIMESTAMP(6))) AS has_comments
FROM senders s
WHERE s.token = ? AND s.lease_until > UTC_TIMESTAMP(6) AND s.paused_at IS NULL
	AND (s.rests_until IS NULL OR s.rests_until <= UTC_TIMESTAMP(6))
HAVING has_actions = 1 OR has_comments = 1;

-- name: select_reference_block
-- The newest block that no fork can take back.
SELECT block, block_id, TIMESTAMPDIFF(SECOND, '1970-01-01', timestamp) AS block_s
FROM blocks WHERE is_irreversible = 1 ORDER BY block DESC LIMIT 1;

-- name: select_actions_next
-- The next actions of an account, behind one that was read already. Its votes and custom operations are left
-- out while their pace forbids them, so that they hold up nothing else. A row that somebody has locked is
-- taken later. Of a text that no transaction can hold, a megabyte is enough to see that. place: the priority,
-- as a number that is not negative.
SELECT action_id, priority + 2147483648 AS place, LEFT(operations, 1048577) AS operations, authority, attempts,
	TIMESTAMPDIFF(SECOND, '1970-01-01', not_after) AS not_after_s,
	COALESCE(not_after <= UTC_TIMESTAMP(6), 0) AS is_late
FROM actions FORCE INDEX (actions_next)
WHERE account = ? AND state = 'pending' AND (not_before IS NULL OR not_before <= UTC_TIMESTAMP(6))
	AND (? = 0 OR operations NOT REGEXP ?) AND (? = 0 OR operations NOT REGEXP ?)
	AND (? = 0 OR priority + 2147483648 < ? OR (priority + 2147483648 = ? AND action_id > ?))
ORDER BY priority DESC, action_id LIMIT ? FOR UPDATE SKIP LOCKED;

-- name: select_comments_next
SELECT comment_id, permlink, parent_author, parent_permlink, LEFT(title, 65537) AS title,
	LEFT(body, 65537) AS body, LEFT(json_metadata, 65537) AS json_metadata, LEFT(options, 65537) AS options, attempts,
	TIMESTAMPDIFF(SECOND, '1970-01-01', not_after) AS not_after_s,
	COALESCE(not_after <= UTC_TIMESTAMP(6), 0) AS is_late
FROM comments FORCE INDEX (comments_next)
WHERE author = ? AND state = 'pending' AND (not_before IS NULL OR not_before <= UTC_TIMESTAMP(6))
	AND (? = 0 OR parent_author = '') AND (? = 0 OR parent_author <> '')
ORDER BY priority DESC, comment_id LIMIT ? FOR UPDATE SKIP LOCKED;

-- name: select_comment_confirmed
-- Is it on the chain already, as far as the outbox knows? Then to send it again is an edit.
SELECT 1 AS is_there FROM comments WHERE author = ? AND permlink = ? AND state = 'confirmed';

-- name: update_sender_pace
-- This proves that the lease still holds, and that nobody has paused the account.
UPDATE senders SET next_reply_at = ?, next_post_at = ?, next_edit_at = ?, next_vote_at = ?, custom_at = ?,
	custom_count = ?, day = ?, count_today = ?, steem_today = ?, sbd_today = ?, vests_today = ?
WHERE account = ? AND token = ? AND lease_until > UTC_TIMESTAMP(6) AND paused_at IS NULL;

-- name: select_signed_trx
SELECT 1 AS is_there FROM signed_trxs WHERE trx_id = ?;

-- name: update_action_sent
-- The index is named, because a server that has not counted the rows yet reads all open ones.
UPDATE actions SET state = 'sent', trx_id = ?, attempts = attempts + 1, sent_at = UTC_TIMESTAMP(6), error = NULL
WHERE action_id = ? AND state = 'pending'
	AND NOT EXISTS (SELECT 1 FROM signed_trxs t FORCE INDEX (signed_trxs_action)
		WHERE t.action_id = ? AND t.outcome IS NULL);

-- name: update_comment_sent
UPDATE comments SET state = 'sent', trx_id = ?, attempts = attempts + 1, sent_at = UTC_TIMESTAMP(6), error = NULL
WHERE comment_id = ? AND state = 'pending'
	AND NOT EXISTS (SELECT 1 FROM signed_trxs t FORCE INDEX (signed_trxs_comment)
		WHERE t.comment_id = ? AND t.outcome IS NULL);

-- name: insert_signed_trx
INSERT INTO signed_trxs (trx_id, account, comment_id, action_id, signed_trx, ref_block, expiration, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6));

-- name: update_action_refused
UPDATE actions SET state = ?, error = ? WHERE action_id = ? AND state = 'pending';

-- name: update_comment_refused
UPDATE comments SET state = ?, error = ? WHERE comment_id = ? AND state = 'pending';

-- name: update_signed_trx_sent
-- What a node says of itself ('node'), or no definite answer, replaces no answer about the transaction, nor
-- its text. The text is set first: a later assignment would see the new answer.
UPDATE signed_trxs SET sends = sends + 1, last_sent_at = UTC_TIMESTAMP(6), last_node = ?,
	is_ambiguous = is_ambiguous OR ?,
	error = CASE WHEN COALESCE(?, 'node') = 'node' AND COALESCE(answer, 'node') <> 'node' THEN error ELSE ? END,
	answer = CASE WHEN COALESCE(?, 'node') = 'node' AND COALESCE(answer, 'node') <> 'node' THEN answer
		ELSE COALESCE(?, answer) END
WHERE trx_id = ?;

-- name: update_sender_paused
UPDATE senders SET paused_at = UTC_TIMESTAMP(6), pause_reason = ? WHERE account = ? AND paused_at IS NULL;

-- name: select_sender_paused
SELECT COALESCE(pause_reason, '') AS pause_reason FROM senders WHERE account = ? AND paused_at IS NOT NULL;

-- name: update_sender_resting
-- Twice as long as the last time: from a minute to an hour.
UPDATE senders SET rests_until = UTC_TIMESTAMP(6) + INTERVAL LEAST(GREATEST(rest_s * 2, 60), 3600) SECOND,
	rest_s = LEAST(GREATEST(rest_s * 2, 60), 3600)
WHERE account = ? AND (rests_until IS NULL OR rests_until <= UTC_TIMESTAMP(6));

-- name: update_sender_rested
UPDATE senders SET rests_until = NULL, rest_s = 0 WHERE account = ? AND rest_s > 0;

-- name: select_sender_trxs
-- All transactions of this poster's accounts that may still take effect; is_over: their row waits for them
-- no longer, because another transaction published the same comment.
SELECT t.trx_id, COALESCE(c.state <> 'sent', 0) AS is_over
FROM senders s
JOIN signed_trxs t ON t.account = s.account AND t.outcome IS NULL
LEFT JOIN comments c ON c.comment_id = t.comment_id
WHERE s.token = ? ORDER BY t.trx_id;

-- name: select_sender_trx
SELECT account, comment_id, action_id, signed_trx, TIMESTAMPDIFF(SECOND, '1970-01-01', expiration) AS expiration_s, answer
FROM signed_trxs WHERE trx_id = ? AND outcome IS NULL;

-- name: select_dead_trxs
-- Transactions that can never take effect: the database has all blocks, without a gap, from the reference
-- block up to an irreversible one behind the expiration, and the id was in none. One statement, because
-- one statement sees one state of all tables. is_searched: a reader of an older version, which is still
-- running, notes no ids, so nothing is dead because of a block that it stored. attempts: without those
-- that only came too soon.
SELECT d.trx_id, d.account, d.comment_id, d.action_id, d.answer, d.error, LEAST(d.attempts,
	(SELECT COUNT(*) FROM signed_trxs p WHERE p.action_id = d.action_id AND COALESCE(p.answer, '') <> 'too_soon')
	+ (SELECT COUNT(*) FROM signed_trxs q WHERE q.comment_id = d.comment_id AND COALESCE(q.answer, '') <> 'too_soon'))
	AS attempts
FROM (
	SELECT t.trx_id, t.account, t.comment_id, t.action_id, t.answer, t.error, t.ref_block,
		COALESCE(a.attempts, c.attempts, 0) AS attempts,
		(SELECT b.block FROM blocks b
			WHERE b.block > t.ref_block AND b.is_irreversible = 1 AND b.timestamp > t.expiration
			ORDER BY b.block LIMIT 1) AS last_block
	FROM signed_trxs t
	JOIN senders s ON s.account = t.account AND s.token = ?
	LEFT JOIN actions a ON a.action_id = t.action_id
	LEFT JOIN comments c ON c.comment_id = t.comment_id
	WHERE t.outcome IS NULL AND t.expiration < (SELECT n.timestamp FROM blocks n WHERE n.is_irreversible = 1
		ORDER BY n.block DESC LIMIT 1)
	ORDER BY t.expiration LIMIT ?
) d
WHERE d.last_block IS NOT NULL AND d.last_block - d.ref_block =
		(SELECT COUNT(*) FROM blocks b
			WHERE b.block > d.ref_block AND b.block <= d.last_block AND b.is_irreversible = 1
				AND b.is_searched = 1)
	AND NOT EXISTS (SELECT 1 FROM trxs_seen n WHERE n.trx_id = d.trx_id);

-- name: update_signed_trx_expired
UPDATE signed_trxs SET outcome = 'expired' WHERE trx_id = ? AND outcome IS NULL;

-- name: update_action_dead
UPDATE actions SET state = ?, error = ? WHERE action_id = ? AND state = 'sent' AND trx_id = ?;

-- name: update_comment_dead
UPDATE comments SET state = ?, error = ? WHERE comment_id = ? AND state = 'sent' AND trx_id = ?;

-- name: select_senders_rows
-- For each account of this poster: the number of held rows, the age of the oldest row that is due and not
-- signed, and the age of the oldest row that is signed and not confirmed.
SELECT w.account, w.held_count,
	GREATEST(COALESCE(TIMESTAMPDIFF(SECOND, CASE WHEN w.action_at <= w.comment_at THEN w.action_at
		ELSE COALESCE(w.comment_at, w.action_at) END, UTC_TIMESTAMP(6)), 0), 0) AS pending_s,
	GREATEST(COALESCE(TIMESTAMPDIFF(SECOND, CASE WHEN w.action_sent_at <= w.comment_sent_at THEN w.action_sent_at
		ELSE COALESCE(w.comment_sent_at, w.action_sent_at) END, UTC_TIMESTAMP(6)), 0), 0) AS sent_s
FROM (
	SELECT s.account,
		(SELECT COUNT(*) FROM actions a WHERE a.account = s.account AND a.state = 'held')
			+ (SELECT COUNT(*) FROM comments c WHERE c.author = s.account AND c.state = 'held') AS held_count,
		(SELECT GREATEST(d.created_at, COALESCE(d.not_before, d.created_at))
			FROM actions d FORCE INDEX (actions_outbox)
			WHERE d.account = s.account AND d.state = 'pending'
				AND (d.not_before IS NULL OR d.not_before <= UTC_TIMESTAMP(6))
			ORDER BY d.created_at LIMIT 1) AS action_at,
		(SELECT GREATEST(e.created_at, COALESCE(e.not_before, e.created_at))
			FROM comments e FORCE INDEX (comments_outbox)
			WHERE e.author = s.account AND e.state = 'pending'
				AND (e.not_before IS NULL OR e.not_before <= UTC_TIMESTAMP(6))
			ORDER BY e.created_at LIMIT 1) AS comment_at,
		(SELECT MIN(f.sent_at) FROM actions f WHERE f.account = s.account AND f.state = 'sent') AS action_sent_at,
		(SELECT MIN(g.sent_at) FROM comments g WHERE g.author = s.account AND g.state = 'sent') AS comment_sent_at
	FROM senders s WHERE s.token = ?
) w;

-- name: select_rows_left
-- Rows of an account that are neither confirmed nor given up, and not for later.
SELECT (SELECT COUNT(*) FROM actions a WHERE a.account = ? AND (a.state = 'sent' OR (a.state = 'pending'
		AND (a.not_before IS NULL OR a.not_before <= UTC_TIMESTAMP(6)))))
	+ (SELECT COUNT(*) FROM comments c WHERE c.author = ? AND (c.state = 'sent' OR (c.state = 'pending'
		AND (c.not_before IS NULL OR c.not_before <= UTC_TIMESTAMP(6))))) AS left_count;
