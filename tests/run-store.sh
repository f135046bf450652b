#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the tests of the store, one after the other, against one private database server.
# Exit 77 (skipped) where a tool is missing.  RUN_UNDER may hold the words of a command that runs each.
set -eu

top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${top_builddir:-$(pwd)}

set --
for source in "$top"/tests/store/test_*.c; do
    program=$build/tests/store/$(basename "$source" .c)
    if [ ! -x "$program" ]; then
        echo "skipped: no program $program (cmocka was not found by configure)"
        exit 77
    fi
    set -- "$@" "$program"
done

# shellcheck disable=SC2016 # for the inner shell
srcdir=$top exec "$top/tests/store/run" sh -c '
    code=0
    for program; do
        ${RUN_UNDER-} "$program" || code=1
    done
    exit $code
' sh "$@"
