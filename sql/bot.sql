-- SPDX-License-Identifier: MIT
-- The account of one bot. With the procedures it may claim and end deliveries of one queue, and write and
-- publish comments of one author. It may do nothing else, and has no right on any table.
--
-- Edit the four names, then run it as an administrator, after `steem-reader --migrate`:
--     mariadb < bot.sql
-- Run it again with another queue or author, and the account may use that too; '*' stands for all. To
-- undo this: DELETE FROM bots WHERE account = '...' AND queue = '...'
--
-- A new account is locked, and has a password that nobody knows. Give it a password, and open it:
--     ALTER USER 'ask_bot'@'%' IDENTIFIED BY '...' ACCOUNT UNLOCK;
-- An account that already exists keeps its password, and is not locked.
-- The row in `bots` names the account without its host: accounts with the same name are one bot.
-- Never give the account CREATE TEMPORARY TABLES on this database: doc/consumers.md, "Accounts", says why.

USE steem;
SET @account = '''ask_bot''@''%''';
SET @queue = 'ask';
SET @author = 'ask-bot';

SET @s = CONCAT('CREATE USER IF NOT EXISTS ', @account, ' IDENTIFIED BY ''!Q-z_W+x.E:c7',
	LEFT(SHA2(CONCAT(UUID(), RAND()), 256), 32), UPPER(LEFT(SHA2(CONCAT(RAND(), UUID()), 256), 32)),
	''' ACCOUNT LOCK');
PREPARE s FROM @s; EXECUTE s;
SET @s = CONCAT('GRANT EXECUTE ON * TO ', @account);
PREPARE s FROM @s; EXECUTE s;
DEALLOCATE PREPARE s;
INSERT INTO bots (account, queue, author)
VALUES (TRIM(BOTH '''' FROM LEFT(@account, CHAR_LENGTH(@account) - CHAR_LENGTH(SUBSTRING_INDEX(@account, '@', -1))
	- 1)), @queue, @author)
ON DUPLICATE KEY UPDATE queue = VALUES(queue);
