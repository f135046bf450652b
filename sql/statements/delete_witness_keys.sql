-- SPDX-License-Identifier: MIT
-- What a block set that another one takes the place of.
DELETE FROM witness_keys WHERE since_block = ? AND source = 'chain';
