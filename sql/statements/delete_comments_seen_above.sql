-- SPDX-License-Identifier: MIT
DELETE FROM comments_seen WHERE block > ? ORDER BY author, permlink LIMIT ?;
