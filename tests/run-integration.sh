#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the integration tests against the program in the build folder.  Exit 77 (skipped)
# where a tool is missing; arguments go to pytest.
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
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/sr.XXXXXX")
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
# shellcheck disable=SC2086 # four words, or none
"$python" -m pytest -q $workers "$@"
