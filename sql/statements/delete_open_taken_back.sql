-- SPDX-License-Identifier: MIT
DELETE w FROM deliveries_open w STRAIGHT_JOIN deliveries_ended e ON e.delivery_id = w.delivery_id
WHERE w.delivery_id >= ?;
