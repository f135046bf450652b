-- SPDX-License-Identifier: MIT
-- A duplicate key says that it is there.
INSERT INTO queues (queue, created_at) VALUES (?, UTC_TIMESTAMP(6));
