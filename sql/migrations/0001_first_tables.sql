-- SPDX-License-Identifier: MIT
-- The first tables of steem-reader, for MariaDB 10.6 and MySQL 8.0 and newer.
-- Every statement can be run again. All times are UTC, by the database's clock.

CREATE TABLE IF NOT EXISTS schema_version (
	version INT UNSIGNED NOT NULL,
	name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	program_version VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	applied_at DATETIME(6) NOT NULL,
	PRIMARY KEY (version)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One committed block. This row alone says that a block is done.
CREATE TABLE IF NOT EXISTS blocks (
	block INT UNSIGNED NOT NULL,
	block_id BINARY(20) NOT NULL,
	previous BINARY(20) NOT NULL,
	timestamp DATETIME NOT NULL COMMENT 'of the block header',
	operations INT UNSIGNED NOT NULL COMMENT 'real ones in the block',
	stored_operations INT UNSIGNED NOT NULL COMMENT 'of them, after the filter',
	virtual_operations INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'virtual ones in the block',
	stored_virtual_operations INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'of them, after the filter',
	virtual_state ENUM('none', 'unverified', 'complete') NOT NULL DEFAULT 'none'
		COMMENT 'none: not asked for; unverified: the list may have been cut',
	is_irreversible TINYINT UNSIGNED NOT NULL DEFAULT 1
		COMMENT '0: read at the head, and not confirmed yet',
	filter_id INT UNSIGNED NOT NULL,
	reader_id INT UNSIGNED NOT NULL,
	committed_at DATETIME(6) NOT NULL COMMENT 'when this row was last written',
	PRIMARY KEY (block),
	KEY blocks_irreversible (is_irreversible, block) COMMENT 'what a scan reads: small, and all it needs'
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One stored operation. The primary key is the unique key of the whole system.
CREATE TABLE IF NOT EXISTS blockchain (
	block INT UNSIGNED NOT NULL,
	trx_in_block INT UNSIGNED NOT NULL,
	op_in_trx INT UNSIGNED NOT NULL,
	virtual_op INT UNSIGNED NOT NULL COMMENT '0: a real operation',
	trx_id CHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL,
	timestamp DATETIME NOT NULL COMMENT 'of the block header',
	operation VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	account VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
	payload MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	PRIMARY KEY (block, trx_in_block, op_in_trx, virtual_op)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One operation that stood in blockchain and is not part of the chain: its block was read at
-- the head, or from a lying node, and another block took its number.
CREATE TABLE IF NOT EXISTS orphans (
	block INT UNSIGNED NOT NULL,
	block_id BINARY(20) NOT NULL COMMENT 'of the block that is gone',
	trx_in_block INT UNSIGNED NOT NULL,
	op_in_trx INT UNSIGNED NOT NULL,
	virtual_op INT UNSIGNED NOT NULL,
	trx_id CHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL
		COMMENT 'may stand in another block of the chain now',
	timestamp DATETIME NOT NULL,
	operation VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	account VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NULL,
	payload MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
	replaced_by BINARY(20) NOT NULL COMMENT 'the block id that stands in blocks instead',
	reader_id INT UNSIGNED NOT NULL COMMENT 'who replaced it',
	orphaned_at DATETIME(6) NOT NULL,
	PRIMARY KEY (block, block_id, trx_in_block, op_in_trx, virtual_op),
	KEY orphans_orphaned_at (orphaned_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One wanted range. The generated column makes a second open range a duplicate key.
CREATE TABLE IF NOT EXISTS ranges (
	first_block INT UNSIGNED NOT NULL,
	last_block INT UNSIGNED NULL COMMENT 'NULL: open',
	scanned_to INT UNSIGNED NULL
		COMMENT 'of the open range: its holes up to here stand in known_gaps',
	is_open TINYINT GENERATED ALWAYS AS (CASE WHEN last_block IS NULL THEN 1 ELSE NULL END) STORED,
	PRIMARY KEY (first_block),
	UNIQUE KEY ranges_one_open (is_open)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One hole that a scan found and that is not filled yet. Rows never overlap.
CREATE TABLE IF NOT EXISTS known_gaps (
	first_block INT UNSIGNED NOT NULL,
	last_block INT UNSIGNED NOT NULL,
	reason VARCHAR(255) NULL COMMENT 'why it could not be filled',
	attempts INT UNSIGNED NOT NULL DEFAULT 0,
	tried_at DATETIME(6) NULL,
	retry_at DATETIME(6) NULL,
	found_at DATETIME(6) NOT NULL,
	PRIMARY KEY (first_block)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One cell (1000 blocks) that one reader is replaying.
CREATE TABLE IF NOT EXISTS gap_claims (
	first_block INT UNSIGNED NOT NULL,
	reader VARCHAR(64) NOT NULL,
	session VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	claimed_at DATETIME(6) NOT NULL,
	expires_at DATETIME(6) NOT NULL,
	PRIMARY KEY (first_block)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS readers (
	id INT UNSIGNED NOT NULL AUTO_INCREMENT,
	name VARCHAR(64) NOT NULL,
	session VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	state VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	last_block INT UNSIGNED NOT NULL DEFAULT 0
		COMMENT 'highest of its commits, also where another reader was first; 0: none yet',
	head_block INT UNSIGNED NOT NULL DEFAULT 0,
	irreversible_block INT UNSIGNED NOT NULL DEFAULT 0,
	node VARCHAR(255) NULL,
	blocks_stored BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'this and the next: since started_at',
	operations_stored BIGINT UNSIGNED NOT NULL DEFAULT 0,
	blocks_lost BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'another reader was first',
	node_failures BIGINT UNSIGNED NOT NULL DEFAULT 0,
	commit_retries BIGINT UNSIGNED NOT NULL DEFAULT 0,
	version VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	started_at DATETIME(6) NOT NULL,
	heartbeat_at DATETIME(6) NOT NULL,
	PRIMARY KEY (id),
	UNIQUE KEY readers_name (name)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One set of filter rules. The unique key on is_active lets one row hold 1, the others NULL.
CREATE TABLE IF NOT EXISTS filters (
	id INT UNSIGNED NOT NULL AUTO_INCREMENT,
	rules MEDIUMTEXT NOT NULL,
	fingerprint CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'SHA-256 of rules',
	is_active TINYINT NULL,
	created_at DATETIME(6) NOT NULL,
	activated_at DATETIME(6) NULL,
	PRIMARY KEY (id),
	UNIQUE KEY filters_fingerprint (fingerprint),
	UNIQUE KEY filters_one_active (is_active)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row. Whoever changes ranges or known_gaps updates it first, so that such changes
-- happen one after another on every kind of server, also across Galera nodes.
CREATE TABLE IF NOT EXISTS bookkeeping (
	id TINYINT UNSIGNED NOT NULL,
	changes BIGINT UNSIGNED NOT NULL DEFAULT 0,
	irreversible_block INT UNSIGNED NOT NULL DEFAULT 0
		COMMENT 'the highest that a reader without a row any more had recorded',
	PRIMARY KEY (id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO bookkeeping (id) VALUES (1) ON DUPLICATE KEY UPDATE id = 1;
