-- SPDX-License-Identifier: MIT
-- The queue between readers and bots: doc/consumers.md explains how to use these procedures. After the
-- views, --migrate creates each procedure that is missing or has another text.

-- The procedures for bots run as an account of their own (sql/definer.sql), so a bot needs no right on
-- any table. They check in `bots` whether the account that connected may use this queue or this author.
-- All other procedures run with the rights of the caller, so they let a bot do nothing that it may not do
-- itself.
-- Errors have SQLSTATE 45000 and these numbers:
-- 31001: the delivery is not held with this token (any more); 31002: no such queue or delivery; 31003: an
-- argument is out of bounds; 31004: the account may not do this. Only queue_claim commits. 31001, 31004,
-- and 31002 for a delivery or a comment, roll back the caller's transaction, as a deadlock does: nothing
-- of it can be committed any more, and its locks are released.

DELIMITER //

-- Rows that must not be locked are read by SELECT ... INTO or a cursor: a subquery in an UPDATE, SET, IF
-- or INSERT locks the rows that it reads, and waits for the locks of others.

-- Internal: check that the account that connected may use the queue, the author, or both; NULL: not
-- checked. USER() is the account that connected, CURRENT_USER() the account of the procedures. An
-- account's name may contain an '@', a host's name cannot.
CREATE /*M! OR REPLACE */ PROCEDURE queue_allow(IN p_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_author VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_account VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT
		LEFT(USER(), CHAR_LENGTH(USER()) - CHAR_LENGTH(SUBSTRING_INDEX(USER(), '@', -1)) - 1);
	DECLARE v_found INT UNSIGNED;
	DECLARE v_text VARCHAR(128) CHARACTER SET utf8mb4;
	-- A session with its own clock (SET timestamp) could claim deliveries that others hold, so the
	-- server's clock is restored. If this is refused (secure_timestamp), no session has its own
	-- clock.
	BEGIN
		DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END;
		SET SESSION timestamp = DEFAULT;
	END;
	SELECT COUNT(*) INTO v_found FROM bots
	WHERE account = v_account AND (p_queue IS NULL OR queue IN ('*', p_queue))
		AND (p_author IS NULL OR author = '*' OR CONVERT(author USING utf8mb4) COLLATE utf8mb4_bin = p_author);
	IF v_found = 0 THEN
		ROLLBACK;
		SET v_text = LEFT(CONCAT_WS('', 'the account ', LEFT(v_account, 40), ' may not use ',
			CONCAT('the queue ', p_queue), IF(p_queue IS NULL OR p_author IS NULL, '', ' with '),
			CONCAT('the author ', LEFT(p_author, 16)), ': see sql/bot.sql'), 128);
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31004, MESSAGE_TEXT = v_text;
	END IF;
END //

-- Internal: the same for the queue of a delivery. If the caller's snapshot does not show the delivery,
-- its current row is read.
CREATE /*M! OR REPLACE */ PROCEDURE queue_allow_delivery(IN p_delivery BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin;
	SELECT queue INTO v_queue FROM deliveries_open WHERE delivery_id = p_delivery;
	IF v_queue IS NULL THEN
		SELECT queue INTO v_queue FROM deliveries_ended WHERE delivery_id = p_delivery;
	END IF;
	IF v_queue IS NULL THEN
		SELECT queue INTO v_queue FROM deliveries_open WHERE delivery_id = p_delivery LOCK IN SHARE MODE;
	END IF;
	IF v_queue IS NOT NULL THEN
		CALL queue_allow(v_queue, NULL);
	END IF;
END //

-- Internal: refuse a session with another character set. It would get '?' for characters that its set
-- lacks, and the server may misread its texts. The collation and sql_mode do not matter: a procedure uses
-- those with which it was created.
CREATE /*M! OR REPLACE */ PROCEDURE queue_need_utf8mb4()
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	IF COALESCE(@@character_set_results, 'binary') NOT IN ('utf8mb4', 'binary') THEN
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31003, MESSAGE_TEXT =
			'the character set of this connection cannot hold every text: say SET NAMES utf8mb4 first';
	END IF;
END //

-- Internal: find the place where claims begin to search, at most once a second. The entries of finished
-- deliveries stay in the index as long as some long transaction may still see them; a claim that walked
-- through all of them would get slower and slower. One time in ten the search begins at the very
-- beginning: a reader that hung before its COMMIT may have added deliveries below the old place.
CREATE /*M! OR REPLACE */ PROCEDURE queue_advance(IN p_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_from DATETIME(6);
	DECLARE v_first DATETIME(6);
	DECLARE v_scanned_at DATETIME(6);
	DECLARE v_now DATETIME(6);
	DECLARE v_set_at DATETIME(6);
	DECLARE v_safe TINYINT DEFAULT @@sql_safe_updates;
	-- Another worker is doing it now, or it failed: the old place is good enough.
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		ROLLBACK;
		SET SESSION sql_safe_updates = v_safe;
	END;
	SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
	START TRANSACTION READ WRITE;
	SET v_now = UTC_TIMESTAMP(6);
	SELECT scan_from, scanned_at INTO v_from, v_scanned_at FROM queues
	WHERE queue = p_queue AND scanned_at NOT BETWEEN v_now - INTERVAL 1 SECOND AND v_now + INTERVAL 5 SECOND
	FOR UPDATE SKIP LOCKED;
	IF v_from IS NOT NULL THEN
		-- If scanned_at is in the future, the clock was set back, or another member's clock is
		-- far ahead.
		IF v_scanned_at > v_now OR RAND() < 0.1 THEN
			SET v_from = '2000-01-01';
		END IF;
		-- A lease or a wait that was set while the clock was ahead starts again now, with its
		-- full length. This reads all waiting deliveries, so it is not done every second.
		IF v_scanned_at > v_now OR MOD(SECOND(v_now), 4) = 0 OR RAND() < 0.1 THEN
			SELECT MAX(set_at) INTO v_set_at FROM deliveries_open FORCE INDEX (deliveries_open_available)
			WHERE queue = p_queue AND available_at > v_now;
		END IF;
		IF v_set_at > v_now + INTERVAL 1 MINUTE THEN
			-- Safe updates would refuse the UPDATE, which reads the whole derived table.
			SET SESSION sql_safe_updates = 0;
			UPDATE (
				SELECT w.delivery_id, GREATEST(TIMESTAMPDIFF(MICROSECOND, w.set_at, w.available_at), 0) AS length_us
				FROM deliveries_open w FORCE INDEX (deliveries_open_available)
				WHERE w.queue = p_queue AND w.available_at > v_now AND w.set_at > v_now + INTERVAL 1 MINUTE
				ORDER BY w.available_at LIMIT 1000 FOR UPDATE SKIP LOCKED
			) c STRAIGHT_JOIN deliveries_open t FORCE INDEX (PRIMARY) ON t.delivery_id = c.delivery_id
			SET t.available_at = v_now + INTERVAL c.length_us MICROSECOND, t.set_at = v_now;
			SET SESSION sql_safe_updates = v_safe;
		END IF;
		SELECT MIN(available_at) INTO v_first FROM deliveries_open
		WHERE queue = p_queue AND available_at >= v_from;
		UPDATE queues SET scan_from = LEAST(COALESCE(v_first, v_now), v_now - INTERVAL 5 SECOND),
			scanned_at = v_now
		WHERE queue = p_queue;
	END IF;
	COMMIT;
END //

-- Internal: the caller has lost the delivery. Under REPEATABLE READ the search for its row has locked the
-- gap where it would be, and readers may have to insert there: ROLLBACK releases it.
CREATE /*M! OR REPLACE */ PROCEDURE queue_lost()
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	ROLLBACK;
	SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31001, MESSAGE_TEXT =
		'the delivery is not held with this token: its lease ran out, or it has ended';
END //

-- Internal: end one delivery. It must be held with p_token; a second call with the same token and state
-- changes nothing (the answer to the first may have been lost).
CREATE /*M! OR REPLACE */ PROCEDURE queue_end(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_error LONGTEXT CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_own TINYINT DEFAULT 0;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		IF v_own THEN
			ROLLBACK;
		END IF;
		RESIGNAL;
	END;
	-- Outside of a transaction the two statements below get one of their own. MySQL has no variable
	-- that tells this: there a savepoint does not last outside of a transaction, so releasing it
	-- fails with 1305. (MariaDB refuses savepoints if another engine, such as Aria, takes part in the
	-- transaction.)
	/*M! SET v_own = @@autocommit = 1 AND @@in_transaction = 0; */
	/*!80000 BEGIN
		DECLARE EXIT HANDLER FOR 1305 SET v_own = 1;
		SAVEPOINT queue_probe;
		RELEASE SAVEPOINT queue_probe;
	END; */
	IF v_own THEN
		START TRANSACTION READ WRITE;
	END IF;
	INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op,
		block_crc, account, state, attempts, token, worker, last_error, created_at, claimed_at,
		finished_at)
	SELECT w.delivery_id, w.queue, w.block, w.trx_in_block, w.op_in_trx, w.virtual_op, w.block_crc,
		w.account, p_state, w.attempts, w.token, w.worker, COALESCE(LEFT(p_error, 1000), w.last_error),
		w.created_at, w.claimed_at, UTC_TIMESTAMP(6)
	FROM deliveries_open w WHERE w.delivery_id = p_delivery AND w.token = p_token FOR UPDATE
	ON DUPLICATE KEY UPDATE state = VALUES(state), attempts = VALUES(attempts), token = VALUES(token),
		worker = VALUES(worker), last_error = VALUES(last_error), claimed_at = VALUES(claimed_at),
		finished_at = VALUES(finished_at);
	IF ROW_COUNT() > 0 THEN
		DELETE FROM deliveries_open WHERE delivery_id = p_delivery AND token = p_token;
	ELSEIF NOT EXISTS (SELECT 1 FROM deliveries_ended
			WHERE delivery_id = p_delivery AND token = p_token AND state = p_state) THEN
		CALL queue_lost();
	END IF;
	IF v_own THEN
		COMMIT;
	END IF;
END //

-- For queue_take: sort out those of the claimed deliveries that no bot should get. Orphaned ones, and
-- those without attempts left, are ended. If the row of a block or of an operation is missing, the
-- delivery is postponed until a reader has brought it back.
CREATE /*M! OR REPLACE */ PROCEDURE queue_sort_out(IN p_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_token CHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_until DATETIME(6), IN p_max INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_id BIGINT UNSIGNED;
	DECLARE v_attempts INT UNSIGNED;
	DECLARE v_orphaned, v_missing, v_end TINYINT DEFAULT 0;
	DECLARE c_taken CURSOR FOR
		SELECT w.delivery_id, w.attempts - 1, COALESCE(CRC32(b.block_id) <> w.block_crc, 0), o.block IS NULL
		FROM deliveries_open w LEFT JOIN blocks b ON b.block = w.block
		LEFT JOIN blockchain o ON o.block = b.block AND o.trx_in_block = w.trx_in_block
			AND o.op_in_trx = w.op_in_trx AND o.virtual_op = w.virtual_op
		WHERE w.queue = p_queue AND w.available_at = p_until AND w.token = p_token;
	DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_end = 1;
	OPEN c_taken;
	sorting: LOOP
		FETCH c_taken INTO v_id, v_attempts, v_orphaned, v_missing;
		IF v_end THEN
			LEAVE sorting;
		END IF;
		IF v_orphaned OR v_missing OR v_attempts >= p_max THEN
			UPDATE deliveries_open SET attempts = v_attempts WHERE delivery_id = v_id;
		END IF;
		IF v_orphaned THEN
			CALL queue_end(v_id, p_token, 'orphaned', NULL);
		ELSEIF v_attempts >= p_max THEN
			CALL queue_end(v_id, p_token, 'failed',
				CONCAT('the lease of its last attempt ran out (attempts: ', v_attempts, ')'));
		ELSEIF v_missing THEN
			UPDATE deliveries_open SET token = NULL, set_at = UTC_TIMESTAMP(6),
				available_at = UTC_TIMESTAMP(6) + INTERVAL 10 SECOND
			WHERE delivery_id = v_id;
		END IF;
	END LOOP;
	CLOSE c_taken;
END //

-- For queue_take: claim one delivery, unless somebody else has claimed or locked it.
CREATE /*M! OR REPLACE */ PROCEDURE queue_take_one(IN p_delivery BIGINT UNSIGNED,
		IN p_worker VARCHAR(64) CHARACTER SET utf8mb4,
		IN p_token CHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_now DATETIME(6), IN p_until DATETIME(6), IN p_max INT UNSIGNED,
		IN p_server CHAR(8) CHARACTER SET ascii COLLATE ascii_bin, OUT r_taken INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_attempts INT UNSIGNED;
	SET r_taken = 0;
	SET v_attempts = (SELECT attempts FROM deliveries_open
		WHERE delivery_id = p_delivery AND available_at <= p_now FOR UPDATE SKIP LOCKED);
	IF v_attempts IS NOT NULL THEN
		UPDATE deliveries_open SET token = p_token, set_at = p_now, available_at = p_until, granted_by = p_server,
			attempts = v_attempts + 1, worker = IF(v_attempts < p_max, p_worker, worker),
			claimed_at = IF(v_attempts < p_max, p_now, claimed_at)
		WHERE delivery_id = p_delivery;
		SET r_taken = 1;
	END IF;
END //

-- For queue_claim: one transaction that claims up to p_limit deliveries until p_until. r_again: there may
-- be more, because it found some that no bot should get (1), or another member of the cluster was first
-- (2). The locks only ensure that nobody waits for anybody. A claim is exclusive, also across the members
-- of a cluster, because it changes the row and is committed before it counts.
CREATE /*M! OR REPLACE */ PROCEDURE queue_take(IN p_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_worker VARCHAR(64) CHARACTER SET utf8mb4, IN p_limit INT UNSIGNED, IN p_skip INT UNSIGNED,
		IN p_token CHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_now DATETIME(6), IN p_until DATETIME(6),
		IN p_order VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin, IN p_max INT UNSIGNED,
		IN p_from DATETIME(6), OUT r_taken INT UNSIGNED, OUT r_again INT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_server CHAR(8) CHARACTER SET ascii COLLATE ascii_bin DEFAULT
		LEFT(SHA2(CONCAT_WS(':', @@hostname, @@port, @@datadir
			/*M! , @@wsrep_node_name, @@wsrep_node_address */), 256), 8);
	DECLARE v_grace DATETIME(6) DEFAULT p_now - INTERVAL 5 SECOND;
	DECLARE v_id, v_lowest BIGINT UNSIGNED;
	DECLARE v_gap, v_good, v_left, v_one INT UNSIGNED;
	DECLARE v_end TINYINT DEFAULT 0;
	DECLARE v_safe TINYINT DEFAULT @@sql_safe_updates;
	-- The oldest delivery of each account, unless a delivery of that account is claimed.
	DECLARE c_oldest CURSOR FOR
		SELECT w.delivery_id FROM deliveries_open w FORCE INDEX (deliveries_open_available)
		WHERE w.queue = p_queue AND w.available_at BETWEEN p_from AND p_now
			AND (w.token IS NULL OR w.granted_by = v_server OR w.available_at <= v_grace)
			AND (w.account IS NULL OR (NOT EXISTS (
				SELECT 1 FROM deliveries_open e
				WHERE e.queue = w.queue AND e.account = w.account AND e.delivery_id < w.delivery_id)
			AND NOT EXISTS (
				SELECT 1 FROM deliveries_open h FORCE INDEX (deliveries_open_available)
				WHERE h.queue = w.queue AND h.available_at > v_grace AND h.token IS NOT NULL
					AND (h.available_at > p_now OR h.granted_by <> v_server)
					AND h.account = w.account AND h.delivery_id <> w.delivery_id)))
		ORDER BY w.available_at, w.delivery_id LIMIT p_limit;
	DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_end = 1;
	DECLARE EXIT HANDLER FOR 1205, 1213
	BEGIN
		ROLLBACK;
		SET SESSION sql_safe_updates = v_safe;
		SET r_taken = 0, r_again = 2;
	END;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		ROLLBACK;
		SET SESSION sql_safe_updates = v_safe;
		RESIGNAL;
	END;
	SET r_taken = 0, r_again = 0;
	SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
	START TRANSACTION READ WRITE;
	-- Another member's clock may be ahead of ours: its leases have 5 seconds more (v_grace).
	IF p_order = 'arrival' THEN
		-- Safe updates would refuse the UPDATE, which reads the whole derived table.
		SET SESSION sql_safe_updates = 0;
		UPDATE (
			SELECT w.delivery_id, w.attempts FROM deliveries_open w FORCE INDEX (deliveries_open_available)
			WHERE w.queue = p_queue AND w.available_at BETWEEN p_from AND p_now
				AND (w.token IS NULL OR w.granted_by = v_server OR w.available_at <= v_grace)
			ORDER BY w.available_at, w.delivery_id LIMIT p_skip, p_limit FOR UPDATE SKIP LOCKED
		) c STRAIGHT_JOIN deliveries_open t FORCE INDEX (PRIMARY) ON t.delivery_id = c.delivery_id
		SET t.token = p_token, t.set_at = p_now, t.available_at = p_until, t.granted_by = v_server,
			t.attempts = c.attempts + 1, t.worker = IF(c.attempts < p_max, p_worker, t.worker),
			t.claimed_at = IF(c.attempts < p_max, p_now, t.claimed_at);
		SET r_taken = ROW_COUNT();
		SET SESSION sql_safe_updates = v_safe;
		SET r_again = IF(r_taken = 0 AND p_skip > 0, 1, 0);
	ELSEIF p_order = 'account' THEN
		SET v_left = p_limit, p_limit = p_limit + p_skip;
		OPEN c_oldest;
		taking: WHILE r_taken < v_left DO
			FETCH c_oldest INTO v_id;
			IF v_end THEN
				LEAVE taking;
			END IF;
			CALL queue_take_one(v_id, p_worker, p_token, p_now, p_until, p_max, v_server, v_one);
			SET r_taken = r_taken + v_one, r_again = IF(v_one, r_again, 1);
		END WHILE;
		CLOSE c_oldest;
	ELSE
		-- In this order: if the gap is filled meanwhile, its deliveries are seen as the lowest;
		-- otherwise the gap is seen.
		SELECT COALESCE(MIN(first_block), 4294967295) INTO v_gap FROM gaps;
		SELECT MIN(delivery_id) INTO v_lowest FROM deliveries_open WHERE queue = p_queue;
		SELECT MAX(w.delivery_id) INTO v_id FROM deliveries_open w
		WHERE w.delivery_id = v_lowest AND w.block < v_gap
			AND (w.token IS NULL OR w.granted_by = v_server OR w.available_at <= v_grace)
			AND NOT EXISTS (
				SELECT 1 FROM deliveries_open h FORCE INDEX (deliveries_open_available)
				WHERE h.queue = w.queue AND h.available_at > v_grace AND h.token IS NOT NULL
					AND (h.available_at > p_now OR h.granted_by <> v_server)
					AND h.delivery_id <> w.delivery_id);
		CALL queue_take_one(v_id, p_worker, p_token, p_now, p_until, p_max, v_server, r_taken);
	END IF;
	IF r_taken > 0 THEN
		SELECT STRAIGHT_JOIN COUNT(*) INTO v_good FROM deliveries_open w
		JOIN blocks b ON b.block = w.block AND CRC32(b.block_id) = w.block_crc
		JOIN blockchain o ON o.block = w.block AND o.trx_in_block = w.trx_in_block
			AND o.op_in_trx = w.op_in_trx AND o.virtual_op = w.virtual_op
		WHERE w.queue = p_queue AND w.available_at = p_until AND w.token = p_token
			AND w.attempts <= p_max;
		IF v_good < r_taken THEN
			CALL queue_sort_out(p_queue, p_token, p_until, p_max);
			SET r_taken = v_good, r_again = 1;
		END IF;
	END IF;
	COMMIT;
END //

-- Commits, before and after. Claims up to p_limit deliveries of the queue for p_lease_s seconds, and
-- returns them as rows. Each must be ended with its delivery_id and token before the lease expires.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE queue_claim(
		IN p_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_worker VARCHAR(64) CHARACTER SET utf8mb4, IN p_limit INT, IN p_lease_s INT)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_token CHAR(32) CHARACTER SET ascii COLLATE ascii_bin
		DEFAULT LEFT(SHA2(CONCAT_WS(':', UUID(), RAND(), CONNECTION_ID(), @@hostname), 256), 32);
	DECLARE v_order VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_max INT UNSIGNED;
	DECLARE v_paused_at, v_from, v_scanned_at, v_now, v_until DATETIME(6);
	DECLARE v_taken, v_again, v_round, v_spread, v_skip INT UNSIGNED DEFAULT 0;
	COMMIT;
	IF p_limit IS NULL OR p_limit < 1 OR p_limit > 1000 THEN
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31003,
			MESSAGE_TEXT = 'queue_claim: the limit is 1 to 1000 deliveries';
	END IF;
	IF p_lease_s IS NULL OR p_lease_s < 1 OR p_lease_s > 86400 THEN
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31003,
			MESSAGE_TEXT = 'queue_claim: the lease is 1 to 86400 seconds';
	END IF;
	CALL queue_need_utf8mb4();
	CALL queue_allow(p_queue, NULL);
	SELECT order_by, max_attempts, paused_at, scan_from, scanned_at
	INTO v_order, v_max, v_paused_at, v_from, v_scanned_at FROM queues WHERE queue = p_queue;
	-- Without autocommit a transaction has begun.
	COMMIT;
	IF v_order IS NULL THEN
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31002, MESSAGE_TEXT =
			'no such queue: a reader makes it when it starts with a rule that names it (queue = "...")';
	END IF;
	IF v_paused_at IS NULL THEN
		SET v_now = UTC_TIMESTAMP(6);
		IF v_scanned_at > v_now + INTERVAL 5 SECOND THEN
			SET v_from = '2000-01-01';
		END IF;
		IF v_scanned_at NOT BETWEEN v_now - INTERVAL 1 SECOND AND v_now + INTERVAL 5 SECOND THEN
			CALL queue_advance(p_queue);
		END IF;
		-- If other members were first, claims begin further on for a while, at a random place.
		SET v_spread = COALESCE(@steem_queue_spread, 0), v_skip = FLOOR(RAND() * v_spread);
		REPEAT
			SET v_now = UTC_TIMESTAMP(6), v_round = v_round + 1;
			SET v_until = v_now + INTERVAL p_lease_s SECOND;
			CALL queue_take(p_queue, p_worker, IF(v_order = 'chain', 1, p_limit), v_skip, v_token, v_now,
				v_until, v_order, v_max, v_from, v_taken, v_again);
			SET v_spread = IF(v_again = 2 OR (v_again = 1 AND v_order = 'account'),
				LEAST(GREATEST(v_spread * 2, p_limit * 4), 4000), FLOOR(v_spread * 0.9));
			SET v_skip = CASE WHEN v_order = 'account' THEN v_spread
				WHEN v_again = 2 THEN FLOOR(RAND() * v_spread) ELSE 0 END;
		UNTIL v_taken > 0 OR v_again = 0 OR v_round >= 50 END REPEAT;
		SET @steem_queue_spread = v_spread;
	END IF;
	SELECT STRAIGHT_JOIN w.delivery_id, w.token, w.attempts, w.available_at AS lease_until, w.queue,
		w.block, w.trx_in_block, w.op_in_trx, w.virtual_op, o.trx_id, o.timestamp, o.operation,
		o.account, o.payload
	FROM deliveries_open w JOIN blocks b ON b.block = w.block AND CRC32(b.block_id) = w.block_crc
	JOIN blockchain o ON o.block = w.block AND o.trx_in_block = w.trx_in_block
		AND o.op_in_trx = w.op_in_trx AND o.virtual_op = w.virtual_op
	WHERE w.queue = p_queue AND w.available_at = v_until AND w.token = v_token
	ORDER BY w.delivery_id;
	COMMIT;
END //

-- Commits nothing. Extends the lease to p_lease_s seconds from now.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE queue_renew(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin, IN p_lease_s INT)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	IF p_lease_s IS NULL OR p_lease_s < 1 OR p_lease_s > 86400 THEN
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31003,
			MESSAGE_TEXT = 'queue_renew: the lease is 1 to 86400 seconds';
	END IF;
	CALL queue_allow_delivery(p_delivery);
	UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6) + INTERVAL p_lease_s SECOND, set_at = UTC_TIMESTAMP(6),
		granted_by = LEFT(SHA2(CONCAT_WS(':', @@hostname, @@port, @@datadir
			/*M! , @@wsrep_node_name, @@wsrep_node_address */), 256), 8)
	WHERE delivery_id = p_delivery AND token = p_token;
	-- Twice in one microsecond changes nothing.
	IF ROW_COUNT() = 0 AND NOT EXISTS (
			SELECT 1 FROM deliveries_open WHERE delivery_id = p_delivery AND token = p_token) THEN
		CALL queue_lost();
	END IF;
END //

-- Commits nothing. The work is done: this is committed together with the caller's own changes.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE queue_done(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	CALL queue_allow_delivery(p_delivery);
	CALL queue_end(p_delivery, p_token, 'done', NULL);
END //

-- Commits nothing. The delivery has failed for good: nobody gets it until queue_requeue.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE queue_fail(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin, IN p_error LONGTEXT CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	CALL queue_allow_delivery(p_delivery);
	CALL queue_end(p_delivery, p_token, 'failed', COALESCE(p_error, 'failed'));
END //

-- Commits nothing. Releases the delivery: it can be claimed after p_delay_s seconds; NULL: after a
-- back-off that doubles with each attempt, less a random part of up to half. After max_attempts it fails.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE queue_retry(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin, IN p_delay_s INT,
		IN p_error LONGTEXT CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_attempts, v_max, v_retry_s, v_retry_max_s INT UNSIGNED;
	DECLARE v_delay_s DOUBLE;
	-- Read the current row, not an older snapshot of the caller.
	SELECT queue, attempts INTO v_queue, v_attempts
	FROM deliveries_open WHERE delivery_id = p_delivery AND token = p_token FOR UPDATE;
	IF v_queue IS NULL THEN
		CALL queue_lost();
	END IF;
	CALL queue_allow(v_queue, NULL);
	SELECT max_attempts, retry_s, retry_max_s INTO v_max, v_retry_s, v_retry_max_s
	FROM queues WHERE queue = v_queue;
	IF v_attempts >= COALESCE(v_max, 10) THEN
		CALL queue_end(p_delivery, p_token, 'failed', COALESCE(p_error, 'no attempts are left'));
	ELSE
		SET v_delay_s = COALESCE(p_delay_s, LEAST(COALESCE(v_retry_max_s, 3600),
			COALESCE(v_retry_s, 5) * POW(2, LEAST(v_attempts - 1.0, 30))) * (1 - RAND() / 2));
		UPDATE deliveries_open SET token = NULL, last_error = LEFT(p_error, 1000), set_at = UTC_TIMESTAMP(6),
			available_at = UTC_TIMESTAMP(6) + INTERVAL ROUND(GREATEST(v_delay_s, 0) * 1000000) MICROSECOND
		WHERE delivery_id = p_delivery AND token = p_token;
		IF ROW_COUNT() = 0 THEN
			CALL queue_lost();
		END IF;
	END IF;
END //

-- Commits nothing. Releases the delivery at once, as if it had never been claimed: the attempt does not
-- count. For a worker that stops, or that cannot work for reasons other than the delivery.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE queue_release(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_error LONGTEXT CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	CALL queue_allow_delivery(p_delivery);
	UPDATE deliveries_open SET token = NULL, attempts = IF(attempts > 0, attempts - 1, 0),
		last_error = COALESCE(LEFT(p_error, 1000), last_error), available_at = UTC_TIMESTAMP(6),
		set_at = UTC_TIMESTAMP(6)
	WHERE delivery_id = p_delivery AND token = p_token;
	IF ROW_COUNT() = 0 THEN
		CALL queue_lost();
	END IF;
END //

-- Commits nothing. Requeues a delivery that has ended, with its full number of attempts.
CREATE /*M! OR REPLACE */ PROCEDURE queue_requeue(IN p_delivery BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_delivery BIGINT UNSIGNED;
	DECLARE v_own TINYINT DEFAULT 0;
	DECLARE EXIT HANDLER FOR SQLEXCEPTION
	BEGIN
		IF v_own THEN
			ROLLBACK;
		END IF;
		RESIGNAL;
	END;
	-- As in queue_end.
	/*M! SET v_own = @@autocommit = 1 AND @@in_transaction = 0; */
	/*!80000 BEGIN
		DECLARE EXIT HANDLER FOR 1305 SET v_own = 1;
		SAVEPOINT queue_probe;
		RELEASE SAVEPOINT queue_probe;
	END; */
	IF v_own THEN
		START TRANSACTION READ WRITE;
	END IF;
	-- A reader or --purge may be about to remove it, with its operation.
	SELECT delivery_id INTO v_delivery FROM deliveries_ended WHERE delivery_id = p_delivery FOR UPDATE;
	INSERT INTO deliveries_open (delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op, block_crc,
		account, available_at, set_at, last_error, created_at)
	SELECT e.delivery_id, e.queue, e.block, e.trx_in_block, e.op_in_trx, e.virtual_op, e.block_crc,
		e.account, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6), e.last_error, e.created_at
	FROM deliveries_ended e JOIN blocks b ON b.block = e.block AND CRC32(b.block_id) = e.block_crc
	JOIN blockchain o ON o.block = e.block AND o.trx_in_block = e.trx_in_block
		AND o.op_in_trx = e.op_in_trx AND o.virtual_op = e.virtual_op
	WHERE e.delivery_id = p_delivery;
	IF ROW_COUNT() = 0 THEN
		ROLLBACK;
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31002, MESSAGE_TEXT =
			'no such delivery that has ended and whose operation is still there';
	END IF;
	DELETE FROM deliveries_ended WHERE delivery_id = p_delivery;
	IF v_own THEN
		COMMIT;
	END IF;
END //

-- Commits nothing. Until queue_resume, claims of the queue return nothing; claimed deliveries go on.
CREATE /*M! OR REPLACE */ PROCEDURE queue_pause(IN p_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	UPDATE queues SET paused_at = COALESCE(paused_at, UTC_TIMESTAMP(6)) WHERE queue = p_queue;
	IF NOT EXISTS (SELECT 1 FROM queues WHERE queue = p_queue) THEN
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31002, MESSAGE_TEXT = 'no such queue';
	END IF;
END //

CREATE /*M! OR REPLACE */ PROCEDURE queue_resume(IN p_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	UPDATE queues SET paused_at = NULL WHERE queue = p_queue;
	IF NOT EXISTS (SELECT 1 FROM queues WHERE queue = p_queue) THEN
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31002, MESSAGE_TEXT = 'no such queue';
	END IF;
END //

-- What the outbox refuses. The chain would refuse it later, when the bot can no longer change it.

-- Internal: r_good 1: the chain can have an account of this name.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_is_account(
		IN p_name LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, OUT r_good TINYINT)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	-- Parts of three or more characters, separated by dots: each is a letter, then letters, digits and
	-- hyphens, with no hyphen at its end. $ also matches before a line end, so the second pattern looks for
	-- characters that are not allowed.
	SET r_good = CASE WHEN COALESCE(CHAR_LENGTH(p_name), 0) NOT BETWEEN 3 AND 16 THEN 0
		WHEN p_name REGEXP '[^a-z0-9.-]' THEN 0
		WHEN p_name NOT REGEXP '^[a-z](-*[a-z0-9])+([.][a-z](-*[a-z0-9])+)*$' THEN 0
		WHEN p_name REGEXP '(^|[.])[^.]{0,2}([.]|$)' THEN 0
		ELSE 1 END;
END //

-- Internal: r_good 0: the text has a control character other than tab, line feed and carriage return. Nodes
-- cannot read it in a transaction. The pattern is made of the characters themselves; no session can change that.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_is_text(
		IN p_text LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, OUT r_good TINYINT)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_pattern VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT CONCAT('[',
		CHAR(1 USING utf8mb4), '-', CHAR(8 USING utf8mb4), CHAR(11 USING utf8mb4), CHAR(12 USING utf8mb4),
		CHAR(14 USING utf8mb4), '-', CHAR(31 USING utf8mb4), ']');
	DECLARE v_zero CHAR(1) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT CHAR(0 USING utf8mb4);
	SET r_good = CASE WHEN p_text IS NULL THEN 1 WHEN LOCATE(v_zero, p_text) > 0 THEN 0
		WHEN p_text REGEXP v_pattern THEN 0 ELSE 1 END;
END //

-- Internal: r_good 1: JSON as nodes want it, with nothing behind the value, not even white space.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_is_json(
		IN p_text LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, OUT r_good TINYINT)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	SET r_good = CASE WHEN p_text IS NULL THEN 0 WHEN NOT JSON_VALID(p_text) THEN 0
		WHEN RIGHT(p_text, 1) REGEXP '[[:space:]]' THEN 0 ELSE 1 END;
END //

-- Internal: r_good 1: an amount with a symbol of the chain and its number of decimals.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_is_amount(
		IN p_amount LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, OUT r_good TINYINT)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	SET r_good = CASE WHEN COALESCE(LENGTH(p_amount), 0) NOT BETWEEN 9 AND 25 THEN 0
		WHEN p_amount REGEXP '[^0-9A-Z. ]' THEN 0
		WHEN p_amount REGEXP '^(0|[1-9][0-9]{0,14})[.][0-9]{3} (STEEM|SBD|TESTS|TBD)$' THEN 1
		WHEN p_amount REGEXP '^(0|[1-9][0-9]{0,11})[.][0-9]{6} VESTS$' THEN 1
		ELSE 0 END;
END //

-- Internal: refuse what a procedure was called with.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_refuse(IN p_who VARCHAR(32) CHARACTER SET utf8mb4,
		IN p_text VARCHAR(256) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_text VARCHAR(128) CHARACTER SET utf8mb4 DEFAULT LEFT(CONCAT(p_who, ': ', p_text), 128);
	SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31003, MESSAGE_TEXT = v_text;
END //

-- Internal: put one comment into the outbox. A comment that the chain always refuses is refused here,
-- while the bot can still change it. If (author, permlink) exists already, nothing happens.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_put(IN p_who VARCHAR(16) CHARACTER SET utf8mb4,
		IN p_author VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_permlink VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_parent_author VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_parent_permlink VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_title LONGTEXT CHARACTER SET utf8mb4, IN p_body LONGTEXT CHARACTER SET utf8mb4,
		IN p_json_metadata LONGTEXT CHARACTER SET utf8mb4, IN p_delivery BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_text VARCHAR(128) CHARACTER SET utf8mb4;
	DECLARE v_bytes BIGINT UNSIGNED DEFAULT COALESCE(LENGTH(p_title), 0) + COALESCE(LENGTH(p_body), 0)
		+ COALESCE(LENGTH(p_json_metadata), 0) + COALESCE(LENGTH(p_permlink), 0)
		+ COALESCE(LENGTH(p_parent_permlink), 0) + COALESCE(LENGTH(p_parent_author), 0)
		+ COALESCE(LENGTH(p_author), 0);
	DECLARE v_latin1 LONGTEXT CHARACTER SET latin1;
	DECLARE v_comment BIGINT UNSIGNED;
	DECLARE v_author, v_parent, v_title, v_body, v_metadata, v_json TINYINT;
	CALL outbox_is_account(p_author, v_author);
	CALL outbox_is_account(p_parent_author, v_parent);
	CALL outbox_is_text(p_title, v_title);
	CALL outbox_is_text(p_body, v_body);
	CALL outbox_is_text(p_json_metadata, v_metadata);
	CALL outbox_is_json(p_json_metadata, v_json);
	IF NOT v_author THEN
		SET v_text = 'the author is no account name';
	ELSEIF COALESCE(p_body, '') NOT REGEXP '[^[:space:]]' THEN
		SET v_text = 'the body is empty';
	ELSEIF LENGTH(p_title) > 255 THEN
		SET v_text = 'the title has more than 255 bytes';
	ELSEIF LENGTH(COALESCE(p_permlink, '')) NOT BETWEEN 1 AND 255 OR p_permlink REGEXP '[^a-z0-9-]' THEN
		SET v_text = 'the permlink must have 1 to 255 lower-case letters, digits and hyphens';
	ELSEIF LENGTH(COALESCE(p_parent_permlink, '')) NOT BETWEEN 1 AND 255
			OR p_parent_permlink REGEXP '[^a-z0-9-]' THEN
		SET v_text = 'the parent_permlink must have 1 to 255 lower-case letters, digits and hyphens';
	ELSEIF LENGTH(p_parent_author) > 0 AND NOT v_parent THEN
		SET v_text = 'the parent_author is no account name';
	ELSEIF NOT v_title OR NOT v_body OR NOT v_metadata THEN
		SET v_text = 'a text has a control character that nodes cannot read';
	-- LENGTH, because in some collations a space equals ''.
	ELSEIF LENGTH(p_json_metadata) > 0 AND NOT v_json THEN
		SET v_text = 'json_metadata is no JSON';
	-- The chain accepts no transaction of more than 65536 bytes. The lengths of the texts, the header and
	-- the signatures need some of them: 512 are kept for these.
	ELSEIF v_bytes > 65024 THEN
		SET v_text = 'the texts have more than 65024 bytes together';
	END IF;
	-- In UTF-8 that was sent as latin1, each byte of a character has become a character of its own.
	IF v_text IS NULL AND LENGTH(p_body) > CHAR_LENGTH(p_body) THEN
		BEGIN
			-- If the body cannot be converted, it was not sent as latin1.
			DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN END;
			SET v_latin1 = CONVERT(p_body USING latin1);
			IF HEX(CONVERT(v_latin1 USING utf8mb4)) = HEX(p_body)
					AND HEX(CONVERT(CAST(v_latin1 AS BINARY) USING utf8mb4)) = HEX(v_latin1) THEN
				SET v_text = 'the body is UTF-8 that was sent as latin1: say SET NAMES utf8mb4 first';
			END IF;
		END;
	END IF;
	-- SET insert_id is refused: a used comment_id would keep the comment out silently, and the
	-- highest one would keep out all later comments.
	IF @@insert_id <> 0 THEN
		SET v_text = 'this session has chosen an insert_id';
	END IF;
	IF v_text IS NOT NULL THEN
		CALL outbox_refuse(p_who, v_text);
	END IF;
	-- An INSERT that finds the row locks the gap before it, where others may have to insert comments.
	SELECT comment_id INTO v_comment FROM comments
	WHERE author = CONVERT(p_author USING ascii) COLLATE ascii_bin AND permlink = p_permlink;
	IF v_comment IS NULL THEN
		INSERT INTO comments (author, permlink, parent_author, parent_permlink, title, body, json_metadata,
			delivery_id, created_at)
		VALUES (p_author, p_permlink, COALESCE(p_parent_author, ''), p_parent_permlink, COALESCE(p_title, ''),
			p_body, COALESCE(p_json_metadata, '{}'), p_delivery, UTC_TIMESTAMP(6))
		ON DUPLICATE KEY UPDATE comment_id = comment_id;
	END IF;
END //

-- Internal: the operation of a delivery that is held with this token; its row stays locked. The account that
-- connected must be allowed its queue, with p_author if it is not NULL. r_operation NULL: the operation is gone.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_read_delivery(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_author VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		OUT r_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin,
		OUT r_block INT UNSIGNED, OUT r_op INT UNSIGNED, OUT r_virtual INT UNSIGNED,
		OUT r_trx_id CHAR(40) CHARACTER SET ascii COLLATE ascii_bin,
		OUT r_operation VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		OUT r_payload MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_trx, v_crc INT UNSIGNED;
	CALL queue_need_utf8mb4();
	-- Read the current row, not an older snapshot of the caller.
	SELECT queue, block, trx_in_block, op_in_trx, virtual_op, block_crc
	INTO r_queue, r_block, v_trx, r_op, r_virtual, v_crc
	FROM deliveries_open WHERE delivery_id = p_delivery AND token = p_token FOR UPDATE;
	IF r_queue IS NULL THEN
		CALL queue_lost();
	END IF;
	CALL queue_allow(r_queue, p_author);
	-- The block may have been replaced since the claim: then another operation has this place.
	SELECT o.trx_id, o.operation, o.payload INTO r_trx_id, r_operation, r_payload
	FROM blocks b JOIN blockchain o ON o.block = b.block
	WHERE b.block = r_block AND CRC32(b.block_id) = v_crc AND o.trx_in_block = v_trx
		AND o.op_in_trx = r_op AND o.virtual_op = r_virtual;
	IF r_operation IS NULL THEN
		SELECT o.trx_id, o.operation, o.payload INTO r_trx_id, r_operation, r_payload
		FROM blocks b JOIN blockchain o ON o.block = b.block
		WHERE b.block = r_block AND CRC32(b.block_id) = v_crc AND o.trx_in_block = v_trx
			AND o.op_in_trx = r_op AND o.virtual_op = r_virtual
		LOCK IN SHARE MODE;
	END IF;
END //

-- Commits nothing. Puts a reply to the delivery's comment into the outbox; call it in the transaction of
-- queue_done, before it. The permlink follows from the operation, so a bot that answers twice, after a
-- crash or because the block was replaced, enqueues only one reply.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE reply(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_author VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_title VARCHAR(1024) CHARACTER SET utf8mb4,
		IN p_body MEDIUMTEXT CHARACTER SET utf8mb4, IN p_json_metadata MEDIUMTEXT CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_parent_author, v_parent_permlink LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	DECLARE v_operation VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_trx_id CHAR(40) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_block, v_op, v_virtual INT UNSIGNED;
	DECLARE v_payload MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	-- CHAR(92) alone is binary, and MySQL's regular expressions refuse that.
	DECLARE v_backslash CHAR(1) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT CHAR(92 USING utf8mb4);
	CALL outbox_read_delivery(p_delivery, p_token, p_author, v_queue, v_block, v_op, v_virtual, v_trx_id,
		v_operation, v_payload);
	IF COALESCE(v_operation, '') <> 'comment' THEN
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31003, MESSAGE_TEXT =
			'reply: the delivery is no comment, or its operation is gone; nothing can be replied to';
	END IF;
	-- A payload may contain half a surrogate, \ud83d, which the JSON functions refuse. Pairs of
	-- backslashes before it are replaced first, because after them it is plain text.
	IF LOCATE(CONCAT(v_backslash, 'ud'), v_payload) > 0 THEN
		SET v_payload = REGEXP_REPLACE(
			REPLACE(v_payload, CONCAT(v_backslash, v_backslash), CONCAT(v_backslash, 'u005c')),
			CONCAT(v_backslash, v_backslash, 'ud[89a-f][0-9a-f]{2}'), '?');
	END IF;
	SET v_parent_author = JSON_UNQUOTE(JSON_EXTRACT(v_payload, '$.author')),
		v_parent_permlink = JSON_UNQUOTE(JSON_EXTRACT(v_payload, '$.permlink'));
	CALL outbox_put('reply', p_author, CONCAT('re-', v_queue, '-', v_trx_id, '-', v_op), v_parent_author,
		v_parent_permlink, p_title, p_body, p_json_metadata, p_delivery);
END //

-- Commits nothing. Puts any other comment into the outbox; with parent_author '' it is a post. A second
-- call with the same author and permlink changes nothing.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE outbox_add(
		IN p_author VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_permlink VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_parent_author VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_parent_permlink VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_title LONGTEXT CHARACTER SET utf8mb4, IN p_body LONGTEXT CHARACTER SET utf8mb4,
		IN p_json_metadata LONGTEXT CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	CALL queue_need_utf8mb4();
	CALL queue_allow(NULL, COALESCE(p_author, ''));
	CALL outbox_put('outbox_add', p_author, p_permlink, p_parent_author, p_parent_permlink, p_title, p_body,
		p_json_metadata, NULL);
END //

-- Internal: check that the account may publish the comment.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_allow(IN p_comment BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_author VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin;
	SELECT author INTO v_author FROM comments WHERE comment_id = p_comment;
	IF v_author IS NULL THEN
		SELECT author INTO v_author FROM comments WHERE comment_id = p_comment LOCK IN SHARE MODE;
	END IF;
	IF v_author IS NULL THEN
		ROLLBACK;
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31002, MESSAGE_TEXT = 'no such comment';
	END IF;
	CALL queue_allow(NULL, v_author);
END //

-- Commits nothing. The comment is about to be sent in the transaction p_trx_id, which can get into a
-- block until p_expiration. 31001: the comment is no longer pending, because another process was first:
-- do not send it.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE outbox_sent(
		IN p_comment BIGINT UNSIGNED, IN p_trx_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_expiration DATETIME(6))
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	CALL outbox_allow(p_comment);
	IF COALESCE(p_trx_id, '') NOT REGEXP '^[0-9a-f]{40}$' OR LENGTH(p_trx_id) <> 40
			OR p_expiration IS NULL THEN
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31003, MESSAGE_TEXT =
			'outbox_sent: the trx_id is 40 hex digits, and the expiration is a time';
	END IF;
	UPDATE comments SET state = 'sent', trx_id = p_trx_id, sent_at = UTC_TIMESTAMP(6),
		not_before = p_expiration, attempts = attempts + 1, error = NULL
	WHERE comment_id = p_comment AND state = 'pending';
	IF ROW_COUNT() = 0 THEN
		ROLLBACK;
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31001, MESSAGE_TEXT =
			'the comment is not pending: another process was first, or it is on the chain; do not send it';
	END IF;
END //

-- Commits nothing. The transaction p_trx_id was refused for a reason that passes: the comment is to be
-- sent again after p_delay_s. If it is no longer sent as p_trx_id, nothing happens.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE outbox_retry(
		IN p_comment BIGINT UNSIGNED, IN p_trx_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_delay_s INT UNSIGNED, IN p_error LONGTEXT CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	CALL outbox_allow(p_comment);
	UPDATE comments SET state = 'pending', error = LEFT(p_error, 1000), sent_at = UTC_TIMESTAMP(6),
		not_before = UTC_TIMESTAMP(6) + INTERVAL COALESCE(p_delay_s, 0) SECOND
	WHERE comment_id = p_comment AND state = 'sent' AND trx_id = p_trx_id;
END //

-- Commits nothing. The transaction p_trx_id was refused for good. If the comment is no longer sent as
-- p_trx_id, nothing happens.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE outbox_fail(
		IN p_comment BIGINT UNSIGNED, IN p_trx_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_error LONGTEXT CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	CALL outbox_allow(p_comment);
	UPDATE comments SET state = 'failed', error = LEFT(COALESCE(p_error, 'failed'), 1000)
	WHERE comment_id = p_comment AND state = 'sent' AND trx_id = p_trx_id;
END //

-- Commits nothing. Sets comments of the author back to pending that were sent, can no longer get into a
-- block, and are in no block that the readers have read.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE outbox_expire(
		IN p_author VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_gap, v_top INT UNSIGNED;
	DECLARE v_read_to DATETIME;
	DECLARE v_comment BIGINT UNSIGNED;
	DECLARE v_end TINYINT;
	DECLARE c_over CURSOR FOR
		SELECT c.comment_id FROM comments c
		WHERE c.author = CONVERT(p_author USING ascii) COLLATE ascii_bin AND c.state = 'sent'
			AND c.not_before < v_read_to AND NOT EXISTS (SELECT 1 FROM comments_seen s
				WHERE s.author = c.author AND s.permlink = c.permlink);
	DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_end = 1;
	CALL queue_allow(NULL, COALESCE(p_author, ''));
	SELECT MIN(first_block) INTO v_gap FROM gaps;
	SELECT MAX(block) INTO v_top FROM blocks WHERE is_irreversible = 1;
	SELECT timestamp INTO v_read_to FROM blocks WHERE block = COALESCE(v_gap - 1, v_top);
	SET v_end = 0;
	OPEN c_over;
	expiring: LOOP
		FETCH c_over INTO v_comment;
		IF v_end THEN
			LEAVE expiring;
		END IF;
		UPDATE comments SET state = 'pending', not_before = NULL, error = 'expired, and is not on the chain'
		WHERE comment_id = v_comment AND state = 'sent' AND not_before < v_read_to;
	END LOOP;
	CLOSE c_over;
END //

-- Actions: all that is no comment. doc/consumers.md explains them.

-- Internal: the accounts and weights of beneficiaries, as the witnesses want them: at most 8 (the chain itself
-- would take 127), each once, in the order of their names. r_text: what is wrong.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_check_beneficiaries(
		IN p_extensions LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		OUT r_text VARCHAR(256) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_list, v_account LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	DECLARE v_before VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT '';
	DECLARE v_at, v_count, v_weight, v_sum INT DEFAULT 0;
	DECLARE v_good TINYINT;
	checking: BEGIN
		IF COALESCE(JSON_TYPE(p_extensions), '') <> 'ARRAY' THEN
			SET r_text = 'extensions is no array';
			LEAVE checking;
		END IF;
		IF JSON_LENGTH(p_extensions) = 0 THEN
			LEAVE checking;
		END IF;
		SET v_list = JSON_EXTRACT(p_extensions, '$[0][1].beneficiaries');
		IF JSON_LENGTH(p_extensions) <> 1 OR COALESCE(JSON_UNQUOTE(JSON_EXTRACT(p_extensions, '$[0][0]')), '') <> '0'
				OR COALESCE(JSON_TYPE(v_list), '') <> 'ARRAY' THEN
			SET r_text = 'extensions must be [] or [[0, {"beneficiaries": [...]}]]';
			LEAVE checking;
		END IF;
		SET v_count = JSON_LENGTH(v_list);
		IF v_count NOT BETWEEN 1 AND 8 THEN
			SET r_text = 'beneficiaries has 1 to 8 entries';
			LEAVE checking;
		END IF;
		WHILE v_at < v_count DO
			SET v_account = JSON_UNQUOTE(JSON_EXTRACT(v_list, CONCAT('$[', v_at, '].account')));
			CALL outbox_is_account(v_account, v_good);
			IF NOT v_good THEN
				SET r_text = 'a beneficiary is no account name';
				LEAVE checking;
			END IF;
			IF STRCMP(v_account, v_before) <= 0 THEN
				SET r_text = 'the beneficiaries must be in the order of their names, each once';
				LEAVE checking;
			END IF;
			CALL outbox_read_number(JSON_EXTRACT(v_list, CONCAT('$[', v_at, '].weight')), 1, 10000, v_weight);
			IF v_weight IS NULL THEN
				SET r_text = 'the weight of a beneficiary is 1 to 10000';
				LEAVE checking;
			END IF;
			SET v_sum = v_sum + v_weight, v_before = v_account, v_at = v_at + 1;
		END WHILE;
		IF v_sum > 10000 THEN
			SET r_text = 'the weights of the beneficiaries are more than 10000 together';
		END IF;
	END;
END //

-- Internal: a whole number of a JSON text; NULL: it is none, or out of range.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_read_number(
		IN p_json LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, IN p_least INT, IN p_most INT,
		OUT r_number INT)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	SET r_number = NULL;
	IF p_json REGEXP '^-?[0-9]{1,6}$' AND p_json NOT REGEXP '[^0-9-]' THEN
		SET r_number = CAST(p_json AS SIGNED);
	END IF;
	IF r_number NOT BETWEEN p_least AND p_most THEN
		SET r_number = NULL;
	END IF;
END //

-- Internal: one member of an operation. r_text: what is wrong; NULL: nothing that can be seen here.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_check_member(
		IN p_operation VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_member VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_json LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		OUT r_text VARCHAR(256) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_type VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT JSON_TYPE(p_json);
	DECLARE v_value LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	DECLARE v_number INT;
	DECLARE v_good TINYINT DEFAULT 1;
	IF v_type = 'STRING' THEN
		SET v_value = JSON_UNQUOTE(p_json);
	END IF;
	IF p_member IN ('account', 'agent', 'author', 'creator', 'delegatee', 'delegator', 'from', 'from_account',
			'new_account_name', 'parent_author', 'proposal_owner', 'proxy', 'publisher', 'receiver',
			'recovery_account', 'account_to_recover', 'to', 'to_account', 'voter', 'who', 'witness')
			OR (p_member = 'owner' AND p_operation NOT LIKE 'account%' AND p_operation NOT LIKE 'create%') THEN
		IF NOT (COALESCE(v_value, 'x') = '' AND (p_member IN ('parent_author', 'proxy')
				OR (p_member = 'to' AND p_operation = 'transfer_to_vesting'))) THEN
			CALL outbox_is_account(v_value, v_good);
		END IF;
		IF NOT v_good THEN
			SET r_text = 'is no account name';
		END IF;
	ELSEIF p_member IN ('amount', 'amount_to_sell', 'daily_pay', 'fee', 'max_accepted_payout', 'min_to_receive',
			'reward_sbd', 'reward_steem', 'reward_vests', 'sbd_amount', 'steem_amount', 'vesting_shares') THEN
		CALL outbox_is_amount(v_value, v_good);
		IF NOT v_good THEN
			SET r_text = 'is no amount such as "1.000 STEEM"';
		ELSEIF p_operation LIKE 'transfer%' AND (v_value NOT REGEXP '[1-9]' OR v_value LIKE '% VESTS') THEN
			SET r_text = 'is nothing that can be transferred';
		END IF;
	ELSEIF p_member IN ('weight', 'percent', 'percent_steem_dollars') THEN
		CALL outbox_read_number(p_json, IF(p_member = 'weight', -10000, 0), 10000, v_number);
		IF v_number IS NULL THEN
			SET r_text = IF(p_member = 'weight', 'is not -10000 to 10000', 'is not 0 to 10000');
		END IF;
	ELSEIF p_member IN ('permlink', 'parent_permlink') THEN
		IF COALESCE(LENGTH(v_value), 0) NOT BETWEEN 1 AND 255 THEN
			SET r_text = 'has 1 to 255 bytes';
		ELSEIF p_operation = 'comment' AND p_member = 'permlink' AND v_value REGEXP '[^a-z0-9-]' THEN
			SET r_text = 'has lower-case letters, digits and hyphens only';
		END IF;
	ELSEIF p_member IN ('title', 'subject') THEN
		IF v_value IS NULL OR LENGTH(v_value) > IF(p_member = 'title', 255, 80) THEN
			SET r_text = IF(p_member = 'title', 'has at most 255 bytes', 'has at most 80 bytes');
		END IF;
	ELSEIF p_member = 'body' THEN
		IF COALESCE(v_value, '') NOT REGEXP '[^[:space:]]' THEN
			SET r_text = 'is empty';
		END IF;
	ELSEIF p_member IN ('json_metadata', 'posting_json_metadata', 'json_meta') THEN
		CALL outbox_is_json(v_value, v_good);
		IF v_value IS NULL OR (LENGTH(v_value) > 0 AND NOT v_good) THEN
			SET r_text = 'is no JSON';
		END IF;
	ELSEIF p_member = 'memo' THEN
		IF v_value IS NULL OR LENGTH(v_value) > 2047 THEN
			SET r_text = 'has at most 2047 bytes';
		END IF;
	ELSEIF p_operation = 'custom_json' AND p_member = 'id' THEN
		IF COALESCE(LENGTH(v_value), 0) NOT BETWEEN 1 AND 32 THEN
			SET r_text = 'has 1 to 32 bytes';
		END IF;
	ELSEIF p_operation = 'custom_json' AND p_member = 'json' THEN
		CALL outbox_is_json(v_value, v_good);
		IF NOT v_good THEN
			SET r_text = 'is no JSON in a text';
		ELSEIF LENGTH(v_value) > 8192 THEN
			SET r_text = 'has at most 8192 bytes';
		END IF;
	ELSEIF p_operation = 'comment_options' AND p_member = 'allow_votes' THEN
		-- Nodes read it as true whatever it is, so they would check another transaction than the signed one.
		IF p_json <> 'true' THEN
			SET r_text = 'can only be true: nodes drop any other value';
		END IF;
	ELSEIF p_operation = 'comment_options' AND p_member = 'allow_curation_rewards' THEN
		IF v_type <> 'BOOLEAN' THEN
			SET r_text = 'is true or false';
		END IF;
	ELSEIF p_operation = 'comment_options' AND p_member = 'extensions' THEN
		CALL outbox_check_beneficiaries(p_json, r_text);
	END IF;
	SET r_text = CONCAT(p_member, ' ', r_text);
END //

-- Internal: the names in a list of accounts that must sign; it may be empty, or have only this account.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_check_signers(
		IN p_json LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, OUT r_count INT)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	SET r_count = CASE WHEN p_json IS NULL THEN 0
		WHEN COALESCE(JSON_TYPE(p_json), '') <> 'ARRAY' THEN NULL
		WHEN JSON_LENGTH(p_json) = 0 THEN 0
		WHEN JSON_LENGTH(p_json) = 1 AND COALESCE(JSON_TYPE(JSON_EXTRACT(p_json, '$[0]')), '') = 'STRING'
			AND CONVERT(JSON_UNQUOTE(JSON_EXTRACT(p_json, '$[0]')) USING utf8mb4) COLLATE utf8mb4_bin = p_account
			THEN 1
		ELSE NULL END;
END //

-- Internal: which authority of which account an operation needs: that of p_account, or it is refused.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_check_authority(
		IN p_account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_operation VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_object LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		OUT r_authority VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
		OUT r_text VARCHAR(256) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_member VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_actor LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	DECLARE v_active, v_posting INT;
	SET r_authority = 'active';
	CASE
	WHEN p_operation IN ('vote') THEN
		SET r_authority = 'posting', v_member = 'voter';
	WHEN p_operation IN ('comment', 'comment_options', 'delete_comment') THEN
		SET r_authority = 'posting', v_member = 'author';
	WHEN p_operation IN ('claim_reward_balance') THEN
		SET r_authority = 'posting', v_member = 'account';
	WHEN p_operation IN ('transfer', 'transfer_to_vesting', 'transfer_to_savings', 'transfer_from_savings',
			'cancel_transfer_from_savings', 'escrow_transfer') THEN
		SET v_member = 'from';
	WHEN p_operation IN ('withdraw_vesting', 'account_witness_vote', 'account_witness_proxy', 'account_update',
			'account_update2') THEN
		SET v_member = 'account';
	WHEN p_operation IN ('limit_order_create', 'limit_order_create2', 'limit_order_cancel', 'convert',
			'witness_update') THEN
		SET v_member = 'owner';
	WHEN p_operation IN ('account_create', 'claim_account', 'create_claimed_account', 'create_proposal') THEN
		SET v_member = 'creator';
	WHEN p_operation IN ('escrow_approve', 'escrow_dispute', 'escrow_release') THEN
		SET v_member = 'who';
	WHEN p_operation IN ('feed_publish') THEN
		SET v_member = 'publisher';
	WHEN p_operation IN ('set_withdraw_vesting_route') THEN
		SET v_member = 'from_account';
	WHEN p_operation IN ('request_account_recovery') THEN
		SET v_member = 'recovery_account';
	WHEN p_operation IN ('delegate_vesting_shares') THEN
		SET v_member = 'delegator';
	WHEN p_operation IN ('update_proposal_votes') THEN
		SET v_member = 'voter';
	WHEN p_operation IN ('remove_proposal') THEN
		SET v_member = 'proposal_owner';
	WHEN p_operation IN ('custom', 'custom_json') THEN
		CALL outbox_check_signers(JSON_EXTRACT(p_object, '$.required_auths'), p_account, v_active);
		CALL outbox_check_signers(JSON_EXTRACT(p_object, '$.required_posting_auths'), p_account, v_posting);
		IF COALESCE(v_active + v_posting, 0) <> 1 THEN
			SET r_text = 'the account alone must be in one of the lists of required authorities';
		ELSEIF v_posting THEN
			SET r_authority = 'posting';
		END IF;
	WHEN p_operation IN ('change_recovery_account', 'decline_voting_rights', 'recover_account') THEN
		SET r_text = 'it needs the owner authority, which a poster never has';
	ELSE
		SET r_text = 'no poster can send such an operation';
	END CASE;
	IF v_member IS NOT NULL THEN
		SET v_actor = JSON_UNQUOTE(JSON_EXTRACT(p_object, CONCAT('$.', v_member)));
		IF COALESCE(v_actor, '') <> p_account THEN
			SET r_text = CONCAT(v_member, ' is not the account that acts');
		END IF;
	END IF;
	IF p_operation IN ('account_update', 'account_update2') AND COALESCE(JSON_TYPE(JSON_EXTRACT(p_object,
			'$.owner')), 'NULL') <> 'NULL' THEN
		SET r_text = 'it needs the owner authority, which a poster never has';
	ELSEIF p_operation = 'account_update2' AND COALESCE(JSON_TYPE(JSON_EXTRACT(p_object, '$.active')), 'NULL') = 'NULL'
			AND COALESCE(JSON_TYPE(JSON_EXTRACT(p_object, '$.posting')), 'NULL') = 'NULL'
			AND COALESCE(JSON_TYPE(JSON_EXTRACT(p_object, '$.memo_key')), 'NULL') = 'NULL'
			AND COALESCE(LENGTH(JSON_UNQUOTE(JSON_EXTRACT(p_object, '$.json_metadata'))), 0) = 0 THEN
		SET r_authority = 'posting';
	END IF;
END //

-- Internal: one operation, a JSON text such as ["vote", {...}]. r_text: what is wrong.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_check_operation(
		IN p_account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_operation LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		OUT r_authority VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
		OUT r_text VARCHAR(256) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_object, v_members, v_name LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	DECLARE v_member LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	DECLARE v_at, v_count INT DEFAULT 0;
	SET v_object = JSON_EXTRACT(p_operation, '$[1]');
	IF COALESCE(JSON_TYPE(p_operation), '') <> 'ARRAY' OR JSON_LENGTH(p_operation) <> 2
			OR COALESCE(JSON_TYPE(JSON_EXTRACT(p_operation, '$[0]')), '') <> 'STRING'
			OR COALESCE(JSON_TYPE(v_object), '') <> 'OBJECT' THEN
		SET r_text = 'it is no pair of a name and an object';
	ELSE
		SET v_name = JSON_UNQUOTE(JSON_EXTRACT(p_operation, '$[0]'));
		IF LENGTH(v_name) > 64 OR v_name REGEXP '[^a-z0-9_]' THEN
			SET r_text = 'no poster can send such an operation';
		ELSE
			CALL outbox_check_authority(p_account, v_name, v_object, r_authority, r_text);
		END IF;
		SET v_members = JSON_KEYS(v_object), v_count = JSON_LENGTH(v_object);
		WHILE r_text IS NULL AND v_at < v_count DO
			SET v_member = JSON_UNQUOTE(JSON_EXTRACT(v_members, CONCAT('$[', v_at, ']')));
			IF COALESCE(LENGTH(v_member), 0) NOT BETWEEN 1 AND 64 OR v_member REGEXP '[^a-z0-9_]' THEN
				SET r_text = 'it has a member that no operation has';
			ELSE
				CALL outbox_check_member(v_name, v_member,
					JSON_EXTRACT(v_object, CONCAT('$.', v_member)), r_text);
			END IF;
			SET v_at = v_at + 1;
		END WHILE;
		SET r_text = CONCAT(LEFT(v_name, 32), ': ', r_text);
	END IF;
END //

-- Internal: all operations of an action, and the authority that they need. r_text: what is wrong.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_check_operations(
		IN p_account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_operations LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		OUT r_authority VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
		OUT r_text VARCHAR(256) CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	-- CHAR(92) alone is binary, and MySQL's regular expressions refuse that.
	DECLARE v_backslash CHAR(1) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT CHAR(92 USING utf8mb4);
	DECLARE v_escapes LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	DECLARE v_authority VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_at, v_count INT DEFAULT 0;
	DECLARE v_good TINYINT DEFAULT 1;
	-- Pairs of backslashes are no escapes of what follows them.
	SET v_escapes = REPLACE(p_operations, CONCAT(v_backslash, v_backslash), '_');
	CALL outbox_is_text(p_operations, v_good);
	IF v_good AND LOCATE(v_backslash, v_escapes) > 0 AND (v_escapes REGEXP CONCAT(v_backslash, v_backslash, '[bf]')
			OR v_escapes REGEXP CONCAT(v_backslash, v_backslash, 'u(000[0-8bBcCeEfF]|001)')) THEN
		SET v_good = 0;
	END IF;
	IF p_operations IS NULL OR NOT JSON_VALID(p_operations) OR JSON_TYPE(p_operations) <> 'ARRAY' THEN
		SET r_text = 'the operations are no JSON array';
	ELSEIF JSON_LENGTH(p_operations) NOT BETWEEN 1 AND 20 THEN
		SET r_text = 'there are 1 to 20 operations in an action';
	ELSEIF NOT v_good THEN
		SET r_text = 'a text has a control character that nodes cannot read';
	-- Packed, an operation takes less than its JSON; each escape is at most as long without its backslash.
	ELSEIF LENGTH(REPLACE(v_escapes, v_backslash, '')) > 65024 THEN
		SET r_text = 'the operations have more than 65024 bytes together';
	ELSE
		SET v_count = JSON_LENGTH(p_operations);
		WHILE r_text IS NULL AND v_at < v_count DO
			CALL outbox_check_operation(p_account, JSON_EXTRACT(p_operations, CONCAT('$[', v_at, ']')),
				v_authority, r_text);
			SET v_at = v_at + 1;
			IF r_text IS NOT NULL THEN
				SET r_text = CONCAT('operation ', v_at, ', ', r_text);
			ELSEIF v_authority <> r_authority THEN
				SET r_text = 'the chain takes no posting and active authority in one transaction';
			END IF;
			SET r_authority = v_authority;
		END WHILE;
	END IF;
END //

-- Internal: put one action into the outbox. If (account, action_key) exists already, nothing happens.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_put_action(IN p_who VARCHAR(32) CHARACTER SET utf8mb4,
		IN p_account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_key VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_operations LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, IN p_delivery BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_text VARCHAR(256) CHARACTER SET utf8mb4;
	DECLARE v_authority VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_action BIGINT UNSIGNED;
	DECLARE v_good TINYINT;
	CALL outbox_is_account(p_account, v_good);
	IF NOT v_good THEN
		SET v_text = 'the account is no account name';
	ELSEIF COALESCE(LENGTH(p_key), 0) NOT BETWEEN 1 AND 128 OR p_key REGEXP '[^ -~]' THEN
		SET v_text = 'the action_key has 1 to 128 characters of ASCII';
	-- As for comments: a used action_id would keep the action out silently.
	ELSEIF @@insert_id <> 0 THEN
		SET v_text = 'this session has chosen an insert_id';
	ELSE
		CALL outbox_check_operations(p_account, p_operations, v_authority, v_text);
	END IF;
	IF v_text IS NOT NULL THEN
		CALL outbox_refuse(p_who, v_text);
	END IF;
	-- An INSERT that finds the row locks the gap before it, where others may have to insert actions.
	SELECT action_id INTO v_action FROM actions
	WHERE account = CONVERT(p_account USING ascii) COLLATE ascii_bin
		AND action_key = CONVERT(p_key USING ascii) COLLATE ascii_bin;
	IF v_action IS NULL THEN
		INSERT INTO actions (account, action_key, operations, authority, delivery_id, created_at)
		VALUES (p_account, p_key, p_operations, v_authority, p_delivery, UTC_TIMESTAMP(6))
		ON DUPLICATE KEY UPDATE action_id = action_id;
	END IF;
END //

-- Internal: what names the operation of a delivery that is held with this token, whatever block it is in. The
-- account that connected must be allowed its queue, with p_account as author.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_name_delivery(IN p_who VARCHAR(32) CHARACTER SET utf8mb4,
		IN p_delivery BIGINT UNSIGNED, IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		OUT r_name VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_trx_id CHAR(40) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_operation VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_payload MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	DECLARE v_block, v_op, v_virtual INT UNSIGNED;
	CALL outbox_read_delivery(p_delivery, p_token, COALESCE(p_account, ''), v_queue, v_block, v_op, v_virtual,
		v_trx_id, v_operation, v_payload);
	IF v_operation IS NULL THEN
		CALL outbox_refuse(p_who, 'the operation of the delivery is gone');
	END IF;
	SET r_name = CONCAT(v_queue, '-', COALESCE(v_trx_id, CONCAT('block', v_block)), '-', v_op,
		IF(v_virtual > 0, CONCAT('v', v_virtual), ''));
END //

-- Commits nothing. These four put an action into the outbox; call them in the transaction of queue_done, before
-- it. The key of the action follows from the operation of the delivery, so a bot that answers twice asks once.

-- A vote with the weight -10000 to 10000, for 100 %. A delivery can vote once for each comment.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE vote(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_voter VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_author VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_permlink VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, IN p_weight INT)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_name VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	-- MariaDB's JSON_OBJECT() quotes a number that is a parameter.
	DECLARE v_object LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
		DEFAULT JSON_OBJECT('voter', p_voter, 'author', p_author, 'permlink', p_permlink);
	CALL outbox_name_delivery('vote', p_delivery, p_token, p_voter, v_name);
	CALL outbox_put_action('vote', p_voter,
		CONCAT('vote-', v_name, '-', LEFT(SHA2(CONCAT_WS('/', p_author, p_permlink), 256), 16)),
		CONCAT('[["vote",', LEFT(v_object, CHAR_LENGTH(v_object) - 1), ', "weight": ', COALESCE(p_weight, 'null'),
			'}]]'), p_delivery);
END //

-- A transfer of an amount such as '1.000 STEEM'. A delivery can pay each receiver once.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE transfer(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_from VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_to VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_amount VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_memo MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_name VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	CALL outbox_name_delivery('transfer', p_delivery, p_token, p_from, v_name);
	CALL outbox_put_action('transfer', p_from,
		CONCAT('transfer-', v_name, '-', LEFT(SHA2(COALESCE(p_to, ''), 256), 16)),
		CONCAT('[["transfer",', JSON_OBJECT('from', p_from, 'to', p_to, 'amount', p_amount,
			'memo', COALESCE(p_memo, '')), ']]'), p_delivery);
END //

-- A custom_json with the posting authority of the account. A delivery can send each id once.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE custom_json(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_id VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_json MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_name VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	CALL outbox_name_delivery('custom_json', p_delivery, p_token, p_account, v_name);
	CALL outbox_put_action('custom_json', p_account,
		CONCAT('custom_json-', v_name, '-', LEFT(SHA2(COALESCE(p_id, ''), 256), 16)),
		CONCAT('[["custom_json",', JSON_OBJECT('required_auths', JSON_ARRAY(), 'required_posting_auths',
			JSON_ARRAY(p_account), 'id', p_id, 'json', p_json), ']]'), p_delivery);
END //

-- Any operations, in one transaction: a JSON array of 1 to 20 pairs, [["vote", {...}], ...]. A delivery can do
-- this once for each account.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE act(IN p_delivery BIGINT UNSIGNED,
		IN p_token VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin,
		IN p_account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_operations LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_name VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	CALL outbox_name_delivery('act', p_delivery, p_token, p_account, v_name);
	CALL outbox_put_action('act', p_account, CONCAT('act-', v_name), p_operations, p_delivery);
END //

-- Commits nothing. The same without a delivery. Choose a key that a second run produces again; a second call
-- with the same account and key changes nothing.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE outbox_act(
		IN p_account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_key VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_operations LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	CALL queue_need_utf8mb4();
	CALL queue_allow(NULL, COALESCE(p_account, ''));
	CALL outbox_put_action('outbox_act', p_account, p_key, p_operations, NULL);
END //

-- Commits nothing. The options of a comment that waits in the outbox, which are sent in its transaction: a JSON
-- object with members of comment_options, without author and permlink; NULL: none. Call it in the transaction
-- that makes the comment.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE outbox_options(
		IN p_author VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_permlink VARCHAR(1024) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_options LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_text VARCHAR(256) CHARACTER SET utf8mb4;
	DECLARE v_members, v_member LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
	DECLARE v_at, v_count INT DEFAULT 0;
	DECLARE v_comment BIGINT UNSIGNED;
	DECLARE v_state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_good TINYINT;
	CALL queue_need_utf8mb4();
	CALL queue_allow(NULL, COALESCE(p_author, ''));
	CALL outbox_is_text(p_options, v_good);
	IF p_options IS NOT NULL AND (NOT JSON_VALID(p_options) OR JSON_TYPE(p_options) <> 'OBJECT') THEN
		SET v_text = 'the options are no JSON object';
	ELSEIF NOT v_good OR LENGTH(p_options) > 8192 THEN
		SET v_text = 'the options have more than 8192 bytes, or a control character';
	ELSEIF p_options IS NOT NULL THEN
		SET v_members = JSON_KEYS(p_options), v_count = JSON_LENGTH(p_options);
	END IF;
	WHILE v_text IS NULL AND v_at < v_count DO
		SET v_member = JSON_UNQUOTE(JSON_EXTRACT(v_members, CONCAT('$[', v_at, ']')));
		IF COALESCE(v_member, '') NOT IN ('max_accepted_payout', 'percent_steem_dollars', 'allow_votes',
				'allow_curation_rewards', 'extensions') THEN
			SET v_text = 'the options have another member than comment_options has';
		ELSE
			CALL outbox_check_member('comment_options', v_member,
				JSON_EXTRACT(p_options, CONCAT('$.', v_member)), v_text);
			IF v_member = 'max_accepted_payout' AND v_text IS NULL
					AND JSON_UNQUOTE(JSON_EXTRACT(p_options, '$.max_accepted_payout')) NOT REGEXP ' (SBD|TBD)$' THEN
				SET v_text = 'max_accepted_payout is an amount of SBD';
			END IF;
		END IF;
		SET v_at = v_at + 1;
	END WHILE;
	IF v_text IS NOT NULL THEN
		CALL outbox_refuse('outbox_options', v_text);
	END IF;
	SELECT comment_id, state INTO v_comment, v_state FROM comments
	WHERE author = CONVERT(p_author USING ascii) COLLATE ascii_bin AND permlink = p_permlink FOR UPDATE;
	IF v_comment IS NULL THEN
		ROLLBACK;
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31002, MESSAGE_TEXT = 'no such comment';
	END IF;
	-- Without a transaction of the caller's the lock is gone by now.
	UPDATE comments SET options = p_options WHERE comment_id = v_comment AND state IN ('pending', 'held');
	SELECT state INTO v_state FROM comments WHERE comment_id = v_comment;
	IF v_state NOT IN ('pending', 'held') THEN
		ROLLBACK;
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31001, MESSAGE_TEXT =
			'the comment is not pending any more: its options cannot be changed';
	END IF;
END //

-- Internal: the account and the state of a row of the outbox. It is locked if the caller is in a transaction; else
-- each statement commits by itself, and the state may have changed by the next one. p_kind: 'comment' or 'action'.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_lock_row(IN p_who VARCHAR(32) CHARACTER SET utf8mb4,
		IN p_kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin, IN p_id BIGINT UNSIGNED,
		OUT r_account VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin,
		OUT r_state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	IF COALESCE(p_kind, '') NOT IN ('comment', 'action') THEN
		CALL outbox_refuse(p_who, 'the kind is ''comment'' or ''action''');
	END IF;
	IF p_kind = 'comment' THEN
		SELECT author, state INTO r_account, r_state FROM comments WHERE comment_id = p_id FOR UPDATE;
	ELSE
		SELECT account, state INTO r_account, r_state FROM actions WHERE action_id = p_id FOR UPDATE;
	END IF;
	IF r_account IS NULL THEN
		ROLLBACK;
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31002, MESSAGE_TEXT = 'no such row of the outbox';
	END IF;
END //

-- Commits nothing. Withdraws a comment or an action that was not signed yet, or that is held: it has failed.
-- 31001: it is on its way to the chain, or has ended.
CREATE /*M! OR REPLACE */ DEFINER = 'steem_queue'@'localhost' PROCEDURE outbox_cancel(
		IN p_kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin, IN p_id BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY DEFINER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_account, v_state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin;
	CALL outbox_lock_row('outbox_cancel', p_kind, p_id, v_account, v_state);
	CALL queue_allow(NULL, v_account);
	IF p_kind = 'comment' THEN
		UPDATE comments SET state = 'failed', error = 'cancelled'
		WHERE comment_id = p_id AND state IN ('pending', 'held');
	ELSE
		UPDATE actions SET state = 'failed', error = 'cancelled'
		WHERE action_id = p_id AND state IN ('pending', 'held');
	END IF;
	IF ROW_COUNT() = 0 THEN
		ROLLBACK;
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31001, MESSAGE_TEXT =
			'it is neither pending nor held: it may be on the chain, or has ended';
	END IF;
END //

-- Commits nothing. For the operator: try a failed or held row again, from the beginning. 31001: it is neither, or a
-- transaction that carries it may still get into a block.
CREATE /*M! OR REPLACE */ PROCEDURE outbox_requeue(
		IN p_kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin, IN p_id BIGINT UNSIGNED)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_account, v_state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin;
	DECLARE v_open INT UNSIGNED;
	CALL outbox_lock_row('outbox_requeue', p_kind, p_id, v_account, v_state);
	IF p_kind = 'comment' THEN
		SELECT COUNT(*) INTO v_open FROM signed_trxs WHERE comment_id = p_id AND outcome IS NULL;
	ELSE
		SELECT COUNT(*) INTO v_open FROM signed_trxs WHERE action_id = p_id AND outcome IS NULL;
	END IF;
	IF p_kind = 'comment' THEN
		UPDATE comments SET state = 'pending', attempts = 0, not_before = NULL, error = NULL
		WHERE comment_id = p_id AND state IN ('failed', 'held') AND v_open = 0;
	ELSE
		UPDATE actions SET state = 'pending', attempts = 0, not_before = NULL, error = NULL
		WHERE action_id = p_id AND state IN ('failed', 'held') AND v_open = 0;
	END IF;
	IF ROW_COUNT() = 0 THEN
		ROLLBACK;
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31001, MESSAGE_TEXT =
			'it is neither failed nor held, or a transaction with it may still get into a block';
	END IF;
END //

-- Commits nothing. For the operator: until sender_resume, nothing is signed for the account. What was signed before
-- is still sent, because it may be on the chain already.
CREATE /*M! OR REPLACE */ PROCEDURE sender_pause(
		IN p_account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
		IN p_reason LONGTEXT CHARACTER SET utf8mb4)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_good TINYINT;
	CALL outbox_is_account(p_account, v_good);
	IF NOT v_good THEN
		CALL outbox_refuse('sender_pause', 'the account is no account name');
	END IF;
	INSERT INTO senders (account, paused_at, pause_reason)
	VALUES (p_account, UTC_TIMESTAMP(6), LEFT(p_reason, 1000))
	ON DUPLICATE KEY UPDATE paused_at = COALESCE(paused_at, VALUES(paused_at)),
		pause_reason = COALESCE(VALUES(pause_reason), pause_reason);
END //

CREATE /*M! OR REPLACE */ PROCEDURE sender_resume(
		IN p_account VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin)
	MODIFIES SQL DATA SQL SECURITY INVOKER COMMENT '@fingerprint@'
BEGIN
	DECLARE v_found INT UNSIGNED;
	SELECT COUNT(*) INTO v_found FROM senders WHERE account = CONVERT(p_account USING ascii) COLLATE ascii_bin;
	IF v_found = 0 THEN
		ROLLBACK;
		SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31002, MESSAGE_TEXT = 'no poster has sent for this account';
	END IF;
	UPDATE senders SET paused_at = NULL, pause_reason = NULL, rests_until = NULL, rest_s = 0
	WHERE account = CONVERT(p_account USING ascii) COLLATE ascii_bin;
END //

DELIMITER ;
