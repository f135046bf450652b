-- SPDX-License-Identifier: MIT
CALL reply(?, ?, ?, ?, ?, ?);
