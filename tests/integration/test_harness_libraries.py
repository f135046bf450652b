"""The simulated node against libraries for Steem that nobody here wrote."""

import pytest

from harness import operations, packing, wallet
from harness.libraries import Libraries
from harness.network import Network
from harness.received import Transaction

BOT = "answer-bot"
# Neither can read a proof of work. What else they do otherwise than a node, see ../shared/research/
# binary-format.md, section 3.
OTHERWISE = {"dsteem": {"escrow_transfer", "limit_order_create2", "pow", "pow2"},
             "steem": {"witness_set_properties", "pow", "pow2"}}


@pytest.fixture(name="libraries", scope="module")
def public_libraries():
    return Libraries()


def unsigned(network, *ops):
    trx = network.build(*ops)
    return {**trx, "signatures": []}


OPS = [
    ([("vote", {"voter": BOT, "author": "alice", "permlink": "question", "weight": -10000})], "posting"),
    ([("transfer", {"from": BOT, "to": "bob", "amount": "0.001 SBD", "memo": "für 😀\n\"/\\"})], "active"),
    ([("custom_json", {"required_auths": [], "required_posting_auths": [BOT], "id": "follow",
                       "json": '["follow",{"what":["blog"]}]'})], "posting"),
    ([("comment", {"parent_author": "", "parent_permlink": "test", "author": BOT, "permlink": "p",
                   "title": "你好", "body": "b", "json_metadata": '{"tags":[]}'}),
      ("comment_options", {
          "author": BOT, "permlink": "p", "max_accepted_payout": "1000000.000 SBD",
          "percent_steem_dollars": 10000, "allow_votes": True, "allow_curation_rewards": True,
          "extensions": [[0, {"beneficiaries": [{"account": "bob", "weight": 500}]}]]})], "posting"),
]


@pytest.mark.parametrize("library", ["dsteem", "steem"])
def test_the_node_takes_what_a_library_signs(libraries, library):
    network = Network()
    jobs = []
    for ops, role in OPS:
        trx = unsigned(network, *ops)
        if library == "dsteem":
            del trx["signatures"]
        jobs.append((trx, wallet.wif(BOT, role)))
    signed = libraries.sign(library, jobs)
    for trx in signed:
        network.accept(trx)
    network.produce()
    assert len(network.landed) == len(OPS)


@pytest.mark.parametrize("library", ["dsteem", "steem"])
def test_a_library_reads_what_the_node_reads(libraries, library):
    """Id, bytes and key, of a transaction of each operation."""
    network, made = Network(blocks=20), []
    for name in packing.OPERATIONS:
        if name in OTHERWISE[library]:
            continue
        body = operations.REAL[name](operations.Dice(name, library))
        trx = Transaction(network.build((name, body)), network.values)
        made.append(Transaction(wallet.sign(trx.json, network.values, (BOT, "active")), network.values))
    assert len(made) == 47 - len(OTHERWISE[library])
    key = wallet.key_text(BOT, "active")
    for trx, found in zip(made, libraries.read(library, [trx.json for trx in made])):
        assert found == (trx.trx_id, trx.data.hex(), [key]), trx.operations
