-- SPDX-License-Identifier: MIT
-- The last of some comments above one; 0: there is none.
SELECT COALESCE(MAX(c.comment_id), 0) AS comment_id
FROM (SELECT comment_id FROM comments WHERE comment_id > ? ORDER BY comment_id LIMIT 1000) c;
