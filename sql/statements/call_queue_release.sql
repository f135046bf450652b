-- SPDX-License-Identifier: MIT
CALL queue_release(?, ?, ?);
