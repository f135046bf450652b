-- SPDX-License-Identifier: MIT
-- Is it there? Nobody is waited for.
SELECT 1 FROM queues WHERE queue = ?;
