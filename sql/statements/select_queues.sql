-- SPDX-License-Identifier: MIT
SELECT queue, order_by, paused_at IS NOT NULL AS paused FROM queues ORDER BY queue LIMIT ?;
