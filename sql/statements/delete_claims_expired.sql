-- SPDX-License-Identifier: MIT
-- Claims of readers that died, whose blocks others have stored since; and claims written while the clock was ahead.
DELETE FROM gap_claims WHERE expires_at <= UTC_TIMESTAMP(6) - INTERVAL 10 MINUTE
	OR expires_at > UTC_TIMESTAMP(6) + INTERVAL 10 MINUTE;
