-- SPDX-License-Identifier: MIT
DELETE o FROM blocks b STRAIGHT_JOIN blockchain o ON o.block = b.block WHERE b.block >= ?;
