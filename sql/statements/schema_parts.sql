-- SPDX-License-Identifier: MIT

-- name: select_schema_parts
-- The parts of the schema that exist. Each column names its collation: those of information_schema differ
-- from column to column, and a UNION of them is an error. A procedure that runs as the wrong account
-- (after a dump was restored without DEFINER clauses) gets no text, so it is created again.
SELECT 'TABLE' AS kind, CONVERT(t.table_name USING utf8mb4) COLLATE utf8mb4_bin AS name,
	CONVERT('' USING utf8mb4) COLLATE utf8mb4_bin AS part,
	CONVERT('' USING utf8mb4) COLLATE utf8mb4_bin AS text
FROM information_schema.tables t WHERE t.table_schema = DATABASE() AND t.table_type = 'BASE TABLE'
UNION ALL
SELECT 'COLUMN', CONVERT(c.table_name USING utf8mb4) COLLATE utf8mb4_bin,
	CONVERT(c.column_name USING utf8mb4) COLLATE utf8mb4_bin, CONVERT(c.extra USING utf8mb4) COLLATE utf8mb4_bin
FROM information_schema.columns c WHERE c.table_schema = DATABASE()
UNION ALL
SELECT DISTINCT 'KEY', CONVERT(s.table_name USING utf8mb4) COLLATE utf8mb4_bin,
	CONVERT(s.index_name USING utf8mb4) COLLATE utf8mb4_bin, ''
FROM information_schema.statistics s WHERE s.table_schema = DATABASE()
UNION ALL
SELECT 'RIGHT', CONVERT(p.table_name USING utf8mb4) COLLATE utf8mb4_bin,
	CONVERT(p.privilege_type USING utf8mb4) COLLATE utf8mb4_bin, ''
FROM information_schema.table_privileges p
WHERE p.table_schema = DATABASE() AND p.grantee = '''steem_queue''@''localhost'''
UNION ALL
SELECT 'RIGHT', '*', CONVERT(d.privilege_type USING utf8mb4) COLLATE utf8mb4_bin, ''
FROM information_schema.schema_privileges d
WHERE d.table_schema = DATABASE() AND d.grantee = '''steem_queue''@''localhost'''
UNION ALL
SELECT 'VIEW', CONVERT(v.table_name USING utf8mb4) COLLATE utf8mb4_bin, '',
	CONVERT(v.view_definition USING utf8mb4) COLLATE utf8mb4_bin
FROM information_schema.views v WHERE v.table_schema = DATABASE()
UNION ALL
SELECT 'PROCEDURE', CONVERT(r.routine_name USING utf8mb4) COLLATE utf8mb4_bin, '',
	CASE WHEN r.security_type = 'INVOKER' OR r.definer = 'steem_queue@localhost'
		THEN CONVERT(r.routine_comment USING utf8mb4) COLLATE utf8mb4_bin
		ELSE '' END
FROM information_schema.routines r
WHERE r.routine_schema = DATABASE() AND r.routine_type = 'PROCEDURE';
