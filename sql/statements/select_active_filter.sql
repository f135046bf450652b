-- SPDX-License-Identifier: MIT
SELECT id, rules FROM filters WHERE is_active = 1;
