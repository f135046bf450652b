-- SPDX-License-Identifier: MIT
INSERT INTO schema_version (version, name, program_version, applied_at)
VALUES (?, ?, ?, UTC_TIMESTAMP(6));
