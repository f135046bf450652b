-- SPDX-License-Identifier: MIT
UPDATE bookkeeping SET irreversible_block = LEAST(irreversible_block, ?) WHERE id = 1;
