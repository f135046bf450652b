-- SPDX-License-Identifier: MIT

-- name: select_schema_version
SELECT COALESCE(MAX(version), 0) AS version FROM schema_version;

-- name: insert_schema_version
INSERT INTO schema_version (version, name, program_version, applied_at)
VALUES (?, ?, ?, UTC_TIMESTAMP(6));
