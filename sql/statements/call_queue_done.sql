-- SPDX-License-Identifier: MIT
CALL queue_done(?, ?);
