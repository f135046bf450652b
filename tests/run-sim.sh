#!/bin/sh
# SPDX-License-Identifier: MIT
# The deterministic simulation, SIM_SEEDS seeds long (2000), on all processors.  What fails is
# replayed with: tests/sim/sim --seed N -v
set -eu

build=${top_builddir:-$(pwd)}
sim=$build/tests/sim/sim

if [ ! -x "$sim" ]; then
    echo "skipped: no program $sim; make check builds it"
    exit 77
fi
exec "$sim" --seeds "${SIM_SEEDS:-2000}" --jobs "$(nproc)"
