#!/bin/sh
# SPDX-License-Identifier: MIT
# Every rule of scripts/check-source fails on a bad sample, and a good sample passes.
set -eu

top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
failed=0
passed=0
spdx='/* SPDX-License-Identifier: MIT */'

begin() {
    rm -rf sample
    mkdir -p sample/src/base sample/src/store sample/src/sync sample/src/daemon sample/include/base \
        sample/sql/statements sample/sql/migrations sample/doc sample/etc sample/scripts
}

# put FILE LINES...: a C file gets its first line by itself.
put() {
    file=sample/$1
    shift
    case $file in *.[ch]) echo "$spdx" ;; esac > "$file"
    printf '%s\n' "$@" >> "$file"
}

# expect NAME REGEX: the check fails and says so.
expect() {
    if out=$("$top/scripts/check-source" sample 2>&1); then
        echo "FAIL $1: nothing was found"
        failed=$((failed + 1))
    elif ! echo "$out" | grep -qE "$2"; then
        echo "FAIL $1: '$2' is not in:"
        echo "$out"
        failed=$((failed + 1))
    else
        passed=$((passed + 1))
    fi
}

lines() { # COUNT TEXT
    i=0
    while [ "$i" -lt "$1" ]; do
        echo "$2"
        i=$((i + 1))
    done
}

begin
put src/base/good.c '#include "base/good.h"' '' '#include <stdio.h>' '#include <stdlib.h>' '' \
    '#include "base/buf.h"' '' 'int good(void)' '{' "	return 0;" '}'
if "$top/scripts/check-source" sample > out 2>&1; then
    passed=$((passed + 1))
else
    echo "FAIL a good sample:"
    cat out
    failed=$((failed + 1))
fi

begin
put src/base/a.c '#include "store/db.h"'
expect 'a layer above' '^src/base/a.c:2: base may not include store'

begin
put src/store/a.c '#include "steem/pool.h"'
expect 'store and steem' '^src/store/a.c:2: store may use only steem/block.h'

begin
put src/daemon/a.c '#include "worker/loop.h"'
expect 'daemon and worker' '^src/daemon/a.c:2: daemon may not include worker'

begin
put include/base/a.h '#ifndef BASE_B_H' '#define BASE_B_H' '#endif'
expect 'the guard of another header' '^include/base/a.h:2: the guard is BASE_B_H; its name is BASE_A_H'

for header in steem/pool.h sync/reader.h; do
    begin
    mkdir -p sample/src/worker
    put src/worker/a.c "#include \"$header\""
    expect "worker and $header" '^src/worker/a.c:2: worker may use only'
done

begin
put src/base/a.c '#include "buf.h"'
expect 'include without folder' '^src/base/a.c:2: include "buf.h" without its folder'

for header in curl/curl.h json-c/json.h mysql.h libconfig.h pthread.h stdatomic.h; do
    begin
    put src/sync/a.c "#include <$header>"
    expect "home of $header" '^src/sync/a.c:2: <.*> does not belong here'
done

begin
put src/store/bulk.c '#include <stdio.h>'
expect 'a home without its library' '^src/store/bulk.c:1: does not include <mysql.h>'

begin
echo 'int x;' > sample/src/base/a.c
expect 'licence of C' '^src/base/a.c:1: the first line is'

begin
printf '#!/bin/sh\ntrue\n' > sample/scripts/a
expect 'licence of a script' '^scripts/a:2: # SPDX'

begin
put src/base/a.c '#include "base/a.h"' '' '#include "base/b.h"' '' '#include <stdio.h>'
expect 'system headers first' "^src/base/a.c:6: <stdio.h> stands behind"

begin
put src/base/a.c '#include <stdlib.h>' '#include <stdio.h>'
expect 'sorted includes' '^src/base/a.c:3: <stdio.h> is not in its sorted place'

begin
put src/base/a.c 'int x; '
expect 'white space' '^src/base/a.c:2: white space'

begin
put src/base/a.c "/* TO""DO: more */"
expect 'unfinished work' '^src/base/a.c:2: unfinished work'

begin
put src/base/a.c 'int f(void)' '{' '	return atoi("1");' '}'
expect 'banned function' '^src/base/a.c:4: a banned function'

begin
put doc/a.md 'The behavi''or of it.'
expect 'spelling' '^doc/a.md:1: "behavior" is not a word of this house'

begin
put src/daemon/config_table.c '	{"fetch", "speed", OPTION_UINT,'
expect 'option without a paragraph' 'config_table.c:2: fetch.speed is not in doc/steem-reader.conf.5'
expect 'option not in the sample' 'config_table.c:2: fetch.speed is not in etc/steem-reader.conf'

begin
put src/daemon/options.c '	{"faster", no_argument, NULL, OPTION_FASTER},'
expect 'command line option in the manual' 'options.c:2: --faster is not in doc/steem-reader.8'
expect 'command line option in the completion' 'options.c:2: --faster is not in etc/steem-reader.bash'

begin
put sql/statements/nothing.sql '-- name: select_blocks'
expect 'statements without a module' '^sql/statements/nothing.sql:1: src/store has no module'

begin
put sql/statements/claims.sql '-- name: select_blocks'
expect 'statement not used' '^sql/statements/claims.sql:1: sql_select_blocks is used nowhere'

begin
put sql/migrations/1_first.sql 'SELECT 1;'
expect 'name of a migration' '^sql/migrations/1_first.sql:1: the name is not NNNN'

begin
put src/sync/a.c 'void f(void)' '{' '	log_info("tail_started", "x");' '}'
expect 'event not documented' '^src/sync/a.c:4: the event tail_started is not in doc/operations.md'

begin
put src/sync/a.c 'void f(void)' '{' '	log_limited(&limit, LOG_LEVEL_INFO,' '		    "node_failed", "x");' '}'
expect 'event on the next line' '^src/sync/a.c:5: the event node_failed is not'

begin
put src/store/a.c 'void f(void)' '{' '	log_error("x", "x");' '}'
expect 'a lower layer logs' '^src/store/a.c:4: base, steem and store log only for debugging'

begin
put Makefile.am 'EXTRA_DIST ='
put src/base/a.c 'int x;'
expect 'file not in the release' '^src/base/a.c:1: is in no list'

begin
put doc/architecture.md 'A line.' 'Blocks are read by `sync/gone.c`.'
expect 'a document names a file that is gone' '^doc/architecture.md:2: there is no file sync/gone.c'

begin
put doc/long.md "$(printf 'x%.0s' $(seq 100))" "$(printf 'é%.0s' $(seq 100))" "| $(printf 'x%.0s' $(seq 100))" \
    "$(printf 'é%.0s' $(seq 101))"
expect 'a wide document' '^doc/long.md:4: is wider than 100 columns'
if "$top/scripts/check-source" sample 2>&1 | grep -q 'long.md:[123]:'; then
    echo "FAIL a document of 100 columns: it was called too wide"
    failed=$((failed + 1))
else
    passed=$((passed + 1))
fi

formatter=$(command -v clang-format-14 || command -v clang-format || true)
if [ -n "$formatter" ] && $formatter --version | grep -q 'version 14\.'; then
    begin
    cp "$top/.clang-format" sample/
    put src/base/a.c 'int f ( void ){return 0;}'
    expect 'format' '^src/base/a.c:2: not as clang-format writes it'
fi

echo "check_source_test: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
