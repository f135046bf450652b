-- SPDX-License-Identifier: MIT
-- What a poster needs: more than comments in the outbox, the transactions that it signed, and the accounts
-- that it sends for. doc/database.md explains the tables.

ALTER TABLE comments MODIFY COLUMN
	state ENUM('pending', 'sent', 'confirmed', 'failed', 'held') NOT NULL DEFAULT 'pending';
ALTER TABLE comments ADD COLUMN options MEDIUMTEXT NULL
	COMMENT 'comment_options of the same transaction, a JSON object without author and permlink';
ALTER TABLE comments ADD COLUMN not_after DATETIME(6) NULL COMMENT 'not to be signed later';
ALTER TABLE comments ADD COLUMN priority INT NOT NULL DEFAULT 0 COMMENT 'higher ones are sent first';
ALTER TABLE comments ADD KEY comments_next (author, state, priority DESC, comment_id);

-- An older reader that still runs does not look: a poster must not take its blocks for proof.
ALTER TABLE blocks ADD COLUMN is_searched TINYINT UNSIGNED NOT NULL DEFAULT 0
	COMMENT '1: the commit that made it irreversible looked for signed transactions in it';

-- The outbox for all that is no comment: the operations of one transaction.
CREATE TABLE IF NOT EXISTS actions (
	action_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT,
	account VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'that acts, and signs',
	action_key VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL
		COMMENT 'its name: the same action is asked for once',
	operations MEDIUMTEXT NOT NULL COMMENT 'a JSON array of 1 to 20 pairs: name, object',
	authority ENUM('posting', 'active') NOT NULL COMMENT 'that all the operations need',
	priority INT NOT NULL DEFAULT 0 COMMENT 'higher ones are sent first',
	not_before DATETIME(6) NULL COMMENT 'not to be signed earlier',
	not_after DATETIME(6) NULL COMMENT 'not to be signed later',
	state ENUM('pending', 'sent', 'confirmed', 'failed', 'held') NOT NULL DEFAULT 'pending',
	attempts INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'signatures',
	error VARCHAR(1000) NULL,
	trx_id CHAR(40) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'as sent, then as read from the chain',
	block INT UNSIGNED NULL COMMENT 'where a reader saw it',
	delivery_id BIGINT UNSIGNED NULL COMMENT 'the delivery that it answers',
	created_at DATETIME(6) NOT NULL,
	sent_at DATETIME(6) NULL,
	confirmed_at DATETIME(6) NULL,
	PRIMARY KEY (action_id),
	UNIQUE KEY actions_account_key (account, action_key),
	KEY actions_next (account, state, priority DESC, action_id),
	KEY actions_outbox (account, state, created_at) COMMENT 'all that outbox_status needs',
	KEY actions_state (state, not_before),
	KEY actions_delivery (delivery_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Every transaction that was ever signed. It is committed before it is sent, and never deleted before the row that
-- it carries.
CREATE TABLE IF NOT EXISTS signed_trxs (
	trx_id CHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	account VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	comment_id BIGINT UNSIGNED NULL COMMENT 'the row that it carries: this one, or',
	action_id BIGINT UNSIGNED NULL COMMENT 'that one',
	signed_trx MEDIUMTEXT NOT NULL COMMENT 'the JSON that is sent, byte for byte',
	ref_block INT UNSIGNED NOT NULL COMMENT 'its reference block: it can only be in a later one',
	expiration DATETIME NOT NULL COMMENT 'in block time',
	is_ambiguous TINYINT UNSIGNED NOT NULL DEFAULT 0 COMMENT '1: a send had no definite answer',
	sends INT UNSIGNED NOT NULL DEFAULT 0,
	last_sent_at DATETIME(6) NULL,
	last_node VARCHAR(255) NULL,
	answer VARCHAR(16) NULL COMMENT 'the class of the last definite answer',
	outcome ENUM('confirmed', 'expired') NULL COMMENT 'NULL: it may still get into a block',
	error VARCHAR(1000) NULL,
	created_at DATETIME(6) NOT NULL,
	PRIMARY KEY (trx_id),
	KEY signed_trxs_account (account, outcome, last_sent_at),
	KEY signed_trxs_outcome (outcome, expiration),
	KEY signed_trxs_comment (comment_id),
	KEY signed_trxs_action (action_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- One account that posters send for.
CREATE TABLE IF NOT EXISTS senders (
	account VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	token CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NULL COMMENT 'of the poster that holds the account',
	lease_until DATETIME(6) NULL,
	poster VARCHAR(64) NULL COMMENT 'who holds it, or held it last',
	next_reply_at DATETIME NULL COMMENT 'not before this block time; this and the next three',
	next_post_at DATETIME NULL,
	next_edit_at DATETIME NULL,
	next_vote_at DATETIME NULL,
	custom_at DATETIME NULL COMMENT 'the block time from which custom_count counts',
	custom_count INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'custom operations in one block interval',
	paused_at DATETIME(6) NULL COMMENT 'since then nothing is signed; NULL: it runs',
	pause_reason VARCHAR(1000) NULL,
	rests_until DATETIME(6) NULL COMMENT 'it waits for resources',
	rest_s INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'how long it waited last',
	day DATE NULL COMMENT 'the day that the next four count, by block time',
	count_today INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'transactions',
	steem_today BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'sent away, in 0.001 STEEM',
	sbd_today BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'in 0.001 SBD',
	vests_today BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'in 0.000001 VESTS',
	PRIMARY KEY (account)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- A signed transaction that a reader saw in an irreversible block. Written with the block, so no lock on the
-- outbox holds up a reader. Applied to the rows within seconds, and removed.
CREATE TABLE IF NOT EXISTS trxs_seen (
	trx_id CHAR(40) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
	block INT UNSIGNED NOT NULL,
	seen_at DATETIME(6) NOT NULL,
	PRIMARY KEY (trx_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
