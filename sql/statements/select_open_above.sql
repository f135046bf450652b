-- SPDX-License-Identifier: MIT
-- The highest open deliveries down to one.
SELECT delivery_id FROM deliveries_open WHERE delivery_id >= ? ORDER BY delivery_id DESC LIMIT ?;
