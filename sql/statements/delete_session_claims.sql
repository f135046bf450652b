-- SPDX-License-Identifier: MIT
DELETE FROM gap_claims WHERE reader = ? AND session = ?;
