# SPDX-License-Identifier: MIT
"""Writes the templates that fakenode cycles: the recorded busy blocks, else the synthetic chain."""

import json
import pathlib
import sys

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from harness import chain as chains, packing  # noqa: E402

SYNTHETIC_TEMPLATES = 960  # every operation type, every shape of block
MARK = b"\x01"


def template(chain, number):
    """The text of a block with marks for what depends on its number; and its operations."""
    raw, block = chain.raw(number), json.loads(chain.raw(number))
    for text, letter in ((block["block_id"], b"I"), (block["previous"], b"P"),
                         (block["timestamp"], b"T"), (block["witness_signature"], b"S")):
        raw = raw.replace(f'"{text}"'.encode(), b'"' + MARK + letter + b'"')
    raw = raw.replace(f'"block_num":{number},'.encode(), b'"block_num":' + MARK + b"N,")
    return raw, len(chain.block(number).operations)


def header(chain, number):
    """What fakechain needs to make the id and the signature of a block from this template: the
    header's bytes behind the time, and the numbers of curve.Signer, all in hex."""
    rest = packing.header(json.loads(chain.raw(number)), packing.STEEM)[24:]
    inverse, r, rd, y = chains.signer_of(chain.witness(number)).nonces[0]
    return f"{rest.hex()} {inverse:064x} {r:064x} {rd:064x} {y & 1}"


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
            file.write(f"{len(raw)} {header(chain, number)}\n".encode() + raw + b"\n")
            operation_counts.append(operation_count)
            sizes.append(len(raw))
    return name, operation_counts, sizes
