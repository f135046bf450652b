#!/bin/bash
# SPDX-License-Identifier: MIT
# Test what depends on the database's kind, in each combination of a client library and a server:
#
#   tests/run-mysql.sh         what touches the database most
#   tests/run-mysql.sh all     every test of the store and every integration test
#
# Left out is MariaDB's library with MariaDB's server, because all other tests run so. MySQL's library has lost
# mysql_native_password with 9.0: into MariaDB's server it gets by `unix_socket` only, as the account of the
# operating system's name. So these tests run as root, and are those that make no account with a password.
#
# In a build folder that was configured with MariaDB's library (or top_builddir names it).  MySQL's
# server and library come from scripts/mysql; a second build, with that library, is made in the
# folder `mysqlclient`.  The last line is "N passed, N failed, N skipped"; exit 77 where MySQL cannot be had.
set -euo pipefail

top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=$(cd "${top_builddir:-.}" && pwd)
tools=$build/mysql
other=$build/mysqlclient
passed=0 failed=0 skipped=0

# Of the integration tests, those that a server or a client library can break.
files=(test_once test_migrate test_views test_collations test_database_session test_database_faults
    test_database_tls test_queue_transactions test_reply test_worker_database)
# The few where MariaDB's library meets MySQL's server.
crossed=(test_once test_database_tls test_migrate)
crossed_store=(test_store test_deliver test_reversible test_refusals test_every_call)
# And where MySQL's library meets MariaDB's server.
by_socket=(test_once test_views)

skip() {
    echo "skipped: $*"
    exit 77
}

case $("$build/config.status" --config) in
*enable-sanitizers*) skip "a build with sanitizers does not run with the C library that MySQL's needs" ;;
esac
"$top/scripts/mysql" "$tools" || skip "no MySQL here"

make_other_build() {
    local options goal
    mkdir -p "$other"
    cd "$other"
    if [ ! -f Makefile ]; then
        # shellcheck source=/dev/null
        . "$tools/flags"
        eval "options=($("$build/config.status" --config))"
        "$top/configure" "${options[@]}" MYSQL_CFLAGS="$MYSQL_CFLAGS" MYSQL_LIBS="$MYSQL_LIBS" \
            > configure.log || { tail -n 20 configure.log && exit 1; }
    fi
    for goal in all "check TESTS="; do
        # shellcheck disable=SC2086 # two words
        make -s -j"$(nproc)" $goal > make.log 2>&1 || { tail -n 20 make.log && exit 1; }
    done
}

# number REGEX TEXT: the sum of the numbers that stand before REGEX.
number() {
    { grep -oE "[0-9]+ $1" <<< "$2" || true; } | awk '{ sum += $1 } END { print sum + 0 }'
}

# combine BUILD SERVER: what the next tests run with.
combine() {
    printf '\n== %s\n' "$(basename "$1" | sed 's/^mysqlclient$/libmysqlclient/; t; s/.*/Connector\/C/') with $2"
    export DATABASE=$2 MYSQL_TOOLS=$tools CLUSTER_TOOLS=$build/cluster top_srcdir=$top top_builddir=$1
}

store_tests() { # [NAME...]: no name: all
    local output code=0
    output=$("$top/tests/run-store.sh" "$@" 2>&1) || { code=$? && echo "$output"; }
    passed=$((passed + $(grep -c '^\[       OK \]' <<< "$output")))
    [ "$code" -eq 0 ] || failed=$((failed + 1))
}

# integration_tests [FILE...]: no file: all.
integration_tests() {
    local output last code=0
    output=$("$top/tests/run-integration.sh" -rfEs "${@/%/.py}" 2>&1) || code=$?
    [ "$code" -eq 0 ] || echo "$output"
    grep -E '^(SKIPPED|FAILED BESIDE)' <<< "$output" || true
    last=$(tail -n 1 <<< "$output")
    echo "$last"
    passed=$((passed + $(number passed "$last")))
    skipped=$((skipped + $(number skipped "$last")))
    code=$((code > 0 && $(number '(failed|errors?)' "$last") == 0))
    failed=$((failed + $(number '(failed|errors?)' "$last") + code))
}

make_other_build
export EVERY_CALL_SHARE=${EVERY_CALL_SHARE:-64}
if [ "${1-}" = all ]; then
    files=() crossed=() crossed_store=()
    by_socket+=(test_reply test_queue_transactions)
fi
combine "$other" mysql
store_tests
integration_tests "${files[@]}"
combine "$build" mysql
store_tests "${crossed_store[@]}"
integration_tests "${crossed[@]}"
combine "$other" mariadb
if [ "$(id -u)" -eq 0 ]; then
    ROOT_BY_SOCKET=1 integration_tests "${by_socket[@]}"
else
    echo "skipped: only root is the server's root to unix_socket"
fi
if [ "${1-}" = all ]; then
    combine "$other" "mysql under valgrind"
    DATABASE=mysql "$top/tests/run-valgrind.sh" && passed=$((passed + 1)) || failed=$((failed + 1))
fi
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
