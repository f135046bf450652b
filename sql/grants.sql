-- SPDX-License-Identifier: MIT
-- The rights of a reader, a consumer (bot) and a monitor, and no more.
--
-- Edit the four names, then run it as an administrator, after `steem-reader --migrate`:
--     mariadb < grants.sql
-- It can be run again. An account that it makes is locked, since it has no password yet and
-- may come from any host. Give it one, and open it:
--     ALTER USER 'steem_reader'@'%' IDENTIFIED BY '...' ACCOUNT UNLOCK;
-- An account that was there before keeps its password, and is not locked.
-- The views run with the rights of who asks, so a consumer and a monitor may also read
-- the tables behind them.

USE steem;
SET @reader = '''steem_reader''@''%''';
SET @consumer = '''steem_consumer''@''%''';
SET @monitor = '''steem_monitor''@''%''';

SET @s = CONCAT('CREATE USER IF NOT EXISTS ', @reader, ', ', @consumer, ', ', @monitor,
	' ACCOUNT LOCK');
PREPARE s FROM @s; EXECUTE s;

-- The reader: never deletes a block, never changes an operation, never changes a table.
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
SET @s = CONCAT('GRANT SELECT ON schema_version TO ', @reader, ', ', @consumer, ', ', @monitor);
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
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE ON purges TO ', @reader);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON gaps TO ', @reader, ', ', @consumer, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON reader_status TO ', @reader, ', ', @consumer, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;

SET @s = CONCAT('GRANT SELECT ON queue_status TO ', @reader, ', ', @consumer, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON outbox_status TO ', @reader, ', ', @consumer, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;

-- The consumer changes what is in its queues and in the outbox, through the procedures.
SET @s = CONCAT('GRANT EXECUTE ON * TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, UPDATE ON queues TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON deliveries_open TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE, DELETE ON deliveries_ended TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT, INSERT, UPDATE ON comments TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON comments_seen TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON deliveries TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;

-- The monitor sees how they are, and both what they come from; only the consumer sees operations.
SET @s = CONCAT('GRANT SELECT ON queues TO ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON deliveries_open TO ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON deliveries_ended TO ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON comments TO ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON blockchain TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON orphans TO ', @consumer);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON blocks TO ', @consumer, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON ranges TO ', @consumer, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON known_gaps TO ', @consumer, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON gap_claims TO ', @consumer, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON readers TO ', @consumer, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT SELECT ON bookkeeping TO ', @consumer, ', ', @monitor);
PREPARE s FROM @s; EXECUTE s;
DEALLOCATE PREPARE s;
