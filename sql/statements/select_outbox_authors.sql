-- SPDX-License-Identifier: MIT
-- Who has an outbox. The unique key gives each author once, whatever stands behind the name.
SELECT DISTINCT author FROM comments ORDER BY author;
