-- SPDX-License-Identifier: MIT
-- The keys with which witnesses sign blocks. The key of a witness at block N is the row with the highest
-- since_block below N.

CREATE TABLE IF NOT EXISTS witness_keys (
	witness VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	since_block INT UNSIGNED NOT NULL COMMENT 'the key is that of the blocks above this one',
	signing_key VARCHAR(63) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	source ENUM('chain', 'nodes') NOT NULL
		COMMENT 'chain: an operation of since_block set it; nodes: more than half of the nodes said so',
	learnt_at DATETIME(6) NOT NULL,
	PRIMARY KEY (witness, since_block),
	KEY witness_keys_since (since_block)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE bookkeeping ADD COLUMN keys_from INT UNSIGNED NOT NULL DEFAULT 0
	COMMENT 'all stored blocks above this one were looked through for changes of keys';

-- An older program did not look.
UPDATE bookkeeping SET keys_from = (SELECT COALESCE(MAX(block), 0) FROM blocks);
