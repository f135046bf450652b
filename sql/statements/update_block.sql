-- SPDX-License-Identifier: MIT
-- A stored block becomes what the reader holds: confirmed, written again, or replaced. The
-- row must still be what the reader saw (id and time of writing): of two readers one does it.
UPDATE blocks SET block_id = ?, previous = ?, timestamp = ?, operations = ?, stored_operations = ?,
	virtual_operations = ?, stored_virtual_operations = ?, virtual_state = ?, proof = ?, is_irreversible = 1,
	is_delivered = ?, filter_id = ?, reader_id = ?, committed_at = UTC_TIMESTAMP(6)
WHERE block = ? AND block_id = ? AND committed_at = ?;
