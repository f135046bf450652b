-- SPDX-License-Identifier: MIT
-- Cells whose reader died and whose blocks others have stored since, and claims written by a clock that was ahead.
DELETE FROM gap_claims WHERE expires_at <= UTC_TIMESTAMP(6) - INTERVAL 10 MINUTE
	OR expires_at > UTC_TIMESTAMP(6) + INTERVAL 10 MINUTE;
