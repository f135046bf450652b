-- SPDX-License-Identifier: MIT
-- The next queue, by name, of which deliveries have ended.
SELECT queue FROM deliveries_ended WHERE queue > ? ORDER BY queue LIMIT 1;
