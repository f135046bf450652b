-- SPDX-License-Identifier: MIT
DELETE FROM deliveries_ended WHERE delivery_id BETWEEN ? AND ? ORDER BY delivery_id LIMIT ?;
