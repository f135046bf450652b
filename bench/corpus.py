# SPDX-License-Identifier: MIT
"""Writes the templates that fakenode cycles: the recorded busy blocks, else the synthetic chain."""

import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from harness import chain as chains  # noqa: E402

SYNTHETIC_TEMPLATES = 960  # every operation type, every shape of block
MARK = b"\x01"


def template(chain, number):
    """The text of a block with marks for what depends on its number; and its operations."""
    raw = chain.raw(number)
    for text, letter in ((chain.block_id(number), b"I"), (chain.block_id(number - 1), b"P"),
                         (chain.timestamp(number), b"T")):
        raw = raw.replace(f'"{text}"'.encode(), b'"' + MARK + letter + b'"')
    raw = raw.replace(f'"block_num":{number},'.encode(), b'"block_num":' + MARK + b"N,")
    return raw, len(chain.block(number).operations)


def write(path):
    """Write the corpus; returns (name of the chain, operations and bytes of each template)."""
    if chains.recorded_data():
        name, chain = "recorded busy blocks", chains.BusyChain()
        count = len(chain.numbers)
    else:
        name, chain, count = "synthetic chain", chains.SyntheticChain(), SYNTHETIC_TEMPLATES
    operation_counts, sizes = [], []
    with open(path, "wb") as file:
        for number in range(count + 1, 2 * count + 1):  # block 1's zero ids would mislead
            raw, operation_count = template(chain, number)
            file.write(f"{len(raw)}\n".encode() + raw + b"\n")
            operation_counts.append(operation_count)
            sizes.append(len(raw))
    return name, operation_counts, sizes
