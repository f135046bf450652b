-- SPDX-License-Identifier: MIT
INSERT INTO filters (rules, fingerprint, created_at) VALUES (?, SHA2(?, 256), UTC_TIMESTAMP(6));
