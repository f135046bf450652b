-- SPDX-License-Identifier: MIT
SELECT block FROM blocks WHERE block BETWEEN ? AND ? AND filter_id <> ? ORDER BY block;
