-- SPDX-License-Identifier: MIT
UPDATE filters SET is_active = 1, activated_at = UTC_TIMESTAMP(6) WHERE id = ?;
