-- SPDX-License-Identifier: MIT
SELECT block FROM blocks WHERE block BETWEEN ? AND ? ORDER BY block LIMIT 1000000;
