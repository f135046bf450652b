-- SPDX-License-Identifier: MIT
SELECT GREATEST((SELECT COALESCE(MAX(irreversible_block), 0) FROM readers),
	(SELECT COALESCE(MAX(irreversible_block), 0) FROM bookkeeping)) AS irreversible_block;
