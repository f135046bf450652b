-- SPDX-License-Identifier: MIT
-- When a key was last seen to sign: keys that signed lately make the word of nodes about keys unnecessary.

ALTER TABLE witness_keys ADD COLUMN last_signed INT UNSIGNED NULL
	COMMENT 'a block that this key signed, at most about a day older than the newest; NULL: none was seen';

ALTER TABLE witness_keys ADD KEY witness_keys_signed (last_signed);

-- Such a row was made for a block that the key signed.
UPDATE witness_keys SET last_signed = since_block + 1 WHERE source = 'nodes' AND last_signed IS NULL;
