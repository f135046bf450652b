-- SPDX-License-Identifier: MIT

-- name: select_filter
SELECT id, is_active FROM filters WHERE fingerprint = SHA2(?, 256);

-- name: select_active_filter
SELECT id, rules FROM filters WHERE is_active = 1;

-- name: insert_filter
INSERT INTO filters (rules, fingerprint, created_at) VALUES (?, SHA2(?, 256), UTC_TIMESTAMP(6));

-- name: update_filter_active
UPDATE filters SET is_active = 1, activated_at = UTC_TIMESTAMP(6) WHERE id = ?;

-- name: select_queue
-- Does it exist? This never waits for a lock.
SELECT 1 FROM queues WHERE queue = ?;

-- name: insert_queue
-- A duplicate key means that it exists.
INSERT INTO queues (queue, created_at) VALUES (?, UTC_TIMESTAMP(6));

-- name: update_filters_inactive
UPDATE filters SET is_active = NULL WHERE is_active = 1 AND id <> ?;
