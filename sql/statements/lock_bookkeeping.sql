-- SPDX-License-Identifier: MIT
UPDATE bookkeeping SET changes = changes + 1 WHERE id = 1;
