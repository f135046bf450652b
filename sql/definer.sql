-- SPDX-License-Identifier: MIT
-- The account that runs the procedures for bots, with only the rights that they need. --migrate creates
-- it and grants missing rights. It is locked, so nobody can log in with it. Nobody knows its password; it
-- has one only because some servers require passwords.
SET @s = CONCAT('CREATE USER IF NOT EXISTS ''steem_queue''@''localhost'' IDENTIFIED BY ''!Q-z_W+x.E:c7',
	LEFT(SHA2(CONCAT(UUID(), RAND()), 256), 32), UPPER(LEFT(SHA2(CONCAT(RAND(), UUID()), 256), 32)),
	''' ACCOUNT LOCK');
PREPARE s FROM @s;
EXECUTE s;
DEALLOCATE PREPARE s;
SET @s = NULL;
GRANT EXECUTE ON * TO 'steem_queue'@'localhost';
GRANT SELECT ON bots TO 'steem_queue'@'localhost';
GRANT SELECT, UPDATE ON queues TO 'steem_queue'@'localhost';
GRANT SELECT, UPDATE, DELETE ON deliveries_open TO 'steem_queue'@'localhost';
GRANT SELECT, INSERT, UPDATE ON deliveries_ended TO 'steem_queue'@'localhost';
GRANT SELECT, INSERT, UPDATE ON comments TO 'steem_queue'@'localhost';
GRANT SELECT, INSERT, UPDATE ON actions TO 'steem_queue'@'localhost';
GRANT SELECT ON comments_seen TO 'steem_queue'@'localhost';
GRANT SELECT ON blockchain TO 'steem_queue'@'localhost';
GRANT SELECT ON blocks TO 'steem_queue'@'localhost';
GRANT SELECT ON ranges TO 'steem_queue'@'localhost';
GRANT SELECT ON known_gaps TO 'steem_queue'@'localhost';
GRANT SELECT ON gap_claims TO 'steem_queue'@'localhost';
GRANT SELECT ON readers TO 'steem_queue'@'localhost';
GRANT SELECT ON gaps TO 'steem_queue'@'localhost';
GRANT SELECT ON bookkeeping TO 'steem_queue'@'localhost';
