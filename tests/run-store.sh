#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the tests of the store, one after the other, against one private database server:
#
#   tests/run-store.sh [NAME...]     such as test_deliver; no name: all
#
# Exit 77 (skipped) where a tool is missing.  RUN_UNDER may hold the words of a command that runs each.
set -eu

top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${top_builddir:-$(pwd)}

export top_builddir="$build"

if [ $# -eq 0 ]; then
    for source in "$top"/tests/store/test_*.c; do
        set -- "$@" "$(basename "$source" .c)"
    done
fi
for name; do
    if [ ! -x "$build/tests/store/$name" ]; then
        echo "skipped: no program $build/tests/store/$name (cmocka was not found by configure)"
        exit 77
    fi
done

# shellcheck disable=SC2016 # for the inner shell
srcdir=$top exec "$top/tests/store/run" sh -c '
    code=0
    for name; do
        ${RUN_UNDER-} "$top_builddir/tests/store/$name" || code=1
    done
    exit $code
' sh "$@"
