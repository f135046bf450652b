-- SPDX-License-Identifier: MIT
-- The tables and views of steem-reader, for MariaDB 10.6 and MySQL 8.0 and newer.
-- Every statement can be run again. All times are UTC, by the database's clock.

CREATE TABLE IF NOT EXISTS schema_version (
	version INT UNSIGNED NOT NULL,
	name VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	program_version VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	applied_at DATETIME(6) NOT NULL,
	PRIMARY KEY (version)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One wanted range. The generated column makes a second open range a duplicate key.
CREATE TABLE IF NOT EXISTS ranges (
	first_block INT UNSIGNED NOT NULL,
	last_block INT UNSIGNED NULL COMMENT 'NULL: open',
	scanned_to INT UNSIGNED NULL
		COMMENT 'of the open range: its holes up to here stand in known_gaps',
	is_open TINYINT GENERATED ALWAYS AS (CASE WHEN last_block IS NULL THEN 1 ELSE NULL END) STORED,
	PRIMARY KEY (first_block),
	UNIQUE KEY ranges_one_open (is_open)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One cell (1000 blocks) that one reader is replaying.
CREATE TABLE IF NOT EXISTS gap_claims (
	first_block INT UNSIGNED NOT NULL,
	reader VARCHAR(64) NOT NULL,
	session VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	claimed_at DATETIME(6) NOT NULL,
	expires_at DATETIME(6) NOT NULL,
	PRIMARY KEY (first_block)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One row. Whoever changes ranges or known_gaps updates it first, so that such changes
-- happen one after another on every kind of server, also across Galera nodes.
CREATE TABLE IF NOT EXISTS bookkeeping (
	id TINYINT UNSIGNED NOT NULL,
	changes BIGINT UNSIGNED NOT NULL DEFAULT 0,
	irreversible_block INT UNSIGNED NOT NULL DEFAULT 0
		COMMENT 'the highest that a reader without a row any more had recorded',
	PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

INSERT INTO bookkeeping (id) VALUES (1) ON DUPLICATE KEY UPDATE id = 1;

-- What is missing: known gaps, and what is neither stored nor a known gap above the point
-- that the last scan reached. Up there each stretch of stored blocks and each known gap is
-- a step up at its first block and a step down behind its last. All below that point, and all above the
-- highest irreversible block, known or stored, counts as covered; a block that is stored but not
-- confirmed as irreversible does not. Where the sum of the steps says
-- that nothing covers a block, a hole begins. Only blocks above scanned_to are read, and
-- the time is linear in their number. The views run with the rights of who
-- asks: a dump can be restored where the account that made them does not exist. (Claims are
-- joined, not asked for in subqueries: MariaDB fails to execute those a second time.)
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
	AND c.expires_at > UTC_TIMESTAMP(6)
GROUP BY g.first_block, g.last_block, g.reason;

-- How the readers are. irreversible_block is the highest that any reader recorded, and
-- lag_s is three seconds for each block of the lag: both hold although a reader that
-- stands still, or was never first, would give figures of its own. NULL: nothing read yet.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW reader_status AS
SELECT r.name, r.state,
	CASE WHEN r.state <> 'stopped' AND r.heartbeat_at > UTC_TIMESTAMP(6) - INTERVAL 30 SECOND
		THEN 1 ELSE 0 END AS alive,
	r.last_block,
	CAST(i.top AS UNSIGNED) AS irreversible_block,
	CAST(CASE WHEN r.last_block = 0 THEN NULL WHEN r.last_block >= i.top THEN 0
		ELSE i.top - r.last_block END AS UNSIGNED) AS lag_blocks,
	CAST(CASE WHEN r.last_block = 0 THEN NULL WHEN r.last_block >= i.top THEN 0
		ELSE (i.top - r.last_block) * 3 END AS UNSIGNED) AS lag_s,
	TIMESTAMPDIFF(MICROSECOND, r.heartbeat_at, UTC_TIMESTAMP(6)) / 1e6 AS heartbeat_age_s,
	r.node
FROM readers r JOIN (
	SELECT GREATEST((SELECT COALESCE(MAX(irreversible_block), 0) FROM readers),
		(SELECT COALESCE(MAX(irreversible_block), 0) FROM bookkeeping)) AS top
) i;
