"""The tests' own prover: on what real chains and other programs made, and on what nobody signed."""

import dataclasses
import hashlib
import json
import urllib.request

import pytest

from harness import chain as chains, curve, jsontext, lies, operations, packing, prover, ripemd
from harness.node import Node

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


def test_what_is_of_another_chain_is_not_packed(vectors):
    """What only some builds and Hive have: a Steem node of hardfork 23 has no such thing."""
    for one in vectors["smt_ops"] + vectors["hive_ops"]:
        with pytest.raises(packing.Unshown):
            packing.operation(one["op"], packing.STEEM)


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


PROPS = {"account_creation_fee": "0.002 STEEM", "maximum_block_size": 65536,
         "sbd_interest_rate": 0}


def options(percent):
    return ["comment_options", {
        "author": "a", "permlink": "b", "max_accepted_payout": "1.000 SBD",
        "percent_steem_dollars": percent, "allow_votes": True, "allow_curation_rewards": True,
        "extensions": []}]


@pytest.mark.parametrize("signed, printed, what", [
    # Of the table of odd symbols (steemit/steem, legacy_asset.hpp): each as one early witness had it.
    (lambda data: data.replace(b"\x03STEEM\0\0A", b"\x05STEEM\0\0A"),
     [["witness_update", {"owner": "w", "url": "u", "block_signing_key": operations.KEY,
                          "props": {**PROPS, "maximum_block_size": 65}, "fee": "0.000 STEEM"}]],
     "account_creation_fee"),
    (lambda data: data.replace(b"\x03STEEM\0\0A", b"\x036.000\0\0A"),
     [["witness_update", {"owner": "w", "url": "u", "block_signing_key": operations.KEY,
                          "props": {**PROPS, "maximum_block_size": 65}, "fee": "0.000 STEEM"}]],
     "account_creation_fee"),
    (lambda data: data.replace(b"\xe7\x03", b"\x88\x13"), [options(999)],
     "percent_steem_dollars 5000"),
    (lambda data: data.replace(b"\xe7\x03", b"\x10\x27"), [options(999), options(999)],
     "percent_steem_dollars"),
])
def test_what_was_signed_is_found(signed, printed, what):
    trx = {"ref_block_num": 1, "ref_block_prefix": 2, "expiration": "2016-04-01T00:00:00",
           "operations": printed, "extensions": [], "signatures": []}
    packed = packing.transaction(trx, packing.STEEM)
    true = signed(bytes(packed.data))
    assert true != packed.data
    assert packed.repaired(packing.trx_id(true)) == (what, true)
    assert packed.repaired("ab" * 20) is None


def test_the_eight_odd_roots():
    """Their headers name another root than their transactions give, and nodes accept it."""
    block = json.loads(chains.SyntheticChain().raw(9))
    leaves = prover.leaves(json.dumps(block), packing.STEEM)
    odd = dict(packing.ODD_ROOTS)
    assert len(odd) == 8 and prover.prove_block(block, packing.STEEM)[0] == "content"
    block["transaction_merkle_root"] = "12" * 20
    lies.sign_as(chains.signer_of(block["witness"]))(block)
    assert prover.prove_block(block, packing.STEEM)[:2] == (
        "false", "the transactions do not give the Merkle root")
    values = dataclasses.replace(packing.STEEM, roots=((9, packing.merkle_root(leaves)),))
    assert prover.prove_block(block, values)[0] == "content"
    values = dataclasses.replace(packing.STEEM, roots=((9, "12" * 20),))
    assert prover.prove_block(block, values)[0] == "false"


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


# ---- texts

@pytest.mark.parametrize("spelling", ["as_is", "proxy", "spaced"])
def test_every_spelling_proves(spelling):
    chain = chains.SyntheticChain()
    for number in range(1, 31):
        spelt = jsontext.respell(chain.raw(number), spelling)
        assert prover.prove_block(spelt, packing.STEEM)[:2] == ("content", ""), number


def test_bytes_that_are_not_utf8():
    """Nodes print them as they are; who replaces them hides what was signed."""
    op = operations.made("custom_json", id=operations.Raw('"\udcff\udce4 \udced\udca0\udc80"'))
    raw = chains.SyntheticChain(extra={5: [op]}).raw(5)
    assert b"\xff\xe4 \xed\xa0\x80" in raw
    assert prover.prove_block(raw, packing.STEEM)[:2] == ("content", "")
    for spelt in (jsontext.respell(raw, "proxy"), raw.decode("utf-8", "replace")):
        assert prover.prove_block(spelt, packing.STEEM)[:2] == (
            "not shown", "transaction 3: U+FFFD may stand for other bytes")
    lie = raw.replace(b"\xff", b"\xfe")
    assert prover.prove_block(lie, packing.STEEM)[0] == "not shown"


# ---- lies

def told(chain, numbers):
    """(a block's number, a lie about it), of all of them."""
    for number in numbers:
        for lie in lies.lies(json.loads(chain.raw(number))):
            yield number, lie


@pytest.mark.parametrize("part", range(4))  # for as many workers; together every operation type
def test_every_lie_is_noticed(part):
    chain, kinds = chains.SyntheticChain(), set()
    for number, lie in told(chain, range(1 + part, 31, 4)):
        verdict, reason, key = prover.prove_block(lie.block, packing.STEEM)
        assert verdict == lie.verdict, (number, lie.name, reason)
        kinds.add(lie.name.partition(":")[0])
        if verdict == "content":
            check_what_fits(chain, number, lie, reason, key)
    assert kinds >= set(lies.KINDS) - {"renamed"}  # of a transfer, which not every part has


def check_what_fits(chain, number, lie, reason, key):
    """Content that proves and is not the chain's: who looks at more than the one block can tell."""
    kind = lie.name.partition(":")[0]
    is_the_witness = key == operations.signing_key(chain.witness(number))
    if kind == "changed":  # what the prover takes is the true value
        assert "percent_steem_dollars 10000" in reason
    elif kind in ("fitting key", "signed by a stranger"):
        assert not reason and not is_the_witness
    else:
        assert not reason and is_the_witness
        assert kind in ("signed by the witness", "other signature with its id")
        assert lie.block["block_id"] != chain.block_id(number)


def test_a_member_that_stands_there_twice():
    """Some readers take the first one, some the last: what the hash is of, nobody knows."""
    raw = chains.SyntheticChain(plain=True).raw(7)
    for member in (b'"memo":', b'"expiration":', b'"witness":'):
        lie = raw.replace(member, member + b'"x",' + member, 1)
        assert prover.prove_block(lie, packing.STEEM)[0] == "not shown", member


def test_the_lies_are_lies():
    chain = chains.SyntheticChain()
    for number, lie in told(chain, range(1, 9)):
        assert lie.block != json.loads(chain.raw(number)), lie.name


def test_a_node_lies():
    node = Node(chains.SyntheticChain(), irreversible=50)
    fit = {}  # the first block that allows a lie of a kind
    for number, lie in told(node.chain, range(1, 20)):
        fit.setdefault(lie.name.partition(":")[0], number)
    try:
        for index, kind in enumerate(lies.KINDS):
            fault = node.fault("lie", kind=kind, block={fit[kind]}, method="get_block", times=1)
            for number in (40, fit[kind]):
                is_true = ask(node, number) == json.loads(node.chain.raw(number))
                assert is_true == (number == 40), kind
            fault.clear()
            assert node.count["lie"] == index + 1
        node.fault("lie", kind="a kind that there is not", block={3})
        with pytest.raises(OSError):
            ask(node, 3)
    finally:
        node.close()


def ask(node, number):
    request = json.dumps({"id": 1, "method": "condenser_api.get_block", "params": [number]})
    with urllib.request.urlopen(node.url, request.encode(), timeout=5) as answer:
        return json.load(answer)["result"]
