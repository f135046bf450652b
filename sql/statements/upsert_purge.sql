-- SPDX-License-Identifier: MIT
-- From now on the operations of these blocks need not be there.
INSERT INTO purges (before_block, started_at) VALUES (?, UTC_TIMESTAMP(6))
ON DUPLICATE KEY UPDATE started_at = UTC_TIMESTAMP(6), finished_at = NULL;
