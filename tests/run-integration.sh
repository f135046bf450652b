#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the integration tests against the program in the build folder.  Exit 77 (skipped)
# where a tool is missing; arguments go to pytest.
#
# AGAIN_MAX=N: where at most N tests failed, they are run once more, one after the other.  If all of them
# pass now, they are named, and the last line is the sum with them.
set -eu

top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
build=${top_builddir:-$(pwd)}
python=${PYTHON:-/usr/bin/python3}
PATH=$PATH:/usr/sbin:/usr/local/sbin

skip() {
    echo "skipped: $*"
    exit 77
}

[ -x "$build/steem-reader" ] || skip "no program $build/steem-reader"
[ -d "$top/tests/integration" ] || skip "no tests/integration"
command -v mariadbd > /dev/null || skip "no mariadbd (package mariadb-server-core)"
command -v mariadb-install-db > /dev/null || skip "no mariadb-install-db (package mariadb-server-core)"
"$python" -c 'import pytest' 2> /dev/null || skip "no pytest (package python3-pytest)"
"$python" -c 'import pymysql' 2> /dev/null || skip "no pymysql (package python3-pymysql)"

workers=
if "$python" -c 'import xdist' 2> /dev/null; then
    workers="-n ${PYTEST_WORKERS:-12} --dist loadgroup"
fi

# Databases, data directories, logs: in one folder, of which nothing stays. A short name, for
# the paths of sockets are.
TMPDIR=$(mktemp -d "$("$top/tests/temporary")/sr.XXXXXX")
export TMPDIR
# The members of a cluster run as another user, when we are root.
chmod 711 "$TMPDIR"
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 99' HUP INT TERM

# The source folder may be read-only.
export PYTHONDONTWRITEBYTECODE=1
STEEM_READER=${STEEM_READER:-$build/steem-reader}
export STEEM_READER
# Where scripts/test has unpacked what a cluster needs and nobody wants installed.
CLUSTER_TOOLS=${CLUSTER_TOOLS:-$build/cluster}
export CLUSTER_TOOLS
cd "$top/tests/integration"
if [ "${AGAIN_MAX:-0}" -eq 0 ]; then
    # shellcheck disable=SC2086 # four words, or none
    "$python" -m pytest -q $workers "$@"
    exit
fi

# The code of pytest is in a file: a pipe has that of `tee` only.
output=$TMPDIR/output
# shellcheck disable=SC2086 # four words, or none
{ "$python" -m pytest -q $workers "$@" 2>&1 || echo "$?" > "$TMPDIR/code"; } | tee "$output"
[ -f "$TMPDIR/code" ] || exit 0
code=$(cat "$TMPDIR/code")
# The group that tests run in, NAME@GROUP, is not part of the name.
tests=$(sed -n '/^\(FAILED\|ERROR\) /{s/^[A-Z]* //;s/ - .*//;s/@[a-z_]*$//;p}' "$output" | sort -u)
[ -n "$tests" ] && [ "$(echo "$tests" | wc -l)" -le "$AGAIN_MAX" ] || exit "$code"
names=$(echo "$tests" | tr '\n' ' ')
printf '\n== Once more, alone: %s\n' "$names"
while read -r name; do
    "$python" -m pytest -q "$name" < /dev/null && continue
    tail -n 1 "$output"
    exit "$code"
done << EOF
$tests
EOF
printf 'FAILED BESIDE OTHERS, PASSED ALONE: %s\n' "$names"
tail -n 1 "$output" | awk '{
    line = $0
    while (match(line, /[0-9]+ (passed|failed|errors?)/)) {
        sum += substr(line, RSTART)
        line = substr(line, RSTART + RLENGTH)
    }
    skipped = match($0, /[0-9]+ skipped/) ? ", " substr($0, RSTART, RLENGTH) : ""
    print sum " passed" skipped
}'
