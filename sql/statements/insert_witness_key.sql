-- SPDX-License-Identifier: MIT
-- What nodes say. A row that stands there stays as it is.
INSERT INTO witness_keys (witness, since_block, signing_key, source, learnt_at)
VALUES (?, ?, ?, 'nodes', UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE since_block = VALUES(since_block);
