-- SPDX-License-Identifier: MIT
-- What each reader refused, or could not prove, since it was started.

ALTER TABLE readers ADD COLUMN false_blocks BIGINT UNSIGNED NOT NULL DEFAULT 0
	COMMENT 'refused: they contradict their own hashes; this and the next two: since started_at';
ALTER TABLE readers ADD COLUMN false_claims BIGINT UNSIGNED NOT NULL DEFAULT 0
	COMMENT 'of nodes, which most nodes, the stored chain or the clock deny';
ALTER TABLE readers ADD COLUMN unproved_blocks BIGINT UNSIGNED NOT NULL DEFAULT 0
	COMMENT 'stored, because most nodes give them alike';
