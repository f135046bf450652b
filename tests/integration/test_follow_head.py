"""reader.follow = "head": reversible blocks at once, forks, and what becomes of orphans."""

import random

import pytest

from harness import operations
from harness.chain import SyntheticChain
from harness.ticker import Ticker

HEAD = {"follow": "head"}
WITNESSES = len(operations.NAMES)
# Of 21 witnesses 16 must have built on a block: its own one, and those of so many above it.
ABOVE = 15
# The chain forks behind block 33; no block of an even eight is among the orphans: those are empty.
IRREVERSIBLE, FORKED, NEWEST = 24, 34, 39
REVERSIBLE = "SELECT COUNT(*) FROM blocks WHERE is_irreversible = 0"
ORPHANED = "SELECT COUNT(DISTINCT block) FROM orphans"
IS_THERE = "SELECT COUNT(*) FROM blocks WHERE block = %s AND LOWER(HEX(block_id)) = %s"
# Blocks whose operations are not all there; blocks of the new branch without orphans, and
# orphans whose block still stands.
HALF = """SELECT COUNT(*) FROM blocks b WHERE stored_operations <>
          (SELECT COUNT(*) FROM blockchain o WHERE o.block = b.block)"""
TORN = HALF + """ OR (block BETWEEN %s AND %s AND
          (is_irreversible = 1) <> EXISTS (SELECT 1 FROM orphans o WHERE o.block = b.block))"""


def fork_at(number=FORKED, label="b", **options):
    return SyntheticChain(fork=(number, label), **options)


def begin(world, **options):
    """A node with reversible blocks, and a reader that has stored them."""
    node = world.node(irreversible=IRREVERSIBLE, head=NEWEST)
    reader = world.start(reader=HEAD, **options)
    world.db.wait_blocks(NEWEST)
    return node, reader


def settle(world, node, last, forks, timeout=20):
    """Everything up to `last` becomes irreversible."""
    node.head = max(node.head, last + ABOVE)
    node.irreversible = last
    world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 1",
                        lambda count: count >= last, timeout)
    world.expect(node.chain, (1, last), forks=forks, reversible=[(last + 1, node.head)])


def is_there(world, chain, number):
    world.db.wait_until(IS_THERE, args=(number, chain.block_id(number)))


def test_a_block_is_there_at_once_and_confirmed_later(world):
    node, _ = begin(world)
    assert world.db.value(REVERSIBLE) == NEWEST - IRREVERSIBLE
    assert world.db.value("SELECT MAX(block) FROM blocks WHERE is_irreversible = 1") == IRREVERSIBLE
    assert world.db.value("SELECT last_block FROM readers") <= IRREVERSIBLE
    world.audit(node.chain, (1, IRREVERSIBLE), reversible=[(IRREVERSIBLE + 1, NEWEST)])
    node.grow()
    world.db.wait_block(NEWEST + 1)
    world.db.wait_until("SELECT is_irreversible FROM blocks WHERE block = %s",
                        args=(IRREVERSIBLE + 1,))
    assert world.db.value("SELECT last_block FROM readers") == IRREVERSIBLE + 1
    assert world.db.value("SELECT COUNT(*) FROM orphans") == 0
    settle(world, node, NEWEST + 1, ())


def test_the_head_is_followed_at_the_pace_of_the_chain(world):
    """Each block is in the table before the next two are made."""
    node, _ = begin(world)
    ticker = Ticker(0.5, node.grow)
    node.wait_for(lambda: node.head >= NEWEST + 16)  # the pace is learned
    late = 0
    for _ in range(12):
        head = node.head
        world.db.wait_block(head)
        late += node.head > head + 1
        node.wait_for(lambda seen=head: node.head > seen)
    ticker.cancel()
    assert late <= 4
    settle(world, node, node.head, ())


@pytest.mark.slow
def test_the_nodes_are_not_asked_too_often(world):
    """A block every three seconds: so many requests for each, at the head and below."""
    node, _ = begin(world)
    node.grow(WITNESSES)  # their keys are asked for once
    world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 1",
                        lambda count: count == node.irreversible)
    ticker = Ticker(3, node.grow)
    node.wait_for(lambda: node.head >= NEWEST + WITNESSES + 2)
    before, head = len(node.log), node.head
    node.wait_for(lambda: node.head >= head + 6)
    ticker.cancel()
    assert len(node.log) - before <= 6 * 4
    settle(world, node, node.head, ())


def test_a_fork_is_noticed_and_replaced_by_the_reader_itself(world):
    """Each orphan goes in one transaction: at any moment a block is whole, old or new."""
    node, reader = begin(world)
    orphaned = node.chain
    node.reorganise(fork_at(), head=NEWEST + 2)
    world.db.wait_block(NEWEST + 2)
    line = reader.wait_for("fork_noticed")
    assert f"block {NEWEST + 1}" in line.message and f"with block {NEWEST} " in line.message
    is_there(world, orphaned, NEWEST)
    assert world.db.value("SELECT COUNT(*) FROM orphans") == 0
    node.head = NEWEST + ABOVE
    node.irreversible = NEWEST
    count = 0
    while count < NEWEST - FORKED + 1:
        assert world.db.value(TORN, FORKED, NEWEST) == 0
        count = world.db.value(ORPHANED)
    reader.wait_for("block_replaced", count=count)
    settle(world, node, NEWEST + 2, (orphaned,))
    assert len(reader.events("fork_noticed")) == 1


def test_an_irreversible_reader_replaces_what_a_dead_one_left(world):
    node, reader = begin(world)
    reader.kill()
    orphaned = node.chain
    node.reorganise(fork_at(), head=NEWEST + 2)
    other = world.start(name="other")
    other.wait_for("tail_started")
    assert world.db.value(REVERSIBLE) == NEWEST - IRREVERSIBLE
    node.irreversible = NEWEST + 1
    other.wait_for("block_replaced", count=NEWEST - FORKED + 1)
    settle(world, node, NEWEST + 2, (orphaned,))
    assert world.db.value(REVERSIBLE) == 0


def test_a_reader_that_did_not_write_the_orphan_notices_the_fork(world):
    """It sees other blocks than those that stand in the table."""
    node, reader = begin(world)
    reader.kill()
    orphaned = node.chain
    node.reorganise(fork_at(), head=NEWEST + 1)
    other = world.start(name="other", reader=HEAD)
    line = other.wait_for("fork_noticed")
    assert orphaned.block_id(int(line.message.split("with block ")[1].split()[0])) in line.message
    world.db.wait_block(NEWEST + 1)
    is_there(world, orphaned, FORKED)
    settle(world, node, NEWEST + 1, (orphaned,))


def test_replay_confirms_and_replaces_what_all_left(world):
    node, reader = begin(world)
    reader.kill()
    orphaned = node.chain
    node.reorganise(fork_at(), head=500)
    node.irreversible = 400
    world.db.execute("UPDATE readers SET irreversible_block = 400")  # as if one had heard of it
    world.run("--gaps")
    world.audit_gaps(range(IRREVERSIBLE + 1, 401))
    world.run("--once")
    assert world.db.value(REVERSIBLE) == 0
    assert world.db.value(ORPHANED) == NEWEST - FORKED + 1
    world.expect(node.chain, (1, 400), forks=(orphaned,))


def test_an_operation_can_come_again_in_another_block(world):
    """A bot finds it by its trx_id: the query of doc/database.md."""
    node, _ = begin(world)
    orphaned = node.chain
    node.reorganise(fork_at(again={NEWEST + 1: [(orphaned, 36, 0)]}), head=NEWEST + 1)
    settle(world, node, NEWEST + 1, (orphaned,))
    found = world.db.rows(
        "SELECT o.block, MAX(b.block) FROM orphans o LEFT JOIN blockchain b"
        " ON b.trx_id = o.trx_id AND b.op_in_trx = o.op_in_trx GROUP BY o.block ORDER BY o.block")
    assert dict(found) == {number: NEWEST + 1 if number == 36 else None
                           for number in range(FORKED, NEWEST + 1)}


def test_two_readers_whose_nodes_are_on_different_forks(world):
    """Nothing goes to and fro: a reversible row stays until the irreversible block is there."""
    left = world.node(irreversible=IRREVERSIBLE, head=NEWEST)
    right = world.node(fork_at(), irreversible=IRREVERSIBLE, head=NEWEST)
    readers = [world.start(name=f"reader{place}", reader=HEAD, nodes=[{"url": node.url}])
               for place, node in enumerate((left, right))]
    for reader in readers:
        reader.wait_for("tail_started")
    first = {}
    for _ in range(6):
        left.head += 1
        right.head += 1
        world.db.wait_block(left.head)
        for row in world.db.rows("SELECT block, block_id, committed_at FROM blocks"
                                 " WHERE is_irreversible = 0"):
            assert first.setdefault(row[0], row) == row
    assert any(reader.events("fork_noticed") for reader in readers)
    orphaned = left.chain
    left.reorganise(right.chain)
    left.irreversible = NEWEST
    settle(world, right, NEWEST + 6, (orphaned,))


@pytest.mark.parametrize("gives", [True, False])
def test_a_node_that_claims_a_head_far_ahead(world, gives):
    """It plants no row, for the others do not give its blocks, and does not lead the reader away."""
    liar = world.node(fork_at(label="liar"), irreversible=IRREVERSIBLE, head=100000)
    honest, other = (world.node(irreversible=IRREVERSIBLE, head=NEWEST) for _ in range(2))
    if not gives:
        liar.fault("null", method="get_block", block=range(NEWEST, 200000))
    world.start(reader=HEAD)
    liar.wait_for(lambda: liar.count["get_block"] > 0)
    is_there(world, honest.chain, NEWEST)
    for _ in range(3):
        honest.grow()
        other.grow()
        world.db.wait_block(honest.head)
    assert world.db.value("SELECT MAX(block) FROM blocks") == honest.head
    last = honest.head
    liar.close()
    other.head, other.irreversible = last + ABOVE, last  # one of three would not decide alone at once
    settle(world, honest, last, ())


def test_half_of_the_nodes_are_some_blocks_behind(world):
    """What both have is stored at once, and is irreversible in time."""
    ahead = world.node(irreversible=IRREVERSIBLE, head=NEWEST + 5)
    behind = world.node(irreversible=IRREVERSIBLE, head=NEWEST)
    behind.fault("delay", seconds=0.1)  # the other one is followed
    reader = world.start(reader=HEAD)
    world.db.wait_block(NEWEST)
    for _ in range(3):
        ahead.grow()
        behind.grow()
        world.db.wait_block(behind.head)
    world.db.wait_until("SELECT MAX(block) = %s FROM blocks WHERE is_irreversible", args=(behind.irreversible,))
    assert world.db.value("SELECT MAX(block) FROM blocks") == behind.head
    assert not reader.events("fork_noticed")
    world.expect(ahead.chain, (1, behind.irreversible), reversible=[(behind.irreversible + 1, behind.head)])


def test_no_more_than_two_hundred_blocks_ahead(world):
    node = world.node(irreversible=IRREVERSIBLE, head=400)
    world.start(reader=HEAD)
    world.db.wait_block(IRREVERSIBLE + 200)
    node.irreversible += 1
    world.db.wait_block(IRREVERSIBLE + 201)
    assert world.db.value("SELECT MAX(block) FROM blocks") == IRREVERSIBLE + 201
    world.expect(node.chain, (1, IRREVERSIBLE + 1), reversible=[(IRREVERSIBLE + 2, 400)])


def irreversible_rows(world):
    return {row[0]: row for row in world.db.rows(
        "SELECT block, block_id, stored_operations, reader_id, committed_at FROM blocks"
        " WHERE is_irreversible = 1")}


def test_a_node_that_gives_another_block_for_an_irreversible_one_is_wrong(world):
    node, reader = begin(world)
    before = irreversible_rows(world)
    # It restarts, on a branch that leaves the chain below what is irreversible.
    node.irreversible = 12
    node.reorganise(fork_at(17), head=NEWEST + 2)
    line = reader.wait_for("fork_noticed")
    assert f"with block {NEWEST} " in line.message
    seen = node.count["get_block"]
    node.wait_for(lambda: node.count["get_block"] >= seen + 2)
    assert irreversible_rows(world) == before
    assert world.db.value("SELECT COUNT(*) FROM orphans") == 0
    orphaned = node.chain
    node.reorganise(SyntheticChain())
    settle(world, node, NEWEST + 2, (orphaned,))


def test_a_branch_that_does_not_link_to_what_is_irreversible(world):
    """Nothing of it is stored; its node rests, and is asked again from below."""
    node = world.node(irreversible=IRREVERSIBLE, head=IRREVERSIBLE)
    reader = world.start(reader=HEAD)
    reader.wait_for("tail_started")
    world.db.wait_blocks(IRREVERSIBLE)
    before = irreversible_rows(world)
    node.reorganise(fork_at(17), head=NEWEST)
    line = reader.wait_for("fork_noticed")
    assert f"block {IRREVERSIBLE + 1} " in line.message
    assert f"with block {IRREVERSIBLE} " in line.message
    assert world.db.value("SELECT MAX(block) FROM blocks") == IRREVERSIBLE
    node.reorganise(SyntheticChain(), head=NEWEST + 1)
    is_there(world, node.chain, IRREVERSIBLE + 1)
    assert irreversible_rows(world) == before
    settle(world, node, NEWEST + 1, ())


def test_irreversible_rows_are_never_touched(world):
    """Both kinds of readers, forks at every turn, kill -9 in between; a promise of its own."""
    dice = random.Random(4)
    node = world.node(irreversible=IRREVERSIBLE, head=NEWEST)
    branches = [node.chain]
    modes = {"head0": HEAD, "head1": HEAD, "plain": {}}
    readers = {name: world.start(name=name, reader=mode) for name, mode in modes.items()}
    for reader in readers.values():
        reader.wait_for("tail_started")
    known = {}
    for turn in range(15):
        label = f"turn{turn}"
        first = node.irreversible + 1 + dice.randrange(4)
        branch = SyntheticChain(fork=(first, label), below=branches[-1])
        branches.append(branch)
        node.reorganise(branch, head=node.head + 1)
        world.db.wait_block(node.head)
        node.irreversible += dice.randrange(1, 4)
        node.head = max(node.head, node.irreversible + 5)
        if turn % 3 == 2:
            name = dice.choice(sorted(readers))
            readers[name].kill()
            readers[name] = world.start(name=name, reader=modes[name])
        world.db.wait_until("SELECT MAX(block) FROM blocks WHERE is_irreversible = 1",
                            lambda block: block >= node.irreversible)
        assert world.db.value(HALF) == 0
        rows = irreversible_rows(world)
        assert {number: rows.get(number) for number in known} == known
        known = rows
    settle(world, node, node.head, branches)
