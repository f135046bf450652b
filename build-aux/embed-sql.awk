# SPDX-License-Identifier: MIT
# Make C of SQL files, so that the program needs no file at run time.
#
#   awk -v mode=header|source -f embed-sql.awk STATEMENT_FILES... MIGRATION_FILES... definer.sql views.sql procedures.sql
#
# A file under statements/ holds the statements of one module of src/store.  A line
# "-- name: verb_noun" stands before each of them; it becomes the string sql_verb_noun, and the
# columns of a SELECT become constants, VERB_NOUN_COLUMN, numbered from 0.  A file
# under migrations/ becomes a list of statements, split at a `;` that ends a line, or at
# the text of a DELIMITER line, as the mariadb client does.  views.sql and procedures.sql
# become one list of views and procedures, definer.sql a list of statements.  Comment lines
# and the last delimiter are left out.

function fail(what) {
    printf "%s:%d: %s\n", FILENAME, FNR, what > "/dev/stderr"
    failed = 1
    exit 1
}

function quoted(line) {
    gsub(/\\/, "\\\\", line)
    gsub(/"/, "\\\"", line)
    gsub(/\t/, " ", line)
    return "\"" line "\""
}

# Lines of one statement to C literals, joined by line ends.
function literal(count,    i, out) {
    for (i = 1; i <= count; i++)
        out = out "\n\t" quoted(lines[i] (i < count ? "\n" : ""))
    gsub(/\n"\n/, "\\n\"\n", out)
    return out
}

function begin_file(    parts, n) {
    n = split(FILENAME, parts, "/")
    name = parts[n]
    sub(/\.sql$/, "", name)
    is_migration = parts[n - 1] == "migrations"
    is_definer = name == "definer"
    is_routines = name == "views" || name == "procedures"
    line_count = 0
    statement_count = 0
    delimiter = ";"
    if (is_migration) {
        if (name !~ /^[0-9][0-9][0-9][0-9]_[a-z0-9_]+$/)
            fail("the name of a migration is NNNN_what.sql")
        if (substr(name, 1, 4) + 0 != migration_count + 1)
            fail("migrations are numbered from 0001 without holes")
        migration_count++
        migration_names[migration_count] = substr(name, 6)
    } else if (!is_definer && !is_routines) {
        name = ""
    }
}

# "-- name: verb_noun"
function begin_statement() {
    if (line_count > 0)
        fail("a statement is not ended")
    name = $3
    if (name !~ /^[a-z]+(_[a-z0-9]+)+$/)
        fail("the name of a statement is verb_noun")
}

# A column of a result: what stands behind AS, or the name of the column itself.
function add_column(text) {
    gsub(/[ \t\n]+/, " ", text)
    sub(/^ /, "", text)
    sub(/ $/, "", text)
    if (!match(text, /(^| AS |^[a-z]+\.)[a-z_0-9]+$/))
        fail(name ": a computed column needs a name (AS): " text)
    text = substr(text, RSTART)
    sub(/^ AS /, "", text)
    sub(/^[a-z]+\./, "", text)
    columns = columns "\t" toupper(name "_" text) ",\n"
}

# What stands between SELECT and FROM, outside of parentheses, divided by commas.
function add_columns(    text, i, depth, from, part) {
    for (i = 1; i <= line_count; i++)
        text = text " " lines[i]
    if (text !~ /^ SELECT /)
        return
    sub(/^ SELECT (DISTINCT )?/, "", text)
    columns = ""
    from = 1
    for (i = 1; i <= length(text) + 1; i++) {
        part = substr(text, i, 1)
        depth += (part == "(") - (part == ")")
        if (depth > 0)
            continue
        if (part == "," || part == "" || substr(text, i, 6) ~ /^[ \t]FROM[ \t]/) {
            add_column(substr(text, from, i - from))
            from = i + 1
            if (part != ",")
                break
        }
    }
    header = header "enum {\n" columns "};\n"
}

# The first line of a routine names its kind and itself.
function add_routine(    words, word, i) {
    if (!match(lines[1], /^CREATE .*(VIEW|PROCEDURE) [a-z0-9_]+/))
        fail("only views and procedures may be created here")
    for (i = 1; i <= line_count; i++)
        if (index(lines[i], "@fingerprint@"))
            break
    if (i > line_count)
        fail("there is no @fingerprint@ in the statement")
    split(substr(lines[1], RSTART, RLENGTH), words, " ")
    for (word in words)
        if (words[word] ~ /^(VIEW|PROCEDURE)$/)
            routines = routines "\n\t{\"" words[word] "\", \"" words[word + 1] "\"," literal(line_count) "},"
    routine_count++
}

function end_statement() {
    if (line_count == 0)
        return
    if (is_migration) {
        statement_count++
        # In parentheses: a compiler may take lines of one literal for elements without a comma between them.
        bodies = bodies (statement_count > 1 ? "," : "") "\n\t(" literal(line_count) ")"
    } else if (is_definer) {
        statement_count++
        definer = definer literal(line_count) ","
        definer_count++
    } else if (is_routines) {
        statement_count++
        add_routine()
    } else {
        statement_count++
        if (name == "")
            fail("\"-- name: verb_noun\" must stand before each statement")
        source = source "\nconst char sql_" name "[] =" literal(line_count) ";\n"
        header = header "extern const char sql_" name "[];\n"
        add_columns()
        name = ""
    }
    line_count = 0
}

function end_file() {
    end_statement()
    if (statement_count == 0)
        fail("no statement in the file")
    if (is_migration) {
        source = source "\nstatic const char *const migration_" migration_count "[] = {" bodies ",\n};\n"
        bodies = ""
        statement_counts[migration_count] = statement_count
    }
}

FNR == 1 {
    if (NR > 1)
        end_file()
    begin_file()
}

!is_migration && /^-- name: / {
    begin_statement()
    next
}

/^[ \t]*--/ || /^[ \t]*$/ { next }

/^DELIMITER / {
    if (line_count > 0)
        fail("a statement is not ended")
    delimiter = $2
    next
}

{
    line = $0
    sub(/[ \t\r]+$/, "", line)
    is_end = substr(line, length(line) - length(delimiter) + 1) == delimiter
    if (is_end) {
        line = substr(line, 1, length(line) - length(delimiter))
        sub(/[ \t]+$/, "", line)
    }
    if (line != "")
        lines[++line_count] = line
    if (is_end)
        end_statement()
}

END {
    if (failed)
        exit 1
    if (NR > 0)
        end_file()
    print "/* SPDX-License-Identifier: MIT */"
    print "/* Made from sql/ by build-aux/embed-sql.awk: change the files there. */"
    if (mode == "header") {
        print "#ifndef STORE_SQL_H\n#define STORE_SQL_H\n"
        print "#include <stddef.h>\n"
        print "/* sql/statements, and the columns of their rows. */"
        printf "%s", header
        print "\n/* sql/migrations, in their order, numbered from 1. */"
        print "struct sql_migration {"
        print "\tunsigned version;"
        print "\tconst char *name;"
        print "\tconst char *const *statements;"
        print "\tsize_t count; /* of statements */"
        print "};"
        print "extern const struct sql_migration sql_migrations[];"
        print "extern const size_t sql_migration_count;"
        print "\n/* sql/definer.sql: the account that the procedures run as. */"
        print "extern const char *const sql_definer[];"
        print "extern const size_t sql_definer_count;"
        print "\n/* sql/views.sql and sql/procedures.sql, in the order in which they are created. */"
        print "struct sql_routine {"
        print "\tconst char *kind; /* VIEW or PROCEDURE */"
        print "\tconst char *name;"
        print "\tconst char *statement;"
        print "};"
        print "extern const struct sql_routine sql_routines[];"
        print "extern const size_t sql_routine_count;"
        print "\n#endif"
        exit 0
    }
    print "#include \"store/sql.h\""
    printf "%s", source
    print "\nconst struct sql_migration sql_migrations[] = {"
    for (i = 1; i <= migration_count; i++)
        printf "\t{%d, \"%s\", migration_%d, %d},\n", i, migration_names[i], i, statement_counts[i]
    print "};"
    printf "const size_t sql_migration_count = %d;\n", migration_count
    printf "\nconst char *const sql_definer[] = {%s\n};\n", definer
    printf "const size_t sql_definer_count = %d;\n", definer_count
    printf "\nconst struct sql_routine sql_routines[] = {%s\n};\n", routines
    printf "const size_t sql_routine_count = %d;\n", routine_count
}
