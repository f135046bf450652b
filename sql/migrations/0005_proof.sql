-- SPDX-License-Identifier: MIT
-- What was proved of each block before it was stored.

ALTER TABLE blocks ADD COLUMN proof ENUM('none', 'content', 'signed') NOT NULL DEFAULT 'none'
	COMMENT 'none: it is what nodes said; content: its operations are those that block_id stands for';
