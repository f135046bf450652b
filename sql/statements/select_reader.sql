-- SPDX-License-Identifier: MIT
SELECT r.id, r.session, (SELECT f.id FROM filters f WHERE f.is_active = 1) AS filter_id
FROM readers r WHERE r.name = ?;
