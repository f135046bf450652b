-- SPDX-License-Identifier: MIT
-- The views. After the tables, --migrate creates each view that is missing or has another text. It puts a
-- fingerprint of its text into each view. All times are UTC, by the database's clock.

-- Missing blocks: the known gaps and, above the point that the last scan reached, all blocks that are
-- neither stored nor in a known gap. Above that point each run of stored blocks and each known gap is a
-- step up at its first block and a step down behind its last. All blocks below that point, and all above
-- the highest irreversible block, known or stored, count as covered; a stored block that is not confirmed
-- as irreversible does not. A hole begins where the sum of the steps shows that nothing covers a block.
-- The view reads only blocks above scanned_to, so its time is proportional to their number. The views run
-- with the rights of the account that reads them, so a dump can be restored even if the account that
-- created them does not exist. (Claims are joined, not read in subqueries, because MariaDB fails to
-- execute those a second time.)
CREATE OR REPLACE SQL SECURITY INVOKER VIEW gaps AS
SELECT CAST(g.first_block AS UNSIGNED) AS first_block, CAST(g.last_block AS UNSIGNED) AS last_block,
	CAST(g.last_block - g.first_block + 1 AS UNSIGNED) AS missing,
	GROUP_CONCAT(DISTINCT c.reader ORDER BY c.reader SEPARATOR ', ') AS claimed_by,
	MAX(c.expires_at) AS claim_expires_at,
	g.reason
FROM (
	SELECT k.first_block, k.last_block, k.reason FROM known_gaps k
	UNION ALL
	SELECT h.block, h.next_block - 1, NULL
	FROM (
		SELECT s.block, LEAD(s.block) OVER (ORDER BY s.block) AS next_block,
			SUM(s.step) OVER (ORDER BY s.block
				ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS cover
		FROM (
			SELECT e.block, SUM(e.step) AS step
			FROM (
				SELECT b.block, 1 AS step
				FROM ranges r JOIN blocks b ON b.block > r.scanned_to AND b.is_irreversible = 1
				LEFT JOIN blocks a ON a.block = b.block - 1 AND a.block > r.scanned_to
					AND a.is_irreversible = 1
				WHERE r.is_open = 1 AND a.block IS NULL
				UNION ALL
				SELECT b.block + 1, -1
				FROM ranges r JOIN blocks b ON b.block > r.scanned_to AND b.is_irreversible = 1
				LEFT JOIN blocks a ON a.block = b.block + 1 AND a.is_irreversible = 1
				WHERE r.is_open = 1 AND a.block IS NULL
				UNION ALL
				SELECT GREATEST(n.first_block, r.scanned_to + 1), 1
				FROM ranges r JOIN known_gaps n ON n.last_block > r.scanned_to
				WHERE r.is_open = 1
				UNION ALL
				SELECT n.last_block + 1, -1
				FROM ranges r JOIN known_gaps n ON n.last_block > r.scanned_to
				WHERE r.is_open = 1
				UNION ALL
				SELECT r.scanned_to + 1, -1 FROM ranges r WHERE r.is_open = 1
				UNION ALL
				SELECT GREATEST(i.top, r.scanned_to) + 1, 1
				FROM ranges r JOIN (
					SELECT GREATEST((SELECT COALESCE(MAX(irreversible_block), 0) FROM readers),
						(SELECT COALESCE(MAX(irreversible_block), 0) FROM bookkeeping),
						COALESCE((SELECT n.block FROM blocks n WHERE n.is_irreversible = 1
							ORDER BY n.block DESC LIMIT 1), 0)) AS top
				) i WHERE r.is_open = 1
			) e
			GROUP BY e.block
			HAVING SUM(e.step) <> 0
		) s
	) h
	WHERE h.cover = -1 AND h.next_block IS NOT NULL
) g LEFT JOIN gap_claims c
	ON c.first_block <= g.last_block AND c.first_block + 999 >= g.first_block
	AND c.expires_at > UTC_TIMESTAMP(6) AND c.expires_at <= UTC_TIMESTAMP(6) + INTERVAL 90 SECOND
WHERE '@fingerprint@' <> ''
GROUP BY g.first_block, g.last_block, g.reason;

-- The state of the readers. irreversible_block is the highest that any reader recorded, and lag_s is
-- three seconds for each block of the lag: so both are also right for a reader that stands still or was
-- never first. NULL: nothing read yet. A heartbeat that is more than a minute in the future has no age,
-- because the clock was ahead when it was written.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW reader_status AS
SELECT r.name, r.state,
	CASE WHEN r.state <> 'stopped' AND r.heartbeat_at > UTC_TIMESTAMP(6) - INTERVAL 30 SECOND
		AND r.heartbeat_at <= UTC_TIMESTAMP(6) + INTERVAL 60 SECOND THEN 1 ELSE 0 END AS alive,
	r.last_block,
	CAST(i.top AS UNSIGNED) AS irreversible_block,
	CAST(CASE WHEN r.last_block = 0 THEN NULL WHEN r.last_block >= i.top THEN 0
		ELSE i.top - r.last_block END AS UNSIGNED) AS lag_blocks,
	CAST(CASE WHEN r.last_block = 0 THEN NULL WHEN r.last_block >= i.top THEN 0
		ELSE (i.top - r.last_block) * 3 END AS UNSIGNED) AS lag_s,
	CASE WHEN r.heartbeat_at <= UTC_TIMESTAMP(6) + INTERVAL 60 SECOND THEN
		GREATEST(TIMESTAMPDIFF(MICROSECOND, r.heartbeat_at, UTC_TIMESTAMP(6)), 0) / 1e6 END AS heartbeat_age_s,
	r.node, r.false_blocks, r.false_claims, r.unproved_blocks
FROM readers r JOIN (
	SELECT GREATEST((SELECT COALESCE(MAX(irreversible_block), 0) FROM readers),
		(SELECT COALESCE(MAX(irreversible_block), 0) FROM bookkeeping)) AS top
) i
WHERE '@fingerprint@' <> '';

-- Every delivery that is not removed yet. is_orphaned: its block was replaced by another one.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW deliveries AS
SELECT w.delivery_id, w.queue, w.block, w.trx_in_block, w.op_in_trx, w.virtual_op, w.account,
	-- In ASCII, so that any session may compare it with texts of its own collation.
	CONVERT(CASE WHEN w.token IS NOT NULL AND w.available_at > UTC_TIMESTAMP(6)
			AND COALESCE(w.set_at, w.created_at) <= UTC_TIMESTAMP(6) + INTERVAL 60 SECOND THEN 'claimed'
		WHEN b.block IS NOT NULL AND CRC32(b.block_id) <> w.block_crc THEN 'orphaned'
		ELSE 'ready' END USING ascii) AS state,
	CASE WHEN b.block IS NOT NULL AND CRC32(b.block_id) <> w.block_crc THEN 1 ELSE 0 END AS is_orphaned,
	w.attempts, w.available_at, w.token, w.worker,
	CASE WHEN w.token IS NOT NULL THEN w.available_at END AS lease_until,
	w.last_error, w.created_at, w.claimed_at, CAST(NULL AS DATETIME(6)) AS finished_at
FROM deliveries_open w LEFT JOIN blocks b ON b.block = w.block
WHERE '@fingerprint@' <> ''
UNION ALL
SELECT e.delivery_id, e.queue, e.block, e.trx_in_block, e.op_in_trx, e.virtual_op, e.account, e.state,
	CASE WHEN b.block IS NOT NULL AND CRC32(b.block_id) <> e.block_crc THEN 1 ELSE 0 END,
	e.attempts, NULL, e.token, e.worker, NULL, e.last_error, e.created_at, e.claimed_at, e.finished_at
FROM deliveries_ended e LEFT JOIN blocks b ON b.block = e.block;

-- The state of the queues. rate: deliveries done per second, over the last minute. oldest_age_s: how long
-- the oldest claimable delivery has been claimable. Each figure is read from its own part of an index,
-- not from rows.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW queue_status AS
SELECT q.queue, q.order_by, CASE WHEN q.paused_at IS NULL THEN 0 ELSE 1 END AS paused,
	(SELECT COUNT(*) FROM deliveries_open r
		WHERE r.queue = q.queue AND r.available_at <= UTC_TIMESTAMP(6)) AS ready,
	(SELECT COUNT(*) FROM deliveries_open w
		WHERE w.queue = q.queue AND w.available_at > UTC_TIMESTAMP(6) AND w.token IS NULL) AS waiting,
	(SELECT COUNT(*) FROM deliveries_open c
		WHERE c.queue = q.queue AND c.available_at > UTC_TIMESTAMP(6) AND c.token IS NOT NULL) AS claimed,
	(SELECT COUNT(*) FROM deliveries_ended f WHERE f.queue = q.queue AND f.state = 'failed') AS failed,
	CAST((SELECT GREATEST(TIMESTAMPDIFF(SECOND, MIN(o.available_at), UTC_TIMESTAMP(6)), 0)
		FROM deliveries_open o
		WHERE o.queue = q.queue AND o.available_at <= UTC_TIMESTAMP(6)) AS UNSIGNED) AS oldest_age_s,
	(SELECT COUNT(*) FROM deliveries_ended d WHERE d.queue = q.queue AND d.state = 'done'
		AND d.finished_at > UTC_TIMESTAMP(6) - INTERVAL 60 SECOND
		AND d.finished_at <= UTC_TIMESTAMP(6) + INTERVAL 60 SECOND) / 60 AS rate
FROM queues q WHERE '@fingerprint@' <> '';

-- The state of the outbox, by account: its comments and its actions.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW outbox_status AS
SELECT r.author,
	CAST(SUM(CASE WHEN r.state = 'pending' THEN r.n ELSE 0 END) AS UNSIGNED) AS pending,
	CAST(SUM(CASE WHEN r.state = 'sent' THEN r.n ELSE 0 END) AS UNSIGNED) AS sent,
	CAST(SUM(CASE WHEN r.state = 'confirmed' THEN r.n ELSE 0 END) AS UNSIGNED) AS confirmed,
	CAST(SUM(CASE WHEN r.state = 'failed' THEN r.n ELSE 0 END) AS UNSIGNED) AS failed,
	CAST(GREATEST(TIMESTAMPDIFF(SECOND, MIN(CASE WHEN r.state IN ('pending', 'sent') THEN r.oldest_at END),
		UTC_TIMESTAMP(6)), 0) AS UNSIGNED) AS oldest_age_s,
	CAST(SUM(CASE WHEN r.state = 'held' THEN r.n ELSE 0 END) AS UNSIGNED) AS held
FROM (
	SELECT c.author, c.state, COUNT(*) AS n, MIN(c.created_at) AS oldest_at
	FROM comments c GROUP BY c.author, c.state
	UNION ALL
	SELECT a.account, a.state, COUNT(*), MIN(a.created_at)
	FROM actions a GROUP BY a.account, a.state
) r
WHERE '@fingerprint@' <> '' GROUP BY r.author;

-- The accounts that posters send for. poster: who holds the account now. open_trxs: signed transactions that may
-- still get into a block; of unknown_trxs among them, some send had no definite answer. The rest of the columns
-- are those of the table.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW sender_status AS
SELECT s.account,
	CASE WHEN s.lease_until > UTC_TIMESTAMP(6) AND s.lease_until < UTC_TIMESTAMP(6) + INTERVAL 1 DAY
		THEN s.poster END AS poster,
	CASE WHEN s.paused_at IS NULL THEN 0 ELSE 1 END AS paused, s.paused_at, s.pause_reason,
	CASE WHEN s.rests_until > UTC_TIMESTAMP(6) THEN s.rests_until END AS rests_until,
	(SELECT COUNT(*) FROM comments p WHERE p.author = s.account AND p.state = 'pending')
		+ (SELECT COUNT(*) FROM actions q WHERE q.account = s.account AND q.state = 'pending') AS pending,
	(SELECT COUNT(*) FROM comments h WHERE h.author = s.account AND h.state = 'held')
		+ (SELECT COUNT(*) FROM actions i WHERE i.account = s.account AND i.state = 'held') AS held,
	(SELECT COUNT(*) FROM signed_trxs t WHERE t.account = s.account AND t.outcome IS NULL) AS open_trxs,
	(SELECT COUNT(*) FROM signed_trxs u WHERE u.account = s.account AND u.outcome IS NULL
		AND u.is_ambiguous = 1) AS unknown_trxs,
	s.day, s.count_today, s.steem_today, s.sbd_today, s.vests_today
FROM senders s WHERE '@fingerprint@' <> '';
