-- SPDX-License-Identifier: MIT
UPDATE gap_claims SET expires_at = UTC_TIMESTAMP(6) + INTERVAL 30 SECOND
WHERE reader = ? AND session = ?;
