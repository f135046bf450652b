-- SPDX-License-Identifier: MIT
-- They may have been published all the same, and must not be sent twice: they count as sent, until
-- outbox_expire() finds that the readers have read past this moment without seeing them.
UPDATE comments SET state = 'sent', error = CONCAT('confirmed by block ', block, ', which was taken back'),
	block = NULL, confirmed_at = NULL, sent_at = COALESCE(sent_at, UTC_TIMESTAMP(6)),
	not_before = GREATEST(COALESCE(not_before, UTC_TIMESTAMP(6)), UTC_TIMESTAMP(6))
WHERE comment_id > ? AND comment_id <= ? AND state = 'confirmed' AND block > ?;
