-- SPDX-License-Identifier: MIT
DELETE FROM readers WHERE name = ? AND session = ?;
