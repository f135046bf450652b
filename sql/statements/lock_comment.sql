-- SPDX-License-Identifier: MIT
-- A row that a bot holds is passed over, and tried again later.
SELECT comment_id FROM comments WHERE comment_id = ? FOR UPDATE SKIP LOCKED;
