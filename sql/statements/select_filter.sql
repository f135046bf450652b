-- SPDX-License-Identifier: MIT
SELECT id, is_active FROM filters WHERE fingerprint = SHA2(?, 256);
