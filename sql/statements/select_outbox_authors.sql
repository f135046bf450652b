-- SPDX-License-Identifier: MIT
-- The authors behind one, where there are many.
SELECT DISTINCT author FROM comments WHERE author > ? ORDER BY author;
