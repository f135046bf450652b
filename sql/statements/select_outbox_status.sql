-- SPDX-License-Identifier: MIT
-- Of very many authors, those with the oldest comments.
SELECT author, pending, sent, confirmed, failed, oldest_age_s FROM outbox_status
ORDER BY COALESCE(oldest_age_s, 0) DESC, author LIMIT ?;
