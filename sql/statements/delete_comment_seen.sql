-- SPDX-License-Identifier: MIT
DELETE FROM comments_seen WHERE author = ? AND permlink = ?;
