-- SPDX-License-Identifier: MIT
UPDATE filters SET is_active = NULL WHERE is_active = 1 AND id <> ?;
