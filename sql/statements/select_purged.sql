-- SPDX-License-Identifier: MIT
-- Operations of the blocks below need not be there.
SELECT COALESCE(MAX(before_block), 0) AS before_block FROM purges;
