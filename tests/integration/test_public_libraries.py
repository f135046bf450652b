"""What we sign, read by libraries that nobody here wrote: dsteem and steem, of npm."""

import json
import os
import pathlib
import random
import subprocess

import pytest

from harness import curve, operations, packing, reader, wanted
from harness.libraries import Libraries

WIF = "5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3D"
KEY = "STM6Qz3wuRjyN6gaU3P3XRxpnEZnM4oPxortemaWDwFRvsv2FxgND"
# dsteem packs these in the order of the declaration, which is not that of nodes; steem sorts numbers
# as if they were text.
WRONG = {"dsteem": {"escrow_transfer", "limit_order_create2"},
         "steem": {"update_proposal_votes", "remove_proposal"}}
RANDOM = 10000
# One key costs dsteem milliseconds; the curve of steem is plain JavaScript, thirty times slower.
RECOVER_EVERY = {"dsteem": int(os.environ.get("RECOVER_EVERY", "10")), "steem": 250}
REFERENCE = 0x2D9C85F6, "2d9c85f685abf4dc" + "77" * 12
EXPIRATION = 1459931367


def build_folder():
    return pathlib.Path(reader.program()).parent


@pytest.fixture(name="libraries", scope="module")
def public_libraries():
    return Libraries()


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


def check_ours(asked, answer):
    """By the tests' own packer, which shares nothing with the program's."""
    trx = answer["trx"]
    assert trx["operations"] == asked and trx["extensions"] == [] and len(trx["signatures"]) == 1
    data = bytes(packing.transaction(trx, packing.STEEM).data)
    assert answer["bytes"] == data.hex() and answer["id"] == packing.trx_id(data)


def check(libraries, name, answers, every):
    """The library reads the JSON that would be sent; it names the key of every so many."""
    trxs = [answer["trx"] if i % every == 0 else {**answer["trx"], "signatures": []}
            for i, answer in enumerate(answers)]
    keys = 0
    for answer, (trx_id, data, found) in zip(answers, libraries.read(name, trxs)):
        kinds = {kind for kind, _ in answer["trx"]["operations"]}
        # A library that learnt it since must leave the list.
        assert (data != answer["bytes"]) == bool(kinds & WRONG[name]), (name, answer)
        if not kinds & WRONG[name]:
            assert trx_id == answer["id"] and found in ([KEY], []), (name, answer)
            keys += len(found)
    return keys


def sign_all(asked):
    answers = [json.loads(text) for text in sign(asked)]
    assert not [answer for answer in answers if "refused" in answer]
    for one, answer in zip(asked, answers):
        check_ours(one, answer)
    return answers


def signable():
    return [kind for kind in operations.REAL if kind not in wanted.UNSIGNABLE]


@pytest.mark.timeout_s(300)
def test_every_operation_is_read_alike(libraries):
    chance = random.Random(1)
    answers = sign_all([[wanted.operation(chance, kind)] for kind in signable()])
    assert len(answers) == 41
    for name, wrong in WRONG.items():
        assert check(libraries, name, answers, 1) == 41 - len(wrong)


@pytest.mark.timeout_s(900)
def test_ten_thousand_transactions_are_read_alike(libraries):
    series = wanted.transactions(random.Random(2), signable())
    asked = [next(series) for _ in range(RANDOM)]
    assert {kind for one in asked for kind, _ in one} == set(signable())
    answers = sign_all(asked)
    for name, every in RECOVER_EVERY.items():
        assert check(libraries, name, answers, every) > RANDOM / every * 0.7


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
