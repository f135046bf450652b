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
