-- SPDX-License-Identifier: MIT
SELECT first_block, last_block, missing, claimed_by, claim_expires_at, reason
FROM gaps ORDER BY first_block;
