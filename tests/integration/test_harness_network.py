"""The simulated network itself: it must refuse what a real node refuses, and take what one takes."""

import dataclasses
import json
import pathlib
import socket
import subprocess
import sys
import threading
import types
import urllib.error
import urllib.request

import pytest

from harness import curve, packing, polling, prover, received, required, wallet
from harness.chain import DATA
from harness.checking import HOSTILE, CheckingNode
from harness.ledger import MAX_BLOCK_BYTES
from harness.network import Network, clock
from harness.refusal import Refusal
from harness.servers import DIES_WITH_US

BOT = "answer-bot"
LONG = "x" * 256


@pytest.fixture(name="network")
def fresh_network():
    made = Network()
    yield made
    made.still()
    for node in list(made.nodes):
        node.close()


def reply(permlink, author=BOT, parent=("alice", "question"), **changes):
    return ("comment", {"parent_author": parent[0], "parent_permlink": parent[1], "author": author,
                        "permlink": permlink, "title": "", "body": "an answer", "json_metadata": "",
                        **changes})


def post(permlink, author=BOT, **changes):
    return reply(permlink, author, ("", "steem-reader"), **changes)


def vote(weight=10000, voter=BOT, author="alice", permlink="question"):
    return ("vote", {"voter": voter, "author": author, "permlink": permlink, "weight": weight})


def transfer(amount="1.000 STEEM", to="bob", memo="", sender=BOT):
    return ("transfer", {"from": sender, "to": to, "amount": amount, "memo": memo})


def custom(text="{}", active=(), posting=(BOT,), ident="test"):
    return ("custom_json", {"required_auths": list(active), "required_posting_auths": list(posting),
                            "id": ident, "json": text})


def options(permlink, **changes):
    return ("comment_options", {
        "author": BOT, "permlink": permlink, "max_accepted_payout": "1000000.000 SBD",
        "percent_steem_dollars": 10000, "allow_votes": True, "allow_curation_rewards": True,
        "extensions": [], **changes})


def beneficiaries(*names, weight=100):
    return [[0, {"beneficiaries": [{"account": name, "weight": weight} for name in names]}]]


def refused(network, text, *ops, code=10, **build):
    """That the network says no to it, and that nothing of it stays."""
    before = network.ledger.mark(), len(network.pool)
    with pytest.raises(Refusal) as caught:
        network.accept(network.build(*ops, **{"by": BOT, **build}))
    assert text in caught.value.said, caught.value.said
    assert caught.value.code == code
    assert (network.ledger.mark(), len(network.pool)) == before
    return caught.value


def call(node, method, params, api="condenser_api", raw=None):
    """The whole answer; raw: the body as it is sent."""
    body = raw or json.dumps({"jsonrpc": "2.0", "id": 7, "method": f"{api}.{method}",
                              "params": params}, ensure_ascii=False).encode()
    with urllib.request.urlopen(node.url, body, timeout=20) as answer:
        return json.load(answer)


def send(node, trx):
    return call(node, "broadcast_transaction", [trx])


# ---- keys and transactions

SEED_WIF = "5J1by7KRQujRdXrurEsvEr2zQGcdPaMJRjewER6XsAR2eCcpt3D"
SEED_KEY = "STM6Qz3wuRjyN6gaU3P3XRxpnEZnM4oPxortemaWDwFRvsv2FxgND"


def test_wallet_import_format():
    """The vector of dsteem and steem-js: the secret is sha256("seed")."""
    secret = curve.secret_of("seed")
    assert wallet.wif_of(secret) == SEED_WIF
    assert packing.key_text(curve.public_key(secret), packing.STEEM) == SEED_KEY


def test_a_known_key_is_verified_as_it_is_recovered():
    keys = [wallet.signer("alice", role) for role in wallet.ROLES]
    for place in range(40):
        digest = bytes([place]) * 32
        signer = keys[place % 4]
        signature = signer.sign(digest) if place < 20 else curve.sign(digest, signer.secret)
        assert curve.recover(digest, signature) == signer.key
        assert [curve.Verifier(key.key).made(digest, signature) for key in keys] == \
            [key is signer for key in keys]
        for at, wrong in ((0, 1), (0, 2), (5, 1), (40, 1)):
            changed = bytearray(signature)
            changed[at] = (changed[at] - 27 ^ wrong) + 27 if at == 0 else changed[at] ^ wrong
            assert not curve.Verifier(signer.key).made(digest, bytes(changed))


def test_recorded_transactions_are_read_as_they_were_signed(recorded):
    """Of the vectors: the bytes, the id, and a key that signed; what a node would read is the same."""
    vectors = json.loads((DATA.parent / "codec" / "vectors.json").read_text(encoding="utf-8"))
    assert recorded and len(vectors["real"]) > 20
    for vector in vectors["real"]:
        if "hbd_" in json.dumps(vector["json"]):
            continue  # as a node of Hive prints it
        values = packing.TESTNET if "testnet" in vector["source"] else packing.STEEM
        trx = received.Transaction(vector["json"], values)
        assert (trx.data.hex(), trx.trx_id) == (vector["unsigned"], vector["id"])
        assert len(trx.keys([])) == len(trx.signatures)
        assert received.Transaction(trx.json, values).leaf == trx.leaf
        assert trx.leaf.hex() == vector["sha256_signed"]


def test_signed_vectors():
    vectors = json.loads((DATA.parent / "codec" / "vectors.json").read_text(encoding="utf-8"))
    for vector in vectors["sign"]:
        digest, signature = bytes.fromhex(vector["digest"]), bytes.fromhex(vector["signature"])
        assert curve.recover(digest, signature) == curve.public_key(curve.secret_of("seed"))
        assert curve.sign(digest, curve.secret_of("seed")) == signature


def test_every_operation_has_its_authority():
    known = {*required.POSTING, *required.ACTIVE, *required.OWNER, *required.NOBODY}
    others = {"custom_json", "custom", "custom_binary", "account_update", "account_update2",
              "recover_account", "set_reset_account", "witness_set_properties", "pow2"}
    assert known | others == set(packing.OPERATIONS) and not known & others
    assert required.of([custom(active=["a"], posting=["b"]), vote(voter="c"), transfer()])[:3] == \
        ({"b", "c"}, {"a", BOT}, set())
    assert required.of([("account_update", {"account": "a", "owner": {}})])[1] == {"a"}
    assert required.of([("account_update", {"account": "a", "owner": {"weight_threshold": 1}})])[2] == {"a"}


# ---- what is taken

GOOD = {
    "reply": ([reply("re")], "posting"), "post": ([post("new")], "posting"),
    "vote": ([vote(-5000)], "posting"), "custom_json": ([custom('{"ü":[1]}')], "posting"),
    "transfer": ([transfer(memo="für dich 😀\n")], "active"),
    "by a stronger key": ([vote()], "active"), "by the strongest": ([transfer()], "owner"),
    "several": ([vote(), custom(), custom(), reply("re")], "posting"),
    "with options": ([post("new"), options("new", extensions=beneficiaries("alice", "bob"))], "posting"),
    "active custom_json": ([custom(active=[BOT], posting=())], "active"),
    "names in no order": ([custom(posting=[BOT])], "posting"),
    "what has no rule here": ([("claim_reward_balance", {
        "account": BOT, "reward_steem": "0.001 STEEM", "reward_sbd": "0.000 SBD",
        "reward_vests": "0.000001 VESTS"})], "posting"),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_is_right_gets_into_the_next_block(network, name):
    ops, role = GOOD[name]
    trx = network.build(*ops, by=BOT, role=role)
    accepted = network.accept(trx)
    number = network.produce()
    assert network.landed == {accepted.trx_id: number}
    verdict, reason, _ = prover.prove_block(network.branch.raw(number), packing.STEEM)
    assert verdict == "content", reason
    block = json.loads(network.branch.raw(number))
    assert block["transaction_ids"] == [accepted.trx_id]
    assert block["transactions"][0]["operations"] == [list(op) for op in trx["operations"]]
    assert block["transactions"][0]["signatures"] == trx["signatures"]
    assert not network.pool


def test_funds_move(network):
    network.submit(transfer("1.234 SBD"), by=BOT, role="active")
    network.produce()
    before = [network.ledger.get("balance", (name, "SBD")) for name in (BOT, "bob")]
    assert before == [10 ** 9 - 1234, 10 ** 9 + 1234]


# ---- what is refused

def test_a_transaction_needs_the_right_keys(network):
    refused(network, f"Missing Posting Authority {BOT}", vote(), by="alice", code=3030000)
    refused(network, f"Missing Posting Authority {BOT}", vote(), role="memo", code=3030000)
    refused(network, f"Missing Active Authority {BOT}", transfer(), code=3010000)
    refused(network, "Missing Active Authority", transfer(), by=None, code=3010000)
    refused(network, "Missing Owner Authority", ("decline_voting_rights", {
        "account": BOT, "decline": True}), role="active", code=3020000)
    refused(network, "Missing Authority", ("recover_account", {
        "account_to_recover": BOT, "extensions": [],
        "new_owner_authority": wallet.authority(wallet.key_text("alice", "owner")),
        "recent_owner_authority": wallet.authority(wallet.key_text("bob", "owner"))}),
        by="alice", role="owner", code=3040000)
    trx = network.build(vote())
    for keys, code in (([(BOT, "posting"), ("alice", "posting")], 3050000),
                       ([(BOT, "posting"), (BOT, "posting")], 3060000)):
        with pytest.raises(Refusal) as caught:
            network.accept(wallet.sign(trx, network.values, *keys))
        assert caught.value.code == code
    refused(network, "", vote(), transfer(), role="active")  # posting and active do not mix
    refused(network, "unknown key", vote(voter="nobody-there"), by="alice", code=13)


def test_what_was_signed_is_what_must_be_sent(network):
    trx = network.build(vote(), by=BOT)
    for change in ({"ref_block_num": trx["ref_block_num"] - 1}, {"expiration": clock(network.now + 57)},
                   {"operations": [list(vote(9999))]}):
        with pytest.raises(Refusal, match="Missing Posting Authority"):
            network.accept({**trx, **change})
    other = dataclasses.replace(packing.STEEM, chain_id=b"\x01" * 32)
    with pytest.raises(Refusal, match="Missing Posting Authority"):
        network.accept(wallet.sign(trx, other, (BOT, "posting")))
    network.accept(trx)


def test_high_s_is_refused(network):
    trx = network.build(vote(), by=BOT)
    old = bytes.fromhex(trx["signatures"][0])
    high = curve.N - int.from_bytes(old[33:], "big")
    made = bytes([31 + (old[0] - 31 ^ 1)]) + old[1:33] + high.to_bytes(32, "big")
    data = bytes(packing.transaction(trx, network.values).data)
    assert curve.recover(wallet.digest(data, network.values), made) == wallet.signer(BOT, "posting").key
    assert curve.is_accepted(made) == (made[33:] <= bytes.fromhex("a0201b68462fe9df1d50a457736e575d" + "ff" * 16))
    if not curve.is_accepted(made):
        with pytest.raises(Refusal, match="signature is not canonical"):
            network.accept({**trx, "signatures": [made.hex()]})
    for wrong in (b"\x23" + old[1:], old[:1] + bytes(64)):
        with pytest.raises(Refusal):
            network.accept({**trx, "signatures": [wrong.hex()]})


def test_authority_by_other_accounts(network):
    network.ledger.account("shared", posting=wallet.authority(
        wallet.key_text("shared", "posting"), accounts=["bob", "carol"], threshold=2))
    ops = [vote(voter="shared")]
    for keys, is_enough in (([("bob", "posting")], False), ([("shared", "posting")], False),
                            ([("bob", "active"), ("carol", "active")], False),
                            ([("bob", "posting"), ("carol", "posting")], True)):
        trx = wallet.sign(network.build(*ops), network.values, *keys)
        if is_enough:
            network.accept(trx)
        else:
            with pytest.raises(Refusal, match="Missing Posting Authority shared"):
                network.accept(trx)


def test_expiration(network):
    for left in (0, -3, 3601):
        refused(network, "", vote(), seconds_left=left, code=4030100)
    network.submit(vote(), by=BOT, seconds_left=3600)
    network.submit(custom(), by=BOT, seconds_left=1)
    network.produce()
    assert len(network.landed) == 1  # the time of the block itself is past the other one's expiration


def test_reference_block(network):
    refused(network, "", vote(), code=4030200, ref_block_prefix=1)
    refused(network, "", vote(), code=4030200, **{**network.reference(), "ref_block_num": 7})
    network.accept(network.build(vote(), by=BOT, **network.reference(network.head)))
    network.accept(network.build(custom(), by=BOT, **network.reference(1)))


def test_reference_blocks_go_round():
    network = Network(first=0x1FFFE, blocks=20)
    assert network.reference(0x20001)["ref_block_num"] == 1
    for number in (0x1FFFF, 0x20000, 0x20001):
        network.accept(network.build(custom(str(number)), by=BOT, **network.reference(number)))
    assert network.summary(0xFFFF, network.head) == network.branch.block_id(0x1FFFF)
    assert network.summary(2, network.head) == network.branch.block_id(0x20002)


def test_duplicates_until_the_expiration(network):
    trx = network.build(custom(), by=BOT, seconds_left=6)
    network.accept(trx)
    for _ in range(3):  # in the pool, and in a block
        with pytest.raises(Refusal, match="Duplicate transaction check failed") as caught:
            network.accept(trx)
        assert caught.value.code == 10
        network.produce()
    with pytest.raises(Refusal) as caught:
        network.accept(trx)
    assert caught.value.code == 4030100
    assert len(network.landed) == 1


def test_pace_of_replies(network):
    network.submit(reply("one"), by=BOT)
    refused(network, "You may only comment once every 3 seconds.", reply("two"))
    network.submit(reply("two", author="bob"), by="bob")
    network.produce()
    network.submit(reply("two"), by=BOT)  # the head is another one
    network.produce()
    assert len(network.landed) == 3


def test_pace_of_posts_and_edits(network):
    network.submit(post("one"), by=BOT)
    for _ in range(100):
        refused(network, "You may only post once every 5 minutes.", post("two"))
        network.produce()
    refused(network, "You may only post once every 5 minutes.", post("two"))
    network.produce()
    network.submit(post("two"), by=BOT)
    refused(network, "Can only perform one comment edit per block.", post("two", body="better"))
    refused(network, "once every 3 seconds", reply("three"))
    network.produce()
    network.submit(post("two", body="better"), by=BOT)
    refused(network, "Can only perform one comment edit per block.", post("one", body="better"))
    network.submit(reply("three"), by=BOT)


def test_pace_of_votes(network):
    network.submit(vote(100), by=BOT)
    refused(network, "Can only vote once every 3 seconds.", vote(200))
    network.produce()
    refused(network, "Your current vote on this comment is identical to this vote.", vote(100))
    for weight in (200, 300, 400, 500, 600):
        network.submit(vote(weight), by=BOT)
        network.produce()
    refused(network, "Voter has used the maximum number of vote changes", vote(700))


def test_five_custom_operations_a_block(network):
    for place in range(5):
        network.submit(custom(str(place)), by=BOT)
    text = f"Account {BOT} already submitted 5 custom json operation(s) this block."
    refused(network, text, custom("5"), code=4100000)
    network.submit(custom("5", posting=["bob"]), by="bob")
    network.produce()
    network.submit(*[custom(str(place)) for place in range(6, 11)], by=BOT)
    refused(network, text, custom("11"), code=4100000)


BAD = {
    "Permlink is not a valid size.": [reply("")],
    "Invalid permlink character": [reply("Re")],
    "permlink is too long": [reply(LONG)],
    "Title larger than size limit": [reply("re", title=LONG)],
    "Body is empty": [reply("re", body="")],
    "JSON Metadata not valid JSON": [reply("re", json_metadata="{")],
    "Account name Bad_name is invalid": [reply("re", parent=("Bad_name", "question"))],
    "Account name ab.cde is invalid": [vote(author="ab.cde")],
    "Cannot allocate more than 100%": [post("new"), options("new", extensions=beneficiaries(
        "alice", "bob", weight=6000))],
    "Benficiaries must be specified in sorted order": [post("new"), options(
        "new", extensions=beneficiaries("bob", "alice"))],
    'Beneficiary "nobody" must exist.': [post("new"), options("new", extensions=beneficiaries("nobody"))],
    "Weight is not a STEEMIT percentage": [vote(10001)],
    "Vote weight cannot be 0.": [vote(0)],
    "at least one account must be specified": [custom(posting=())],
    "fc::json::is_valid(json): JSON Metadata not valid JSON": [custom("{")],
    "A transaction must have at least one operation": [],
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_in_itself(network, text):
    refused(network, text, *BAD[text])


@pytest.mark.parametrize("text, op, code", [
    ("Invalid cast", custom(ident="x" * 33), 7), ("Invalid cast", ("vote", {"voter": BOT}), 7),
    ("Invalid cast", transfer("1.0 STEEM"), 7), ("Invalid cast", vote("10000"), 7),
    ("Invalid operation name: author_reward", ("author_reward", {}), 10)])
def test_what_cannot_be_read(network, text, op, code):
    """Nor could it be packed and signed."""
    with pytest.raises(Refusal, match=text) as caught:
        network.accept({**network.build(vote(), by=BOT), "operations": [list(op)]})
    assert caught.value.code == code


def test_what_is_wrong_on_this_chain(network):
    refused(network, "unknown key", reply("re", parent=("alice", "no-such")), code=13)
    refused(network, "unknown key", vote(permlink="no-such"), code=13)
    refused(network, "unknown key", transfer(to="nobody-there"), role="active", code=13)
    refused(network, "sufficient funds", transfer("1000000.001 STEEM"), role="active")
    refused(network, "Cannot transfer a negative amount", transfer("0.000 STEEM"), role="active")
    refused(network, "Memo is too large", transfer(memo="m" * 2048), role="active")
    refused(network, "less than 8192 bytes", custom('"' + "x" * 8191 + '"'), code=4100000)
    network.ledger.comment("bob", "closed", allow_replies=False)
    network.ledger.comment("bob", "deep", parent=("bob", "closed"))
    refused(network, "The parent comment has disabled replies.", reply("re", parent=("bob", "deep")))
    network.ledger.comment("bob", "silent", allow_votes=False)
    refused(network, "Votes are not allowed", vote(author="bob", permlink="silent"))
    parent = None
    for depth in range(256):
        network.ledger.comment("carol", f"deep-{depth}", parent)
        parent = "carol", f"deep-{depth}"
    refused(network, "Comment is nested 255 posts deep, maximum depth is 255.",
            reply("re", parent=parent), code=4100000)
    network.submit(reply("re", parent=("carol", "deep-254")), by=BOT)


def test_the_parent_cannot_change(network):
    network.submit(reply("re"), by=BOT)
    network.produce()
    refused(network, "The parent of a comment cannot change.", post("re"))


def test_size(network):
    def made(body):
        return network.build(post("new", body="b" * body), by=BOT)
    frame = received.Transaction(made(60000), network.values).size - 60000
    limit = MAX_BLOCK_BYTES - 256 - frame
    with pytest.raises(Refusal, match="trx_size <= "):
        network.accept(made(limit + 1))
    network.accept(made(limit))


def test_a_block_has_only_so_much_room(network):
    for place in range(6):
        network.submit(custom(f'"{place}' + "x" * 8000 + '"', posting=["bob" if place < 3 else "carol"]),
                       by="bob" if place < 3 else "carol")
    network.produce(space=30000)
    assert len(network.landed) == 3 and len(network.pool) == 3
    network.produce()
    assert len(network.landed) == 6


def test_resources(network):
    network.exhausted[BOT] = network.head + 1
    refused(network, f"Account: {BOT} has 1234 RC, needs", vote(), code=4100000)
    network.submit(vote(voter="bob"), by="bob")
    network.produce()
    refused(network, "RC", vote(), code=4100000)
    network.produce()
    network.submit(vote(), by=BOT)


# ---- the pool, blocks and forks

def test_what_fails_after_the_next_block_vanishes(network):
    """Two nodes' words about the same permlink: the pool takes both, a block one."""
    network.submit(transfer("600000.000 STEEM"), by=BOT, role="active")
    network.produce()
    late = network.submit(transfer("300000.000 STEEM", memo="2"), by=BOT, role="active")
    network.reserve(received.Transaction(network.build(
        transfer("200000.000 STEEM", memo="3"), by=BOT, role="active", seconds_left=3), network.values))
    network.produce()
    assert len(network.landed) == 2 and late not in network.landed and not network.pool
    network.produce()
    assert late not in network.landed


def test_what_was_dropped_can_be_sent_again(network):
    trx = network.build(vote(), by=BOT)
    trx_id = network.accept(trx).trx_id
    assert network.drop_pending() == 1
    network.produce()
    assert trx_id not in network.landed
    network.accept(trx)
    network.produce()
    assert trx_id in network.landed


def test_a_reserved_transaction_comes_in_the_last_block_that_may_hold_it(network):
    trx = received.Transaction(network.build(custom(), by=BOT, seconds_left=9), network.values)
    network.reserve(trx)
    for _ in range(2):
        network.produce()
        assert not network.landed
    network.produce()
    assert network.now == trx.expiration and trx.trx_id in network.landed
    late = received.Transaction(network.build(custom(), by=BOT, seconds_left=9), network.values)
    network.reserve(late)
    network.produce(missed=40)  # its time is long past the expiration, that of the block before is not
    assert network.now > late.expiration and late.trx_id in network.landed


def test_a_block_holds_five_custom_operations_of_an_account_also_beside_a_reserved_one(network):
    reserved = received.Transaction(network.build(custom(), by=BOT, seconds_left=3), network.values)
    network.reserve(reserved)
    sent = [network.submit(custom(json.dumps({"n": n})), by=BOT) for n in range(5)]
    network.produce()
    assert reserved.trx_id in network.landed
    assert sum(trx_id in network.landed for trx_id in sent) == 4 and not network.pool


def test_missed_slots(network):
    before = network.now
    network.produce(missed=4)
    assert network.now == before + 15
    trx = network.submit(custom(), by=BOT, seconds_left=10)
    network.produce(missed=9)
    assert trx not in network.landed and not network.pool


@pytest.mark.parametrize("depth", [1, 4, 16])
def test_a_fork(network, depth):
    blocks = {number: network.branch.raw(number) for number in range(1, network.head + 1)}
    ids = []
    for place in range(20):
        ids.append(network.submit(transfer(memo=str(place), to="carol"), by=BOT, role="active"))
        network.produce()
    network.submit(transfer(), by=BOT, role="active")
    head, irreversible = network.head, network.irreversible
    old = network.fork(depth, ids[1::2])
    assert network.head == head + 1 and network.irreversible >= irreversible
    first = head - depth + 1
    for number in range(1, network.head + 1):
        raw = network.branch.raw(number)
        assert prover.prove_block(raw, packing.STEEM)[0] == "content"
        assert (raw == old.raw(number)) == (number < first)
        if number < 41:
            assert raw == blocks[number]
        block = json.loads(raw)
        assert block["previous"] == network.branch.block_id(number - 1)
        for trx_id in block["transaction_ids"]:
            assert network.landed[trx_id] == number
    network.produce()
    gone = {place for place, trx_id in enumerate(ids) if trx_id not in network.landed}
    assert gone == {place for place in range(20 - depth, 20) if place % 2}
    assert network.ledger.get("balance", ("bob", "STEEM")) == 10 ** 9 + 1000
    total = sum(len(json.loads(network.branch.raw(n))["transaction_ids"])
                for n in range(1, network.head + 1))
    assert total == len(network.landed)


def test_what_is_irreversible_cannot_fork(network):
    with pytest.raises(ValueError, match="is irreversible"):
        network.fork(network.lag + 1)
    network.fork(network.lag)
    with pytest.raises(ValueError, match="is irreversible"):
        network.fork(network.lag + 2)


def test_a_transaction_that_a_fork_lost_is_no_duplicate(network):
    trx = network.build(transfer(), by=BOT, role="active")
    trx_id = network.accept(trx).trx_id
    network.produce()
    network.fork(1, lost=[trx_id])
    assert trx_id not in network.landed
    network.accept(trx)
    network.produce()
    assert trx_id in network.landed
    assert network.ledger.get("balance", ("bob", "STEEM")) == 10 ** 9 + 1000


def test_blocks_come_by_themselves(network):
    network.live(0.01)
    trx_id = network.submit(vote(), by=BOT)
    number = network.wait_landed(trx_id)
    assert trx_id in json.loads(network.branch.raw(number))["transaction_ids"]
    network.wait_for(lambda: network.irreversible > number)


# ---- nodes

def test_both_forms_of_a_broadcast(network):
    node = CheckingNode(network)
    trx = network.build(transfer(), by=BOT, role="active")
    assert send(node, trx) == {"jsonrpc": "2.0", "result": {}, "id": 7}
    assert len(network.pool) == 1
    ops = [post("new"), options("new", extensions=beneficiaries("bob"), allow_votes=False),
           ("transfer", {**transfer()[1], "memo": "2"})]
    for op, role in ((ops[:2], "posting"), (ops[2:], "active")):
        trx = network.build(*op, by=BOT, role=role)
        trx["operations"] = [{"type": name + "_operation", "value": dict(body)} for name, body in op]
        for one in trx["operations"]:
            if "amount" in one["value"]:
                one["value"]["amount"] = {"amount": "1000", "precision": 3, "nai": "@@000000021"}
            for place, extension in enumerate(one["value"].get("extensions", [])):
                one["value"]["extensions"][place] = {"type": "comment_payout_beneficiaries",
                                                     "value": extension[1]}
        answer = call(node, "broadcast_transaction", {"trx": trx, "max_block_age": 100},
                      "network_broadcast_api")
        assert answer["result"] == {}
    network.produce()
    assert len(network.landed) == 3


def test_condenser_api_cannot_forbid_votes(network):
    node = CheckingNode(network)
    answer = send(node, network.build(post("new"), options("new", allow_votes=False), by=BOT))
    assert answer["error"]["data"]["code"] == 3030000  # what it reads was not signed


def test_only_five_escapes_are_known(network):
    node = CheckingNode(network)
    def answer(text, written, place):
        trx = network.build(custom(json.dumps(text, ensure_ascii=False), ident=f"t{place}"), by=BOT)
        plain = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "call", "params": [
            "condenser_api", "broadcast_transaction", [trx]]}, ensure_ascii=False)
        body = plain.replace(text, written) if written else plain
        assert not written or body != plain
        return call(node, None, None, raw=body.encode())
    assert answer("é 😀 / ü", None, 1)["result"] == {}
    assert answer("a/b", "a\\/b", 2)["result"] == {}
    assert answer("é", "\\u00e9", 3)["error"]["data"]["code"] == 3030000
    trx = network.build(transfer(memo="tab\tline\n\r\"quote\" back\\slash"), by=BOT, role="active")
    assert send(node, trx)["result"] == {}


@pytest.mark.parametrize("shape, code", [("new", -32000), ("newer", -32003), ("old", 1)])
def test_shapes_of_a_refusal(network, shape, code):
    node = CheckingNode(network, shape=shape)
    network.submit(reply("one"), by=BOT)
    answer = send(node, network.build(reply("two"), by=BOT))
    error = answer["error"]
    assert answer["id"] == 7 and ("jsonrpc" in answer) == (shape != "old")
    assert error["code"] == code and "result" not in answer
    said = ("(now - auth.last_post) >= STEEM_MIN_REPLY_INTERVAL_HF20: You may only comment once every"
            " 3 seconds.")
    if shape == "old":
        assert error["message"].startswith(f"10 assert_exception: Assert Exception\n{said}\n    {{")
    else:
        assert error["message"] == f"Assert Exception:{said}"
    data = error["data"]
    assert (data["code"], data["name"], data["message"]) == (10, "assert_exception", "Assert Exception")
    assert data["stack"][0]["format"] == said
    assert data["stack"][1]["data"]["trx"]["operations"][0][1]["permlink"] == "two"
    assert node.count["refusals"] == 1


def test_shapes_are_the_recorded_ones(recorded):
    """Members and their types, of a missing posting authority in 2018 and an active one in 2019."""
    def kinds(value):
        if isinstance(value, dict):
            return {name: kinds(item) for name, item in value.items()
                    if name not in ("data", "trx", "id") or name == "data" and "stack" in item}
        return [kinds(item) for item in value[:1]] if isinstance(value, list) else type(value)
    for name, shape, kind in (
            ("000-jsonrpc-1-network-broadcast-api-broadcast-transaction-synchronous.json", "old",
             "tx_missing_posting_auth"),
            ("071-jsonrpc--32000-condenser-api-broadcast-transaction-synchronous.json", "new",
             "tx_missing_active_auth")):
        body = json.loads((recorded / "errors" / name).read_text(encoding="utf-8"))["body"]
        real = json.loads(body)
        role = kind.split("_")[2].title()
        made = json.loads(Refusal(kind, f"Missing {role} Authority bittrex").answer(real["id"], shape))
        assert kinds(made) == kinds(real)
        for field in ("code", "name", "message"):
            assert made["error"]["data"][field] == real["error"]["data"][field]
        ours, theirs = made["error"]["message"], real["error"]["message"]
        assert ours.split("\n")[:2] == theirs.split("\n")[:2] if shape == "old" else ours == theirs


def test_accounts_and_configuration(network):
    node = CheckingNode(network)
    found = call(node, "get_accounts", [[BOT, "nobody-there"]])["result"]
    assert [account["name"] for account in found] == [BOT]
    for role in ("owner", "active", "posting"):
        assert found[0][role] == {"weight_threshold": 1, "account_auths": [],
                                  "key_auths": [[wallet.key_text(BOT, role), 1]]}
    assert found[0]["balance"] == "1000000.000 STEEM"
    assert call(node, "find_accounts", {"accounts": [BOT]}, "database_api")["result"]["accounts"] == found
    assert call(node, "get_config", [])["result"]["STEEM_CHAIN_ID"] == "0" * 64
    assert call(node, "get_version", {}, "database_api")["result"]["chain_id"] == "0" * 64
    properties = call(node, "get_dynamic_global_properties", [])["result"]
    assert properties["head_block_number"] == network.head
    assert properties["time"] == clock(network.now)
    network.produce()
    assert call(node, "get_dynamic_global_properties", [])["result"]["time"] == clock(network.now)
    trx = network.build(vote(), by=BOT)
    text = call(node, "get_transaction_hex", [trx])["result"]
    assert text == (received.Transaction(trx, network.values).data + b"\x01").hex() + trx["signatures"][0]
    assert "error" in call(node, "no_such_method", [])


def test_synchronous(network):
    node = CheckingNode(network)
    network.live(0.02)
    trx = network.build(vote(), by=BOT)
    answer = call(node, "broadcast_transaction_synchronous", [trx])["result"]
    assert network.landed == {answer["id"]: answer["block_num"]}
    assert "Duplicate" in call(node, "broadcast_transaction_synchronous", [trx])["error"]["message"]


# ---- what nodes do wrong

def test_pending_that_vanishes(network):
    node, other = CheckingNode(network), CheckingNode(network)
    trx = network.build(vote(), by=BOT)
    node.fault("vanish", times=1, blocks=2)
    assert send(node, trx)["result"] == {}
    assert "Duplicate" in send(node, trx)["error"]["message"]
    assert not network.pool
    for _ in range(3):
        network.produce()
    assert not network.landed
    assert send(node, trx)["result"] == {}
    assert "Duplicate" in send(other, trx)["error"]["message"]
    network.produce()
    assert len(network.landed) == 1


def test_answers_that_are_lost(network):
    node = CheckingNode(network)
    node.fault("lost_answer", times=1, method="broadcast_transaction")
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        send(node, network.build(vote(), by=BOT))
    assert len(network.pool) == 1
    late = node.fault("late_answer", times=1, seconds=20)
    got = []
    trx = network.build(custom(), by=BOT)
    thread = threading.Thread(target=lambda: got.append(send(node, trx)))
    thread.start()
    network.wait_for(lambda: len(network.pool) == 2)
    assert not got
    late.release()
    thread.join()
    assert got[0]["result"] == {}
    for what in ("html", "cut"):
        node.fault(what, times=1)
        with pytest.raises(ValueError):
            send(node, network.build(custom(f'"{what}"'), by=BOT))
    assert len(network.pool) == 4
    node.fault("status", times=1, code=502)
    with pytest.raises(urllib.error.HTTPError):
        send(node, network.build(custom("502"), by=BOT))
    node.fault("rpc_error", times=1, code=-32603, message="Internal Error")
    assert send(node, network.build(custom("503"), by=BOT))["error"]["code"] == -32603
    assert len(network.pool) == 4


def test_a_proxy_that_repeats(network):
    node = CheckingNode(network)
    node.fault("repeated", times=1)
    assert "Duplicate" in send(node, network.build(vote(), by=BOT))["error"]["message"]
    assert len(network.pool) == 1 and len(network.received) == 2
    node.fault("repeated", times=1)
    answer = send(node, network.build(vote(permlink="no-such"), by=BOT))
    assert answer["error"]["data"]["code"] == 13 and len(network.received) == 4


@pytest.mark.parametrize("what", ["refused_but_sent", "withheld"])
def test_a_hostile_node(network, what):
    node = CheckingNode(network)
    node.fault(what, times=1)
    trx = network.build(transfer(), by=BOT, role="active", seconds_left=9)
    assert send(node, trx)["error"]["message"] == f"Assert Exception:{HOSTILE.said}"
    network.produce()
    assert len(network.landed) == (1 if what == "refused_but_sent" else 0)
    network.produce()
    network.produce()
    assert len(network.landed) == 1


def test_what_a_hostile_node_was_sent_wrong_goes_nowhere(network):
    node = CheckingNode(network)
    node.fault("withheld", times=1)
    send(node, network.build(vote(), by="alice"))
    assert not network.reserved


def test_refusals_that_are_asked_for(network):
    node = CheckingNode(network, shape="old")
    node.fault("refused", times=1, refusal=Refusal("transaction_expiration_exception", ""))
    assert send(node, network.build(vote(), by=BOT))["error"]["data"]["code"] == 4030100
    node.fault("exhausted", times=1)
    assert "bandwidth limit exeeded" in send(node, network.build(vote(), by=BOT))["error"]["message"]
    assert not network.pool
    assert send(node, network.build(vote(), by=BOT))["result"] == {}


def test_a_node_that_is_behind(network):
    node, ahead = CheckingNode(network, behind=1300), CheckingNode(network)
    for _ in range(1300):
        network.produce()
    assert (node.head, ahead.head) == (network.head - 1300, network.head)
    trx = network.build(vote(), by=BOT)
    answer = send(node, trx)["error"]["data"]["code"]  # it does not know the reference block yet
    assert answer == 4030200
    trx = network.build(vote(), by=BOT, **network.reference(1))
    assert send(node, trx)["error"]["data"]["code"] == 4030100  # more than an hour ahead of its head
    node.behind = 20
    assert send(node, trx)["result"] == {}
    node.behind = None
    stuck = node.head
    network.produce()
    assert node.head == stuck and ahead.head == network.head


def test_a_node_of_another_chain(network):
    values = dataclasses.replace(packing.STEEM, chain_id=b"\xbe" * 32)
    foreign = Network(values=values, label="foreign")
    node = CheckingNode(foreign)
    assert call(node, "get_config", [])["result"]["STEEM_CHAIN_ID"] == "be" * 32
    assert send(node, network.build(vote(), by=BOT))["error"]["data"]["code"] == 3030000
    assert foreign.branch.block_id(5) != network.branch.block_id(5)
    alike = Network(label="alike")
    other = CheckingNode(alike)  # the same chain id, as after a split
    assert send(other, network.build(vote(), by=BOT))["error"]["data"]["code"] == 4030200
    for made in (node, other):
        made.close()


def test_chances_follow_the_seed(network):
    def hits(seed):
        node = CheckingNode(network)
        fault = node.fault("rpc_error", chance=0.3, seed=seed)
        found = ["error" in call(node, "get_config", []) for _ in range(60)]
        fault.clear()
        return found
    first = hits(1)
    assert first == hits(1) != hits(2) and 5 < sum(first) < 35


# ---- what it notes, and the command

def command(*arguments):
    return subprocess.Popen([*DIES_WITH_US, sys.executable, "-B", "-m", "harness.network", *arguments],
                            stdout=subprocess.PIPE, text=True, cwd=pathlib.Path(__file__).parent)


def test_the_command():
    """A chain for people, with the keys for its accounts."""
    with command("--wif", "new-bot/posting") as made:
        key = made.stdout.read().strip()
    assert key == wallet.wif("new-bot", "posting")
    made = command("--interval", "0.05", "--nodes", "2", "--blocks", "30", "--account", "new-bot")
    try:
        urls = made.stdout.readline().split()
        assert len(urls) == 2
        place = types.SimpleNamespace(url=urls[1])
        assert call(place, "get_accounts", [["new-bot"]])["result"][0]["name"] == "new-bot"

        def head():
            return call(place, "get_dynamic_global_properties", [])["result"]["head_block_number"]
        polling.poll(head, lambda number: number > 35, otherwise=lambda number: f"block {number}")
    finally:
        made.terminate()
        assert made.wait(20) == 0
        made.stdout.close()


def test_received_is_noted_whatever_became_of_it(network):
    node = CheckingNode(network)
    seen = []
    network.witness = seen.append
    send(node, network.build(vote(), by=BOT))
    send(node, network.build(vote(200), by=BOT))
    assert [one.said.split(":")[0] for one in network.received] == ["accepted", "assert_exception"]
    assert seen == network.received and seen[0].accounts == {BOT} and seen[0].head == network.head


def test_a_connection_that_ends_early_is_no_broadcast(network):
    node = CheckingNode(network)
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "condenser_api.broadcast_transaction",
                       "params": [network.build(vote(), by=BOT)]}).encode()
    with socket.create_connection(("127.0.0.1", node.port)) as made:
        made.sendall(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:-9])
    node.wait_for(lambda: not node._sockets)  # pylint: disable=protected-access
    assert not network.received
