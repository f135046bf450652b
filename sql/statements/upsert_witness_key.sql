-- SPDX-License-Identifier: MIT
-- What an operation says goes before what nodes said, and the last operation of a block before the others.
INSERT INTO witness_keys (witness, since_block, signing_key, source, learnt_at)
VALUES (?, ?, ?, 'chain', UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE signing_key = VALUES(signing_key), source = VALUES(source), learnt_at = VALUES(learnt_at);
