-- SPDX-License-Identifier: MIT
-- What --rewind would take back of these blocks.
SELECT (SELECT COUNT(*) FROM blocks WHERE block BETWEEN ? AND ?) AS blocks,
	(SELECT COUNT(*) FROM blockchain WHERE block BETWEEN ? AND ?) AS operations,
	(SELECT COUNT(*) FROM deliveries_open WHERE delivery_id BETWEEN ? AND ?) AS deliveries;
