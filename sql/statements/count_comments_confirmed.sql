-- SPDX-License-Identifier: MIT
SELECT COUNT(*) AS comments FROM comments
WHERE comment_id > ? AND comment_id <= ? AND state = 'confirmed' AND block > ?;
