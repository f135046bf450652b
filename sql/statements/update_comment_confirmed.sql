-- SPDX-License-Identifier: MIT
UPDATE comments SET state = 'confirmed', block = ?, trx_id = ?, confirmed_at = UTC_TIMESTAMP(6), error = NULL
WHERE comment_id = ? AND state <> 'confirmed';
