-- SPDX-License-Identifier: MIT
SELECT name, state, node, alive, last_block, irreversible_block, lag_blocks, lag_s, heartbeat_age_s
FROM reader_status ORDER BY name;
