-- SPDX-License-Identifier: MIT
-- The rights of a reader, a consumer, an operator, a monitor and a poster, and no more. The consumer may use every
-- queue and every author, so all bots that share it may do the same. To restrict a bot, give it an
-- account of its own with bot.sql, which is in the same folder.
--
-- Edit the six names, then run it as an administrator, after `steem-reader --migrate`:
--     mariadb < grants.sql
-- It can be run again. A new account is locked, because it may come from any host, and has a password that
-- nobody knows. Give it a password, and open it:
--     ALTER USER 'steem_reader'@'%' IDENTIFIED BY '...' ACCOUNT UNLOCK;
-- An account that already exists keeps its password, and is not locked.
-- The views run with the rights of the account that reads them, so each role may also read the tables behind
-- its views.
-- An account that may only read can still lock rows (SELECT ... LOCK IN SHARE MODE; in MariaDB also FOR
-- UPDATE), and keep them locked in an idle transaction. Set idle_readonly_transaction_timeout on the
-- server (MySQL: wait_timeout), as doc/operations.md says ("Sessions that hold locks"); otherwise a
-- forgotten monitor can hold up all readers.

USE steem;
SET @reader = '''steem_reader''@''%''';
SET @consumer = '''steem_consumer''@''%''';
SET @operator = '''steem_operator''@''%''';
SET @monitor = '''steem_monitor''@''%''';
SET @poster = '''steem_poster''@''%''';

-- A random password that is also accepted by a server which requires letters, digits and other
-- characters.
SET @locked = CONCAT(' IDENTIFIED BY ''!Q-z_W+x.E:c7', LEFT(SHA2(CONCAT(UUID(), RAND()), 256), 32),
	UPPER(LEFT(SHA2(CONCAT(RAND(), UUID()), 256), 32)), ''' ACCOUNT LOCK');
SET @s = CONCAT('CREATE USER IF NOT EXISTS ', @reader, @locked);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('CREATE USER IF NOT EXISTS ', @consumer, @locked);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('CREATE USER IF NOT EXISTS ', @operator, @locked);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('CREATE USER IF NOT EXISTS ', @monitor, @locked);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('CREATE USER IF NOT EXISTS ', @poster, @locked);
PREPARE s FROM @s; EXECUTE s;
SET @locked = NULL, @s = NULL;

-- The reader: never deletes a block, never changes an operation, never changes a table. (--rewind, which
-- deletes false blocks, runs as an administrator.)
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE ON blocks TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, DELETE ON blockchain TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON orphans TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON ranges TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON known_gaps TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON gap_claims TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON readers TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE ON filters TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, UPDATE ON bookkeeping TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON witness_keys TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON schema_version TO ', @reader, ', ', @consumer, ', ', @operator, ', ', @monitor, ', ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT ON queues TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT ON delivered TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT ON deliveries_open TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, DELETE ON deliveries_ended TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, UPDATE ON comments TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON comments_seen TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, UPDATE ON actions TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, UPDATE ON signed_trxs TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON trxs_seen TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON senders TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE ON purges TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON gaps TO ', @reader, ', ', @consumer, ', ', @operator, ', ', @monitor, ', ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON reader_status TO ', @reader, ', ', @consumer, ', ', @operator, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;

SET @s = CONCAT('GRANT SELECT ON queue_status TO ', @reader, ', ', @consumer, ', ', @operator, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON outbox_status TO ', @reader, ', ', @consumer, ', ', @operator, ', ', @monitor, ', ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON sender_status TO ', @reader, ', ', @consumer, ', ', @operator, ', ', @monitor, ', ', @poster);
PREPARE s FROM @s; EXECUTE s;

-- The poster signs and sends what is in the outbox. It adds nothing to it, and removes nothing.
SET @s = CONCAT('GRANT SELECT, UPDATE ON comments TO ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, UPDATE ON actions TO ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE ON signed_trxs TO ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE ON senders TO ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON comments_seen TO ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON trxs_seen TO ', @poster);
PREPARE s FROM @s; EXECUTE s;

-- The consumer changes queues and the outbox only through the procedures, which check the table `bots`
-- and run as an account of their own (definer.sql).
SET @s = CONCAT('GRANT EXECUTE ON * TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
INSERT INTO bots (account, queue, author)
VALUES (TRIM(BOTH '''' FROM LEFT(@consumer,
	CHAR_LENGTH(@consumer) - CHAR_LENGTH(SUBSTRING_INDEX(@consumer, '@', -1)) - 1)), '*', '*')
ON DUPLICATE KEY UPDATE queue = VALUES(queue);

-- The operator pauses queues and accounts, changes their settings, and requeues what failed or was held.
SET @s = CONCAT('GRANT EXECUTE ON * TO ', @operator);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, UPDATE, DELETE ON queues TO ', @operator);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON deliveries_open TO ', @operator);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON deliveries_ended TO ', @operator);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, UPDATE ON comments TO ', @operator);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, UPDATE ON actions TO ', @operator);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE ON senders TO ', @operator);
PREPARE s FROM @s; EXECUTE s;

-- The consumer and the operator may read deliveries and the outbox.
SET @s = CONCAT('GRANT SELECT ON deliveries TO ', @consumer, ', ', @operator);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON queues TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON deliveries_open TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON deliveries_ended TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON comments TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON comments_seen TO ', @consumer, ', ', @operator);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON actions TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON signed_trxs TO ', @consumer, ', ', @operator);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON senders TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON trxs_seen TO ', @consumer, ', ', @operator);
PREPARE s FROM @s; EXECUTE s;

-- The monitor may read the state of queues and outbox, and the tables behind it, but no operations.
SET @s = CONCAT('GRANT SELECT ON queues TO ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON deliveries_open TO ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON deliveries_ended TO ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON comments TO ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON actions TO ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON signed_trxs TO ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON senders TO ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON blockchain TO ', @consumer, ', ', @operator);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON orphans TO ', @consumer, ', ', @operator);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON blocks TO ', @consumer, ', ', @operator, ', ', @monitor, ', ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON ranges TO ', @consumer, ', ', @operator, ', ', @monitor, ', ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON known_gaps TO ', @consumer, ', ', @operator, ', ', @monitor, ', ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON gap_claims TO ', @consumer, ', ', @operator, ', ', @monitor, ', ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON readers TO ', @consumer, ', ', @operator, ', ', @monitor, ', ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON bookkeeping TO ', @consumer, ', ', @operator, ', ', @monitor, ', ', @poster);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON witness_keys TO ', @consumer, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, DELETE ON witness_keys TO ', @operator);
PREPARE s FROM @s; EXECUTE s;
DEALLOCATE PREPARE s;
