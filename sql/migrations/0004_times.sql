-- SPDX-License-Identifier: MIT
-- When a time that lies ahead was set: where that lies ahead too, it was set by a clock that was ahead.

ALTER TABLE deliveries_open ADD COLUMN set_at DATETIME(6) NULL
	COMMENT 'when available_at was set; NULL: by an older program';
