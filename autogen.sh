#!/bin/sh
# SPDX-License-Identifier: MIT
# Make the build system from configure.ac and Makefile.am (after a checkout, not in a release).
set -eu
cd "$(dirname "$0")"
exec autoreconf --install --force --warnings=all
