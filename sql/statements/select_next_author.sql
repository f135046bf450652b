-- SPDX-License-Identifier: MIT
-- The author behind one: a single look into the index, however many comments stand between them.
SELECT author FROM comments WHERE author > ? ORDER BY author LIMIT 1;
