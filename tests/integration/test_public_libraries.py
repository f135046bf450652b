"""What we sign, read by libraries that nobody here wrote: dsteem and steem, of npm."""

import json
import os
import pathlib
import random
import subprocess

import pytest

from harness import curve, npm, operations, packing, reader, wanted

HERE = pathlib.Path(__file__).parent
PACKAGES = ("bytebuffer@5.0.1", "dsteem@0.11.3", "steem@0.7.11")
WIF = "5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3D"
KEY = "STM6Qz3wuRjyN6gaU3P3XRxpnEZnM4oPxortemaWDwFRvsv2FxgND"
# dsteem packs these in the order of the declaration, which is not that of nodes; steem sorts numbers
# as if they were text.
WRONG = {"dsteem": {"escrow_transfer", "limit_order_create2"},
         "steem": {"update_proposal_votes", "remove_proposal"}}
RANDOM = 10000
# One signature costs dsteem milliseconds; RECOVER_EVERY=1 asks it for the key of each.
RECOVER_EVERY = int(os.environ.get("RECOVER_EVERY", "10"))
REFERENCE = 0x2D9C85F6, "2d9c85f685abf4dc" + "77" * 12
EXPIRATION = 1459931367


def build_folder():
    return pathlib.Path(reader.program()).parent


@pytest.fixture(scope="module")
def modules():
    return npm.modules("public-libraries", "\n".join(PACKAGES).encode(),
                       ["install", "--no-save", *PACKAGES], {"package.json": b'{"private": true}'})


def sign(transactions):
    """For each list of operations what our program says of it."""
    lines = "".join(f"{REFERENCE[0]} {REFERENCE[1]} {EXPIRATION} "
                    f"{json.dumps(one, ensure_ascii=bool(number % 2))}\n"
                    for number, one in enumerate(transactions))
    done = subprocess.run([build_folder() / "tests/unit/signer", "steem", WIF], input=lines,
                          stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    # Some characters are line ends for Python, but not here.
    answers = done.stdout.split("\n")
    assert len(answers) == len(transactions) + 1 and not answers[-1]
    return answers[:-1]


def ask(modules, answers, slow):
    """What the libraries make of the JSON that would be sent."""
    assert not [one for one in answers if one.startswith('{"refused"')]
    lines = "".join('{"slow":%s,"trx":%s}\n' % (json.dumps(slow), one[one.index(',"trx":') + 7:-1])
                    for one in answers)
    done = subprocess.run(["node", HERE / "public_libraries.js", modules,
                           "1" if slow else str(RECOVER_EVERY)], input=lines,
                          stdout=subprocess.PIPE, text=True, check=True, timeout=900)
    return [json.loads(line) for line in done.stdout.split("\n")[:-1]]


def check_ours(operations_, answer):
    """By the tests' own packer, which shares nothing with the program's."""
    trx = answer["trx"]
    assert trx["operations"] == operations_
    data = bytes(packing.transaction(trx, packing.STEEM).data)
    assert answer["bytes"] == data.hex() and answer["id"] == packing.trx_id(data)


def check(asked, answer, libraries):
    """libraries: what they made of it; which of them had to name the key."""
    for name, got in libraries.items():
        if WRONG[name] & {kind for kind, _ in asked}:
            continue
        assert "error" not in got, (name, got["error"], asked)
        assert got["bytes"] == answer["bytes"] and got["id"] == answer["id"], (name, asked)
        assert got.get("key", KEY) == KEY, (name, asked)


def signable():
    return [kind for kind in operations.REAL if kind not in wanted.UNSIGNABLE]


@pytest.mark.timeout_s(300)
def test_every_operation_is_read_alike(modules):
    chance = random.Random(1)
    asked = [[wanted.operation(chance, kind)] for kind in signable()]
    answers = sign(asked)
    for one, text, libraries in zip(asked, answers, ask(modules, answers, slow=True)):
        answer = json.loads(text)
        check_ours(one, answer)
        check(one, answer, libraries)
        for name, wrong in WRONG.items():
            # A library that learnt it since must leave the list.
            if one[0][0] in wrong:
                assert libraries[name].get("bytes") != answer["bytes"], (name, one)
            else:
                assert libraries[name]["key"] == KEY
    assert len(asked) == 41


@pytest.mark.timeout_s(900)
def test_ten_thousand_transactions_are_read_alike(modules):
    series = wanted.transactions(random.Random(2), signable())
    asked = [next(series) for _ in range(RANDOM)]
    answers = sign(asked)
    keys = 0
    for one, text, libraries in zip(asked, answers, ask(modules, answers, slow=False)):
        answer = json.loads(text)
        check_ours(one, answer)
        check(one, answer, libraries)
        keys += "key" in libraries["dsteem"]
    assert keys == len(range(0, RANDOM, RECOVER_EVERY))
    assert {kind for one in asked for kind, _ in one} == set(signable())


def test_the_signature_is_of_the_digest():
    """By plain Python: the chain's id and the bytes, and nothing else."""
    chance = random.Random(3)
    asked = [[wanted.operation(chance, "vote")] for _ in range(20)]
    for text in sign(asked):
        answer = json.loads(text)
        signature = bytes.fromhex(answer["trx"]["signatures"][0])
        digest = packing.hashlib.sha256(bytes(32) + bytes.fromhex(answer["bytes"])).digest()
        assert packing.key_text(curve.recover(digest, signature), packing.STEEM) == KEY


@pytest.mark.parametrize("kind", sorted(wanted.UNSIGNABLE))
def test_what_no_account_signs_is_refused(kind):
    answer = json.loads(sign([[wanted.operation(random.Random(4), kind)]])[0])
    assert answer["refused"].startswith(f"operation 1, {kind}: ")
