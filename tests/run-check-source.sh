#!/bin/sh
# SPDX-License-Identifier: MIT
# The house rules as a test of `make check`.
set -eu
top=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
exec "$top/scripts/check-source"
