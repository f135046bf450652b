-- SPDX-License-Identifier: MIT
-- The queue between readers and bots, and the outbox. doc/consumers.md tells how to use them.
-- Every statement can be run again: where a column or an index is there already, --migrate goes on.
-- All times are UTC, by the database's clock.

ALTER TABLE blocks ADD COLUMN is_delivered TINYINT UNSIGNED NOT NULL DEFAULT 1
	COMMENT '0: stored by a backfill without --deliver, so that no bot was woken';

-- One queue: a rule of the filter names it, and the first reader with that rule makes it.
CREATE TABLE IF NOT EXISTS queues (
	queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	order_by ENUM('arrival', 'account', 'chain') NOT NULL DEFAULT 'arrival'
		COMMENT 'account: one at a time of each account; chain: one at a time, none above a gap',
	max_attempts INT UNSIGNED NOT NULL DEFAULT 10,
	retry_s INT UNSIGNED NOT NULL DEFAULT 5 COMMENT 'wait before the second attempt; doubled each time',
	retry_max_s INT UNSIGNED NOT NULL DEFAULT 3600,
	paused_at DATETIME(6) NULL COMMENT 'since then nothing is handed out; NULL: it runs',
	scan_from DATETIME(6) NOT NULL DEFAULT '2000-01-01'
		COMMENT 'nothing was available before: a claim begins to look here',
	scanned_at DATETIME(6) NOT NULL DEFAULT '2000-01-01' COMMENT 'when scan_from was last worked out',
	created_at DATETIME(6) NOT NULL,
	PRIMARY KEY (queue)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The fact that an operation was put into a queue. Written with its block, never changed, and kept
-- when all else of it is gone: what stands here is never delivered again.
CREATE TABLE IF NOT EXISTS delivered (
	block INT UNSIGNED NOT NULL,
	trx_in_block INT UNSIGNED NOT NULL,
	op_in_trx INT UNSIGNED NOT NULL,
	virtual_op INT UNSIGNED NOT NULL,
	queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	block_crc INT UNSIGNED NOT NULL COMMENT 'CRC32 of the block id: another block may take its number',
	delivery_id BIGINT UNSIGNED NOT NULL COMMENT 'block * 2^20 + place among the deliveries of the block',
	PRIMARY KEY (block, trx_in_block, op_in_trx, virtual_op, queue, block_crc)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The deliveries that wait for a bot, or are with one: the table that claims poll. It stays small.
CREATE TABLE IF NOT EXISTS deliveries_open (
	delivery_id BIGINT UNSIGNED NOT NULL,
	queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	block INT UNSIGNED NOT NULL,
	trx_in_block INT UNSIGNED NOT NULL,
	op_in_trx INT UNSIGNED NOT NULL,
	virtual_op INT UNSIGNED NOT NULL,
	block_crc INT UNSIGNED NOT NULL,
	account VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
	attempts INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'claims so far',
	available_at DATETIME(6) NOT NULL COMMENT 'of a claimed one: when its lease runs out',
	token CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of the claim that holds it, or held it last',
	worker VARCHAR(64) NULL COMMENT 'who claimed it last',
	granted_by CHAR(8) CHARACTER SET ascii COLLATE ascii_bin NULL
		COMMENT 'the server by whose clock the lease runs out',
	last_error VARCHAR(1000) NULL,
	created_at DATETIME(6) NOT NULL,
	claimed_at DATETIME(6) NULL,
	PRIMARY KEY (delivery_id),
	KEY deliveries_open_available (queue, available_at, delivery_id),
	KEY deliveries_open_queue (queue, delivery_id),
	KEY deliveries_open_account (queue, account, delivery_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What became of the others, until queue.keep_days or --purge removes it.
CREATE TABLE IF NOT EXISTS deliveries_ended (
	delivery_id BIGINT UNSIGNED NOT NULL,
	queue VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	block INT UNSIGNED NOT NULL,
	trx_in_block INT UNSIGNED NOT NULL,
	op_in_trx INT UNSIGNED NOT NULL,
	virtual_op INT UNSIGNED NOT NULL,
	block_crc INT UNSIGNED NOT NULL,
	account VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
	state ENUM('done', 'failed', 'orphaned') NOT NULL,
	attempts INT UNSIGNED NOT NULL,
	token CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of the claim that ended it',
	worker VARCHAR(64) NULL,
	last_error VARCHAR(1000) NULL,
	created_at DATETIME(6) NOT NULL,
	claimed_at DATETIME(6) NULL,
	finished_at DATETIME(6) NOT NULL,
	PRIMARY KEY (delivery_id),
	KEY deliveries_ended_state (queue, state, finished_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- The outbox: one comment that is to be published. (author, permlink) is its name on the chain too.
CREATE TABLE IF NOT EXISTS comments (
	comment_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	author VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	permlink VARCHAR(256) NOT NULL,
	parent_author VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	parent_permlink VARCHAR(256) NOT NULL,
	title VARCHAR(256) NOT NULL DEFAULT '',
	body MEDIUMTEXT NOT NULL,
	json_metadata MEDIUMTEXT NOT NULL,
	state ENUM('pending', 'sent', 'confirmed', 'failed') NOT NULL DEFAULT 'pending',
	attempts INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'to send it',
	not_before DATETIME(6) NULL COMMENT 'not to be sent earlier',
	error VARCHAR(1000) NULL,
	trx_id CHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'as sent, then as read from the chain',
	block INT UNSIGNED NULL COMMENT 'where a reader saw it',
	delivery_id BIGINT UNSIGNED NULL COMMENT 'the delivery that it answers',
	created_at DATETIME(6) NOT NULL,
	sent_at DATETIME(6) NULL,
	confirmed_at DATETIME(6) NULL,
	PRIMARY KEY (comment_id),
	UNIQUE KEY comments_author_permlink (author, permlink),
	KEY comments_state (state, not_before),
	KEY comments_outbox (author, state, created_at) COMMENT 'all that outbox_status needs',
	KEY comments_delivery (delivery_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A comment of the outbox that a reader saw in an irreversible block. Written with the block: a bot that
-- holds a lock on the outbox holds up no reader. Applied to `comments` within seconds, and removed.
CREATE TABLE IF NOT EXISTS comments_seen (
	author VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	permlink VARCHAR(256) NOT NULL,
	block INT UNSIGNED NOT NULL,
	trx_id CHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL,
	seen_at DATETIME(6) NOT NULL,
	PRIMARY KEY (author, permlink)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- What --purge has removed: operations of blocks below before_block need not be there.
CREATE TABLE IF NOT EXISTS purges (
	before_block INT UNSIGNED NOT NULL,
	started_at DATETIME(6) NOT NULL,
	finished_at DATETIME(6) NULL,
	PRIMARY KEY (before_block)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
