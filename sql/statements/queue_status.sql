-- SPDX-License-Identifier: MIT

-- name: select_queues
SELECT queue, order_by, paused_at IS NOT NULL AS paused FROM queues ORDER BY queue LIMIT ?;

-- name: select_queue_counts
-- The row of the view queue_status for one queue, read only from its parts of the indexes, not from the
-- whole table.
SELECT
	(SELECT COUNT(*) FROM deliveries_open
		WHERE queue = ? AND available_at <= UTC_TIMESTAMP(6)) AS ready,
	(SELECT COUNT(*) FROM deliveries_open
		WHERE queue = ? AND available_at > UTC_TIMESTAMP(6)) AS waiting_or_claimed,
	(SELECT COUNT(*) FROM deliveries_open
		WHERE queue = ? AND available_at > UTC_TIMESTAMP(6) AND token IS NOT NULL) AS claimed,
	(SELECT COUNT(*) FROM deliveries_ended WHERE queue = ? AND state = 'failed') AS failed,
	(SELECT GREATEST(TIMESTAMPDIFF(SECOND, MIN(available_at), UTC_TIMESTAMP(6)), 0) FROM deliveries_open
		WHERE queue = ? AND available_at <= UTC_TIMESTAMP(6)) AS oldest_age_s,
	(SELECT COUNT(*) FROM deliveries_ended WHERE queue = ? AND state = 'done'
		AND finished_at > UTC_TIMESTAMP(6) - INTERVAL 60 SECOND
		AND finished_at <= UTC_TIMESTAMP(6) + INTERVAL 60 SECOND) AS done_in_a_minute;

-- name: select_outbox_status
-- If there are very many authors, those with the oldest comments.
SELECT author, pending, sent, confirmed, failed, oldest_age_s, held FROM outbox_status
ORDER BY COALESCE(oldest_age_s, 0) DESC, author LIMIT ?;
