-- SPDX-License-Identifier: MIT
SELECT r.id, r.session, (SELECT f.id FROM filters f WHERE f.is_active = 1) AS filter_id,
	(SELECT w.first_block FROM ranges w WHERE w.is_open = 1) AS open_first
FROM readers r WHERE r.name = ?;
