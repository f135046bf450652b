"""Nodes that make up blocks which agree with themselves, and claims: what is stored is what most nodes say.

A hostile node here serves a branch of its own: each block of it proves, down to its witness's signature. Only
the other nodes and the links to the stored chain give it away.
"""

import datetime
import json
import signal
import time

import pytest

from harness import packing
from harness.chain import GENESIS, SyntheticChain

LAST = 100
BOMB = 4_294_967_295


def hostile(world, first=LAST + 1, ahead=3, **options):
    """A node that claims more irreversible blocks than the others, and makes them up."""
    branch = SyntheticChain(fork=(first, "made up"))
    options.setdefault("irreversible", LAST + ahead)
    return world.node(branch, **options)


def honest(world, count=2, slow=0.03, **options):
    """Nodes of the chain, slower than the hostile one: so that one is asked first."""
    options.setdefault("irreversible", LAST)
    nodes = [world.node(**options) for _ in range(count)]
    for node in nodes:
        node.fault("delay", seconds=slow)
    return nodes


def url_of(node):
    return node.url.removeprefix("http://").rstrip("/")


def advance(nodes, count=1):
    for node in nodes:
        node.advance(count)


def claims(node, irreversible):
    """It says so, whatever it has."""
    def say(raw):
        told = json.loads(raw)
        told["head_block_number"] = min(irreversible + 17, BOMB)
        told["last_irreversible_block_num"] = irreversible
        return json.dumps(told).encode()

    node.fault("mangle", method="get_dynamic_global_properties", function=say)


def true(world, chain, last, **options):
    world.expect(chain, (1, last), proves=packing.STEEM, **options)


def tails(world, **sections):
    reader = world.start(**sections)
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    return reader


# ---- one of three

def test_a_forged_tip(world):
    good = honest(world)
    liar = hostile(world)
    reader = tails(world)
    slowest = 0
    for _ in range(12):
        advance([*good, liar])
        since = time.monotonic()
        world.db.wait_block(good[0].irreversible, timeout=10)
        slowest = max(slowest, time.monotonic() - since)
    print(f"the tail was late by {slowest:.2f} s")
    assert slowest < 4  # 2 s and what a busy machine adds
    assert url_of(liar) in reader.wait_for("claim_false").message
    world.db.wait_until("SELECT false_claims FROM reader_status", lambda count: count > 0)
    assert not world.db.value("SELECT COUNT(*) FROM orphans")
    true(world, good[0].chain, good[0].irreversible)


def test_through_a_restart(world):
    good = honest(world)
    liar = hostile(world)
    for _ in range(3):
        reader = world.start()
        reader.wait_for("tail_started")
        advance([*good, liar])
        world.db.wait_block(good[0].irreversible, timeout=10)
        assert reader.stop() == 0
    true(world, good[0].chain, good[0].irreversible)


@pytest.mark.parametrize("first", [1, 2, 50, LAST])
def test_a_first_start(world, first):
    """The database is empty; the hostile one leaves the chain somewhere below."""
    good = honest(world)
    hostile(world, first=first, ahead=40)
    world.run("--once", timeout=60)
    true(world, good[0].chain, LAST)


def test_a_backfill(world):
    good = honest(world)
    hostile(world, first=30)
    world.run("--backfill", "20-90", timeout=60)
    world.expect(good[0].chain, (20, 90), proves=packing.STEEM)


def test_it_gives_nothing_of_what_it_claims(world):
    """Neither blocks nor refusals that would end a request: the others are asked at once."""
    good = honest(world)
    liar = hostile(world)
    liar.fault("null", method="get_block", block=range(LAST + 1, 10000))
    tails(world)
    for _ in range(5):
        advance([*good, liar])
        world.db.wait_block(good[0].irreversible, timeout=8)
    true(world, good[0].chain, good[0].irreversible)


def test_the_others_do_not_have_the_newest_block_yet(world):
    """Their names stand for several servers: one tells the head, another one does not have the block. That is no vote."""
    good = honest(world)
    liar = hostile(world)
    reader = tails(world)
    for node in good:
        node.fault("null", method="get_block", block=range(LAST + 1, 10000))
    advance(good, 3)
    for node in good:
        seen = node.count["get_block"]
        node.wait_for(lambda node=node, seen=seen: node.count["get_block"] > seen + 1)
    assert world.db.value("SELECT MAX(block) FROM blocks") == LAST
    for node in good:
        node.heal()
    world.db.wait_block(LAST + 3, timeout=20)
    assert url_of(liar) in reader.wait_for("claim_false").message
    true(world, good[0].chain, LAST + 3)


def test_both_others_fail_in_one_moment(world):
    """Nodes that were away for a second have not lost their votes to the one that waited for that."""
    good = honest(world)
    liar = hostile(world, ahead=0)
    reader = tails(world)
    for node in good:
        node.refuse()
    for node in good:
        reader.wait_for("node_failed", containing=url_of(node))
    liar.advance(5)
    seen = liar.count["get_dynamic_global_properties"]
    liar.wait_for(lambda: liar.count["get_dynamic_global_properties"] > seen + 4)
    assert world.db.value("SELECT MAX(block) FROM blocks") == LAST
    assert world.db.value("SELECT MAX(irreversible_block) FROM readers") == LAST
    for node in good:
        node.accept()
    advance(good, 5)
    world.db.wait_block(LAST + 5, timeout=20)
    true(world, good[0].chain, LAST + 5)


def test_both_others_fail_at_a_start(world):
    good = honest(world)
    liar = hostile(world, ahead=0)
    assert tails(world).stop() == 0
    before = liar.count["get_block"]
    liar.advance(5)
    for node in good:
        node.refuse()
    world.start(name="again").wait_for("node_failed", count=6)
    liar.wait_for(lambda: liar.count["get_block"] > before + 5)
    assert world.db.value("SELECT MAX(block) FROM blocks") == LAST
    for node in good:
        node.accept()
    advance(good, 5)
    world.db.wait_block(LAST + 5, timeout=60)
    true(world, good[0].chain, LAST + 5)


@pytest.mark.parametrize("claim", [LAST + 3, LAST + 1000, 70_000_000, BOMB])
def test_a_bomb_of_a_claim(world, claim):
    """What no other node says is not looked for, recorded, or written to the table of readers."""
    good = honest(world)
    liar = world.node(irreversible=LAST, name="bomber")
    reader = tails(world)
    claims(liar, claim)
    for _ in range(4):
        advance(good)
        world.db.wait_block(good[0].irreversible, timeout=10)
    assert world.db.value("SELECT MAX(irreversible_block) FROM readers") <= good[0].irreversible
    assert world.db.value("SELECT COUNT(*) FROM known_gaps") == 0
    assert reader.stop() == 0
    again = world.start()
    again.wait_for("tail_started")
    advance(good)
    world.db.wait_block(good[0].irreversible, timeout=10)
    assert world.db.value("SELECT MAX(irreversible_block) FROM readers") <= good[0].irreversible
    true(world, good[0].chain, good[0].irreversible)


# ---- one of two: nothing false is stored, but the tail may stand

def test_one_of_two_forges_the_tip(world):
    good, = honest(world, 1)
    liar = hostile(world)
    reader = tails(world)
    advance([good, liar], 4)
    line = reader.wait_for("block_disputed", timeout=30)
    assert "the nodes do not agree about block 101" in line.message
    assert "1 of 2 nodes give this version" in line.message
    assert world.db.value("SELECT MAX(block) FROM blocks") == LAST
    liar.reorganise(SyntheticChain())
    world.db.wait_block(good.irreversible, timeout=30)
    world.db.wait_blocks(good.irreversible, timeout=40)
    true(world, good.chain, good.irreversible)


def test_one_of_two_claims_so_much_that_the_other_seems_to_lag(world):
    """The clock allows 35 blocks above what is irreversible, and 30 are a lag."""
    began = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
    genesis = began - datetime.timedelta(seconds=3 * (LAST + 17))
    good = world.node(SyntheticChain(genesis=genesis), irreversible=LAST)
    liar = world.node(SyntheticChain(genesis=genesis, fork=(LAST + 1, "made up")), irreversible=LAST)
    reader = tails(world)
    liar.irreversible = LAST + 33
    good.irreversible = LAST + 3
    reader.wait_for("block_disputed", timeout=30)
    assert world.db.value("SELECT MAX(block) FROM blocks") == LAST
    liar.reorganise(SyntheticChain(genesis=genesis))
    liar.irreversible = good.irreversible
    world.db.wait_block(good.irreversible, timeout=40)
    world.db.wait_blocks(good.irreversible, timeout=40)
    true(world, good.chain, good.irreversible)


def test_one_of_two_at_a_first_start(world):
    """Neither can be believed where they differ; below, they agree."""
    good, = honest(world, 1)
    hostile(world, first=60, irreversible=LAST)
    reader = world.run("--once", code=69, timeout=60)
    assert "different chains" in reader.stderr
    world.expect(good.chain, (1, LAST), allow_missing=[(1, LAST)], gaps=False)


# ---- a list of nodes that is read again

def test_nodes_that_come_later_get_their_votes(world):
    """The hostile one was the only one; then two honest ones are configured as well."""
    liar = hostile(world, ahead=0)
    reader = tails(world)
    good = honest(world)
    reader.config_path.write_text(world.config(reader.name).read_text())
    reader.signal(signal.SIGHUP)
    for node in good:
        node.wait_for(lambda node=node: node.count["get_block"])
    seen = liar.count["get_dynamic_global_properties"]
    liar.advance(3)
    liar.wait_for(lambda: liar.count["get_dynamic_global_properties"] > seen + 2)
    advance(good, 3)
    world.db.wait_block(LAST + 3, timeout=20)
    true(world, good[0].chain, LAST + 3)


# ---- a branch that is not the stored one

def test_a_long_partition(world):
    """Under rows that are irreversible two nodes part. The good one is away for a while, and comes back."""
    good, = honest(world, 1, slow=0)
    other = world.node(irreversible=LAST)
    reader = tails(world)
    other.refuse()
    good.advance(10)
    world.db.wait_blocks(LAST + 10, timeout=40)
    other.reorganise(SyntheticChain(fork=(LAST + 1, "partition")))
    other.irreversible = LAST + 40
    good.refuse()
    other.accept()
    line = reader.wait_for("claim_false", timeout=60)
    assert url_of(other) in line.message and f"block {LAST + 10} as" in line.message
    other.advance(5)
    world.run("--once", name="second", code=69)
    assert world.db.value("SELECT MAX(block) FROM blocks") == LAST + 10
    good.advance(10)
    good.accept()
    world.db.wait_blocks(LAST + 20, timeout=40)
    other.reorganise(SyntheticChain())
    other.irreversible = good.irreversible
    advance([good, other], 30)  # beyond what the other branch called irreversible
    world.db.wait_blocks(LAST + 50, timeout=40)
    true(world, good.chain, LAST + 50)


def test_rows_that_most_nodes_deny_do_not_speak_for_the_liar(world):
    """A poisoned database: after a restart the honest nodes are not shut out, and the rows are named."""
    liar = hostile(world, ahead=10)
    world.run("--once", timeout=60)
    good = honest(world, 2, irreversible=LAST + 12)
    reader = world.start()
    line = reader.wait_for("stored_block_orphaned", timeout=40)
    assert f"--verify {LAST + 10}-{LAST + 10} --repair" in line.message
    reader.wait_for("tail_started", timeout=40)
    assert reader.stop() == 0
    world.run("--verify", f"1-{LAST + 10}", "--repair", code=0, timeout=60)
    assert world.db.value("SELECT COUNT(DISTINCT block) FROM orphans") > 0
    advance([*good, liar])
    last = good[0].irreversible
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.start(name="again")
    world.db.wait_blocks(last, timeout=60)
    true(world, good[0].chain, last, forks=[liar.chain])


# ---- time

def test_no_block_comes_before_its_time(world):
    """A node that is alone claims and makes up blocks of the next hours."""
    began = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
    genesis = began - datetime.timedelta(seconds=3 * (LAST + 20))
    node = world.node(SyntheticChain(genesis=genesis), irreversible=LAST)
    reader = tails(world)
    node.irreversible = LAST + 800
    line = reader.wait_for("claim_false")
    assert "not possible before block" in line.message and url_of(node) in line.message
    assert world.db.value("SELECT MAX(block) FROM blocks") == LAST
    assert world.db.value("SELECT MAX(irreversible_block) FROM readers") == LAST
    node.irreversible = LAST + 3
    world.db.wait_block(LAST + 3, timeout=30)
    true(world, node.chain, LAST + 3)


def test_a_clock_that_is_behind_stops_nothing(world):
    """The chain is from tomorrow, by the clock of the database."""
    genesis = GENESIS.replace(year=2037)
    node = world.node(SyntheticChain(genesis=genesis), irreversible=LAST)
    reader = tails(world)
    node.advance(50)
    world.db.wait_block(LAST + 50)
    assert not reader.events("claim_false")
    true(world, node.chain, LAST + 50)


# ---- a pinned chain

def pin(chain, number):
    return {"checkpoint": f"{number}:{chain.block_id(number)}"}


def test_the_chains_first_block_is_pinned(world):
    """A node that is alone at a first start serves a chain of its own making."""
    node = world.node(irreversible=LAST)
    reader = world.run("--once", code=78, reader={"checkpoint": ""})
    assert "serve another chain than the one of reader.chain" in reader.stderr
    assert "another block 1;" in reader.stderr
    assert world.db.value("SELECT COUNT(*) FROM blocks") == 0
    world.run("--once", reader=pin(node.chain, 1))
    true(world, node.chain, LAST)


def test_most_nodes_lie_at_a_first_start_and_a_checkpoint_is_known(world):
    good, = honest(world, 1, slow=0)
    for _ in range(2):
        hostile(world, first=50, irreversible=LAST)
    reader = world.run("--once", reader=pin(good.chain, 90), timeout=60)
    assert len(reader.events("node_excluded")) == 2
    true(world, good.chain, LAST)


def test_a_checkpoint_that_no_node_has_yet(world):
    good, = honest(world, 1, slow=0)
    reader = world.run("--once", reader=pin(good.chain, LAST + 50))
    assert f"no node gives block {LAST + 50}" in reader.wait_for("chain_unchecked").message
    true(world, good.chain, LAST)


@pytest.mark.parametrize("text", ["1", "x", "1:", "0:" + "0" * 40, "2:00000001" + "0" * 32, "-1:" + "f" * 40,
                                  "1:00000001" + "0" * 31, "4294967296:" + "0" * 40, "1 :00000001" + "0" * 32])
def test_a_checkpoint_that_is_none(world, text):
    world.node(irreversible=LAST)
    reader = world.run("--check-config", code=78, reader={"checkpoint": text})
    assert "reader.checkpoint" in reader.stderr and "the number of a block, a colon and its id" in reader.stderr
