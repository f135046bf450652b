-- SPDX-License-Identifier: MIT
UPDATE readers SET last_block = LEAST(last_block, ?), head_block = LEAST(head_block, ?),
	irreversible_block = LEAST(irreversible_block, ?);
