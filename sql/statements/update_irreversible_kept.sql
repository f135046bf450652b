-- SPDX-License-Identifier: MIT
-- A reader's row goes; what it knew of the chain stays, or a hole at the top would hide.
UPDATE bookkeeping SET changes = changes + 1, irreversible_block = GREATEST(irreversible_block,
	(SELECT COALESCE(MAX(r.irreversible_block), 0) FROM readers r WHERE r.name = ?))
WHERE id = 1;
