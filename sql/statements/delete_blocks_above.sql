-- SPDX-License-Identifier: MIT
DELETE FROM blocks WHERE block >= ?;
