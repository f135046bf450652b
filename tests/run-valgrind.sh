#!/bin/sh
# SPDX-License-Identifier: MIT
# Run what uses the database's client library under valgrind, which sees memory that the library
# itself misuses: the tests of the store, a replay, a short tail, workers and posters.
#
# In a build folder, with the client library that configure chose there, against MariaDB, or MySQL
# with DATABASE=mysql and MYSQL_TOOLS (see tests/store/run).  What valgrind has to say is printed and
# makes it fail.  Exit 77 (skipped) where it cannot run.
set -eu

top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=$(cd "${top_builddir:-.}" && pwd)
export top_srcdir="$top" top_builddir="$build"

skip() {
    echo "skipped: $*"
    exit 77
}

command -v valgrind > /dev/null || skip "no valgrind (package valgrind)"
[ -x "$build/steem-reader" ] || skip "no program $build/steem-reader"
case $("$build/config.status" --config) in
*enable-sanitizers*) skip "a build with sanitizers does not run under valgrind" ;;
esac
# With a C library whose symbols are nowhere, valgrind does not start.
said=$(valgrind -q "$build/steem-reader" --version 2>&1) || skip "valgrind does not run the program: $said"

folder=$(mktemp -d "${TMPDIR:-/tmp}/valgrind.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 99' HUP INT TERM
mkdir "$folder/said"
# Quiet: it writes about errors, and nothing else.
RUN_UNDER="valgrind -q --error-exitcode=9 --leak-check=no --log-file=$folder/said/%p"
for program in steem-reader steem-worker steem-poster; do
    printf '#!/bin/sh\nexec %s "%s/%s" "$@"\n' "$RUN_UNDER" "$build" "$program" > "$folder/$program"
    chmod +x "$folder/$program"
done

failed=0
part() {
    code=0
    "$@" || code=$?
    case $code in
    0) ;;
    77) exit 77 ;; # it said why
    *) failed=1 ;;
    esac
}

# Every call with every error takes hours here.
export RUN_UNDER EVERY_CALL_SHARE="${EVERY_CALL_SHARE:-200}"
part "$top/tests/run-store.sh"
export STEEM_READER="$folder/steem-reader" PYTEST_WORKERS=2
part "$top/tests/run-integration.sh" \
    test_once.py::test_it_ends_at_the_tip test_once.py::test_it_fills_what_was_torn \
    test_tail.py::test_the_tail_follows_in_chain_order \
    test_worker.py::test_done_retry_and_fail test_worker.py::test_two_workers_take_each_record_once
# These have a chain at thirty times the real pace: the reader itself must keep up.
export STEEM_READER="$build/steem-reader" STEEM_POSTER="$folder/steem-poster"
part "$top/tests/run-integration.sh" \
    test_poster.py::test_each_kind_of_action_is_confirmed test_poster.py::test_once_empties_the_outbox_and_ends \
    test_poster.py::test_what_cannot_be_signed_fails_with_a_reason

# A process that was killed has no exit code, but what valgrind wrote before.
processes=$(find "$folder/said" -type f | wc -l)
if [ -n "$(find "$folder/said" -type f -size +0)" ]; then
    cat "$folder/said"/*
    failed=1
fi
[ "$processes" -gt 0 ] || failed=1
echo "valgrind: $processes processes, $([ "$failed" -eq 0 ] && echo no || echo with) errors"
exit "$failed"
