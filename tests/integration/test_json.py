"""Our reading of JSON, json-c's and Python's, held against one another on the same mutated bytes."""

import json
import os
import random
import struct
import subprocess

import pytest

from harness import jsontext
from harness.chain import SyntheticChain

PROGRAM = os.path.join(os.path.dirname(os.environ.get("STEEM_READER", "")), "tests/unit/canonical")
ROUNDS = 20000
PIECES = [b'"', b"\\", b"\\ud83d", b"\\uDE00", b"\\u0000", b"\\/", b"\\a", b"{", b"}", b"[", b"]",
          b",", b":", b"\xff", b"\xe4", b"\xed\xa0\x80", b"\x00", b"\n", b" ", b"0", b"-", b"1e5",
          b"1.50", b".5", b"01", b"18446744073709551616", b"null", b"tru", b"NaN", b"Infinity",
          b"'", b"/* */", b"\xf4\x90\x80\x80", b"\xc0\x80", b"\xf0\x9f\x98\x80"]


def seeds():
    chain = SyntheticChain(odd=True)
    texts = [chain.raw(number) for number in range(2, 60)]
    texts += [jsontext.respell(text, "proxy") for text in texts]
    return [text for text in texts if len(text) < 4000]


def mutate(chance, text):
    text = bytearray(text)
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        at = chance.randrange(len(text)) if text else 0
        kind = chance.randrange(4)
        if kind == 0 and text:
            text[at] = chance.randrange(256)
        elif kind == 1:
            del text[at:at + chance.choice((1, 1, 2, 50))]
        elif kind == 2:
            text[at:at] = chance.choice(PIECES)
        elif text:
            text[at] ^= 1 << chance.randrange(8)
    return bytes(text)


def ask(texts):
    """For each text: does json-c take it, do we, and our canonical form of it."""
    done = subprocess.run([PROGRAM], input=b"".join(struct.pack("=I", len(t)) + t for t in texts),
                          stdout=subprocess.PIPE, check=True, timeout=100)
    at = 0
    for _ in texts:
        json_c, ours, length = struct.unpack_from("=III", done.stdout, at)
        at += 12
        yield bool(json_c), bool(ours), done.stdout[at:at + length]
        at += length
    assert at == len(done.stdout)


def refuse_constant(name):
    raise ValueError(name)


def value(text):
    """Python's value; floats and integers as their own text, doubled members kept."""
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=refuse_constant,
                      object_pairs_hook=list)


@pytest.mark.skipif(not os.path.exists(PROGRAM), reason="tests/unit/canonical is not built")
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_three_readings_of_mutated_json(seed):
    chance = random.Random(seed)
    base = seeds()
    texts = [mutate(chance, chance.choice(base)) for _ in range(ROUNDS)]
    taken = refused = 0
    for text, (json_c, ours, canonical) in zip(texts, ask(texts)):
        repaired = text.decode("utf-8", "replace")
        try:
            theirs = value(repaired)
        except ValueError:
            assert not ours, text
            refused += 1
            continue
        assert ours, text
        assert value(canonical.decode()) == theirs, text
        # Whatever we take, json-c takes, but what is not UTF-8 or beyond its numbers.
        assert json_c or "\ufffd" in repaired or b"e" in text or b"E" in text, text
        taken += 1
    assert taken > ROUNDS / 4 and refused > ROUNDS / 4
    print(f"seed {seed}: {taken} taken, {refused} refused by all")
