-- SPDX-License-Identifier: MIT
SELECT block FROM blocks WHERE block BETWEEN ? AND ? AND is_irreversible = 1
	AND (filter_id <> ? OR is_delivered < ?)
ORDER BY block;
