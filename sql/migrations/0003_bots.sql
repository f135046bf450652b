-- SPDX-License-Identifier: MIT
-- Which account of the database may do what through the procedures of the queue. sql/bot.sql adds rows.

-- A row allows the account to take and end deliveries of the queue, and to write and publish comments of
-- the author. Each name stands for itself; '*' stands for all.
CREATE TABLE IF NOT EXISTS bots (
	account VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
		COMMENT 'the name that it connects with, without the host',
	queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	author VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	PRIMARY KEY (account, queue, author)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The administrator who makes the tables may use all procedures.
INSERT INTO bots (account, queue, author)
VALUES (LEFT(USER(), CHAR_LENGTH(USER()) - CHAR_LENGTH(SUBSTRING_INDEX(USER(), '@', -1)) - 1), '*', '*')
ON DUPLICATE KEY UPDATE queue = '*';

-- Before there was this table, who might write into `comments` might do all this without being asked, with
-- rights of its own: it still may, so that no bot stands still after an upgrade.
INSERT INTO bots (account, queue, author)
SELECT DISTINCT SUBSTRING(g.grantee, 2,
	CHAR_LENGTH(g.grantee) - CHAR_LENGTH(SUBSTRING_INDEX(g.grantee, '''@''', -1)) - 4), '*', '*'
FROM (
	SELECT CONVERT(t.grantee USING utf8mb4) COLLATE utf8mb4_bin AS grantee
	FROM information_schema.table_privileges t
	WHERE t.table_schema = DATABASE() AND t.table_name = 'comments' AND t.privilege_type = 'INSERT'
	UNION ALL
	SELECT CONVERT(d.grantee USING utf8mb4) COLLATE utf8mb4_bin
	FROM information_schema.schema_privileges d
	WHERE DATABASE() LIKE d.table_schema AND d.privilege_type = 'INSERT'
	UNION ALL
	SELECT CONVERT(u.grantee USING utf8mb4) COLLATE utf8mb4_bin
	FROM information_schema.user_privileges u WHERE u.privilege_type = 'INSERT'
) g
WHERE g.grantee NOT IN ('''steem_queue''@''localhost''') AND g.grantee NOT LIKE '''''@%'
	AND g.grantee NOT LIKE '%@'''''
ON DUPLICATE KEY UPDATE queue = '*';
