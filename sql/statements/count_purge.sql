-- SPDX-License-Identifier: MIT
-- What --purge would remove of these blocks: operations, orphans, deliveries that have ended.
SELECT (SELECT COUNT(*) FROM blockchain WHERE block BETWEEN ? AND ?)
	- (SELECT COUNT(*) FROM (
		SELECT DISTINCT w.block, w.trx_in_block, w.op_in_trx, w.virtual_op FROM deliveries_open w
		JOIN blockchain o ON o.block = w.block AND o.trx_in_block = w.trx_in_block
			AND o.op_in_trx = w.op_in_trx AND o.virtual_op = w.virtual_op
		WHERE w.delivery_id BETWEEN ? AND ?) needed) AS operations,
	(SELECT COUNT(*) FROM orphans WHERE block BETWEEN ? AND ?) AS orphans,
	(SELECT COUNT(*) FROM deliveries_ended WHERE delivery_id BETWEEN ? AND ?) AS deliveries;
