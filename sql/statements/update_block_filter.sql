-- SPDX-License-Identifier: MIT
-- A block is fetched again under other filter rules; its operations are replaced with it.
UPDATE blocks SET stored_operations = ?, filter_id = ?, reader_id = ?,
	committed_at = UTC_TIMESTAMP(6)
WHERE block = ? AND block_id = ? AND filter_id <> ?;
