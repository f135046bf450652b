-- SPDX-License-Identifier: MIT
INSERT INTO gap_claims (first_block, reader, session, claimed_at, expires_at)
VALUES (?, ?, ?, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 30 SECOND);
