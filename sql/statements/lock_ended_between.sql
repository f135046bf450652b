-- SPDX-License-Identifier: MIT
SELECT delivery_id FROM deliveries_ended WHERE delivery_id BETWEEN ? AND ? ORDER BY delivery_id LIMIT ?
FOR UPDATE SKIP LOCKED;
