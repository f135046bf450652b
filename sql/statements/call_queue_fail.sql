-- SPDX-License-Identifier: MIT
CALL queue_fail(?, ?, ?);
