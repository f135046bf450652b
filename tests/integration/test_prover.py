"""The tests' own prover: on what real chains and other programs made, and on what nobody signed."""

import hashlib
import json

import pytest

from harness import chain as chains, curve, operations, packing, prover, ripemd

VECTORS = chains.TOP.parent / "shared" / "codec" / "vectors.json"


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip(f"no vectors ({VECTORS} is absent)")
    return json.loads(VECTORS.read_text())


def test_every_operation_has_its_bytes(vectors):
    known = {op["op"][0] for op in vectors["steem_ops"]}
    assert list(packing.OPERATIONS) == list(operations.REAL) and set(operations.REAL) == known
    for op in vectors["steem_ops"]:
        assert packing.operation(op["op"], packing.STEEM).hex() == op["bytes"], op["op"]


def test_real_transactions_have_their_bytes(vectors):
    for real in vectors["real"]:
        values = packing.TESTNET if real["source"].startswith("testnet") else packing.STEEM
        text = json.dumps(real["json"])
        if "hive" in real["source"]:  # its nodes print old blocks in their own words
            text = text.replace(" HIVE", " STEEM").replace("hbd_interest", "sbd_interest")
        trx = json.loads(text)
        data = packing.transaction(trx, values).data
        assert data.hex() == real["unsigned"] and packing.trx_id(data) == real["id"]
        signed = hashlib.sha256(data + packing.signatures(trx, values))
        assert signed.hexdigest() == real["sha256_signed"]


def test_headers_roots_and_signers(vectors):
    for one in vectors["headers"]:
        values = packing.TESTNET if one["source"].startswith("testnet") else packing.STEEM
        data = packing.header(one["json"], values)
        assert data.hex() == one["header"]
        signed = data + bytes.fromhex(one["witness_signature"])
        assert packing.block_id(one["block"], signed) == one["block_id"]
    for one in vectors["merkle"]:
        leaves = [bytes.fromhex(leaf) for leaf in one["levels"][0]]
        assert packing.merkle_root(leaves) == one["root"]
    for one in vectors["witness"]:
        values = packing.TESTNET if one["source"].startswith("testnet") else packing.STEEM
        key = curve.recover(bytes.fromhex(one["digest"]), bytes.fromhex(one["signature"]))
        assert key.hex() == one["key33"] and packing.key_text(key, values) == one["key"]
        assert packing.key_bytes(one["key"], values) == key


def test_signatures(vectors):
    for one in vectors["sign"]:
        secret, digest = int(one["secret"], 16), bytes.fromhex(one["digest"])
        assert curve.sign(digest, secret).hex() == one["signature"]
        for made in ("signature", "node_fc_canonical", "node_bip_0062"):
            key = curve.recover(digest, bytes.fromhex(one[made]))
            assert packing.key_text(key, packing.STEEM) == one["key"]


def test_the_signers_of_made_chains():
    signer = curve.Signer(curve.secret_of("alice"))
    for text in map(str, range(60)):
        digest = hashlib.sha256(text.encode()).digest()
        made = signer.sign(digest)
        assert curve.recover(digest, made) == signer.key
        assert int.from_bytes(made[33:], "big") <= curve.N // 2 and made[1] < 0x80
        assert curve.recover(digest, high_s(made)) == signer.key
    assert curve.recover(bytes(32), made) != signer.key


def high_s(signature):
    """The other signature of the same."""
    s = curve.N - int.from_bytes(signature[33:], "big")
    return bytes([63 - signature[0]]) + signature[1:33] + s.to_bytes(32, "big")


@pytest.mark.parametrize("signature", [
    bytes(65), b"\x1f" + b"\xff" * 64, b"\x1a" + b"\x11" * 64, b"\x1f" + b"\x11" * 63,
    b"\x1f" + (5).to_bytes(32, "big") + b"\x11" * 32,  # no point has this x
    b"\x1f" + b"\x11" * 32 + bytes(32)])
def test_what_is_no_signature(signature):
    with pytest.raises(curve.NoKey):
        curve.recover(b"\x01" * 32, signature)


def test_ripemd160():
    assert ripemd.digest(b"abc").hex() == "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"
    assert ripemd.digest(b"1234567890" * 8).hex() == "9b752e45573d4b39f4dbd3323cab82bf63326bfb"
    for size in (0, 55, 56, 63, 64, 65):
        assert ripemd.digest(bytes(size)) == packing.ripemd160(bytes(size))


# ---- recorded blocks

# What nodes of 2018 printed wrong (steemit/steem issue 2807).
REPAIRED = {22006939: "transaction 16: percent_steem_dollars 10000",
            22006977: "transaction 0: percent_steem_dollars 10000"}


def check(given, values):
    verdict, reason, key = prover.prove_block(given, values)
    block = given if isinstance(given, dict) else json.loads(given)
    assert (verdict, reason) == ("content", REPAIRED.get(prover.number_of(block), ""))
    assert key == block["signing_key"]


@pytest.mark.parametrize("part", range(4))  # for as many workers
def test_every_recorded_block_of_the_main_chain_proves(recorded, part):
    lines = [line for path in sorted((recorded / "runs").glob("*.jsonl"))
             for line in path.read_bytes().splitlines()]
    lines += [path.read_bytes() for path in sorted((recorded / "blocks").glob("*.json"))]
    assert len(lines) == 1085
    for line in lines[part::4]:
        check(line, packing.STEEM)


def test_every_recorded_block_of_the_test_network_proves(recorded):
    path = recorded / "testnet" / "blocks" / "condenser_get_block.jsonl"
    lines = path.read_bytes().splitlines()
    assert len(lines) == 90
    for line in lines:
        check(json.loads(line)["result"], packing.TESTNET)


# ---- what is not as a node prints it

BODY = {"from": "a", "to": "b", "amount": "1.000 STEEM", "memo": "m"}
BENEFICIARIES = [[0, {"beneficiaries": [{"account": "a", "weight": 1}]}]]


@pytest.mark.parametrize("op", [
    ["transfer", {**BODY, "amount": amount}] for amount in (
        "1.00 STEEM", "01.000 STEEM", "1.000  STEEM", "1.000 TESTS", "-1.000 STEEM", "1.000 steem",
        "1,000 STEEM", "+1.000 STEEM", "9223372036854775.808 STEEM", 1, None, ["1.000", "STEEM"],
        {"amount": "1000", "precision": 3, "nai": "@@000000037"},
        {"amount": "-1", "precision": 3, "nai": "@@000000021"})
] + [
    ["transfer", {**BODY, "from": "seventeen-chars-a"}], ["transfer", {**BODY, "from": "a\0b"}],
    ["transfer", {**BODY, "memo": "\ud800"}], ["transfer", {**BODY, "memo": 7}],
    ["transfer", {**BODY, "more": 7}], ["transfer", packing.Repeated(BODY)],
    ["transfer", {"from": "a", "to": "b", "amount": "1.000 STEEM"}], ["transfer", []],
    [2, BODY], ["vote"], ["fill_order", {}], ["vote", {}, {}], "vote", {},
    ["vote", {"voter": "a", "author": "b", "permlink": "c", "weight": "5"}],
    ["vote", {"voter": "a", "author": "b", "permlink": "c", "weight": True}],
    ["vote", {"voter": "a", "author": "b", "permlink": "c", "weight": 32768}],
    ["decline_voting_rights", {"account": "a", "decline": 1}],
    ["custom", {"required_auths": [], "id": 7, "data": "0A"}],
    ["custom", {"required_auths": [], "id": 7, "data": "0"}],
    ["custom", {"required_auths": {}, "id": 7, "data": ""}],
    ["claim_account", {"creator": "a", "fee": "0.000 STEEM", "extensions": [[0, {}]]}],
    ["set_reset_account", {"account": "a", "current_reset_account": None, "reset_account": "b"}],
    ["comment_options", {
        "author": "a", "permlink": "b", "max_accepted_payout": "1.000 SBD",
        "percent_steem_dollars": 1, "allow_votes": True, "allow_curation_rewards": True,
        "extensions": [[1, BENEFICIARIES[0][1]]]}],
])
def test_what_no_node_prints_is_not_packed(op):
    with pytest.raises(packing.Unshown):
        packing.operation(op, packing.STEEM)


@pytest.mark.parametrize("text, count", [
    ("1970-01-01T00:00:00", 0), ("2106-02-07T06:28:15", None), ("1969-12-31T23:59:59", 2 ** 32 - 1),
    ("1901-12-13T20:45:52", 2 ** 31), ("2038-01-19T03:14:07", 2 ** 31 - 1),
    ("2016-02-30T00:00:00", None), ("2016-01-01T00:00:60", None), ("2016-01-01 00:00:00", None),
    ("2016-1-1T00:00:00", None), ("2016-01-01T00:00:00Z", None)])
def test_times(text, count):
    if count is not None:
        assert packing.seconds(text) == count
        return
    with pytest.raises(packing.Unshown):
        packing.seconds(text)


@pytest.mark.parametrize("key", [
    operations.KEY[:-1] + "Y", operations.KEY[:-1], operations.KEY.replace("STM", "TST"),
    "STM1" + operations.KEY[3:], "STM", "", operations.KEY + "1", "STM0" + operations.KEY[4:]])
def test_what_is_no_key(key):
    with pytest.raises(packing.Unshown):
        packing.key_bytes(key, packing.STEEM)


def test_the_key_that_is_none():
    text = "STM1111111111111111111111111111111114T1Anm"
    assert packing.key_bytes(text, packing.STEEM) == bytes(33)
    assert packing.key_text(bytes(33), packing.STEEM) == text
