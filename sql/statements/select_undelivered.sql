-- SPDX-License-Identifier: MIT
-- What a backfill without --deliver stored under these rules.
SELECT block FROM blocks WHERE block BETWEEN ? AND ? AND is_irreversible = 1
	AND is_delivered = 0 AND (? = 0 OR filter_id = ?)
ORDER BY block;
