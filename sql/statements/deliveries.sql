-- SPDX-License-Identifier: MIT

-- name: call_queue_claim
CALL queue_claim(?, ?, ?, ?);

-- name: call_queue_renew
CALL queue_renew(?, ?, ?);

-- name: call_reply
CALL reply(?, ?, ?, ?, ?, ?);

-- name: call_act
CALL act(?, ?, ?, ?);

-- name: call_queue_done
CALL queue_done(?, ?);

-- name: call_queue_retry
CALL queue_retry(?, ?, ?, ?);

-- name: call_queue_fail
CALL queue_fail(?, ?, ?);

-- name: call_queue_release
CALL queue_release(?, ?, ?);
