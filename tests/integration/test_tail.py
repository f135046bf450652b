"""Live tailing: in order, only what is irreversible, no hammering, no block that stops it."""

import datetime

import pytest

from harness import operations
from harness.chain import SyntheticChain
from harness.ticker import Ticker


def settled(world, last, **options):
    """A node at `last`, and a reader that tails it."""
    node = world.node(irreversible=last)
    reader = world.start(**options)
    reader.wait_for("tail_started")
    world.db.wait_blocks(last)
    return node, reader


def test_the_tail_follows_in_chain_order(world):
    node, _ = settled(world, 50)
    node.live(0.3)
    with world.connect().cursor() as cursor:
        node.wait_for(lambda: node.irreversible >= 55)
        while node.irreversible < 75:
            cursor.execute("SELECT MAX(block), COUNT(*) FROM blocks")
            highest, count = cursor.fetchone()
            assert highest == count, "a block was stored before the one below it"
            seen = node.irreversible
            node.wait_for(lambda: node.irreversible > seen)
    last = node.still()
    world.db.wait_blocks(last)
    world.expect(node.chain, (1, last))


def test_one_block_at_a_time(world):
    node, reader = settled(world, 30)
    for _ in range(3):
        node.advance()
        world.db.wait_block(node.irreversible)
    row = world.db.rows("SELECT state, last_block, irreversible_block, head_block FROM readers")
    assert len(row) == 1
    world.db.wait_until("SELECT MAX(last_block) FROM readers", lambda n: n == 33)
    assert reader.is_running
    world.expect(node.chain, (1, 33))


def test_the_tip_is_not_asked_for_five_times_a_second(world):
    node, _ = settled(world, 30)
    node.wait_for(lambda: node.count["get_dynamic_global_properties"] >= 2)
    before = len(node.log)
    node.wait_for(lambda: len(node.log) >= before + 6)
    assert node.log[before + 5].at - node.log[before].at > 1.2
    world.expect(node.chain, (1, 30))


@pytest.mark.slow
def test_a_node_in_good_order_is_asked_when_the_next_block_is_due(world):
    """A block every three seconds, with timestamps of today: a few requests for each."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0, tzinfo=None)
    chain = SyntheticChain(genesis=now - datetime.timedelta(seconds=3 * 47))
    node = world.node(chain, irreversible=30, head=47)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(30)

    def next_block():
        with node.changed:
            node.head += 1
            node.irreversible += 1

    timer = Ticker(3, next_block)
    world.db.wait_blocks(31)
    before = len(node.log)
    world.db.wait_blocks(34)
    timer.cancel()
    assert len(node.log) - before <= 12, "more than four requests for each block"
    world.expect(chain, (1, node.irreversible))


def test_a_node_whose_irreversible_block_goes_back(world):
    node, reader = settled(world, 60)
    node.irreversible = 39
    seen = node.count["get_dynamic_global_properties"]
    node.wait_for(lambda: node.count["get_dynamic_global_properties"] >= seen + 2)
    assert reader.is_running and world.db.value("SELECT COUNT(*) FROM blocks") == 60
    node.irreversible = 66
    world.db.wait_blocks(66)
    world.expect(node.chain, (1, 66))


def test_a_block_that_comes_late(world):
    node, _ = settled(world, 40)
    late = node.fault("null", block=43, times=3)
    node.irreversible = 48
    world.db.wait_blocks(48, timeout=40)
    assert late.count == 3
    world.expect(node.chain, (1, 48))


@pytest.mark.slow
@pytest.mark.timeout_s(150)
def test_a_block_that_never_comes_becomes_a_known_gap_within_a_minute(world):
    node, reader = settled(world, 40)
    never = node.fault("null", block=43)
    node.irreversible = 48
    world.db.wait_block(48, timeout=80)
    node.advance(4)
    world.db.wait_block(52)
    world.db.wait_until("SELECT COUNT(*) FROM gaps WHERE first_block = 43 AND last_block = 43"
                        " AND reason IS NOT NULL", timeout=20)
    never.clear()
    world.db.wait_block(43, timeout=40)
    assert reader.is_running
    world.expect(node.chain, (1, 52))


def test_a_block_that_cannot_be_stored_is_left_behind(lone_world):
    """In the midst of a commit: those below and above it are stored, it becomes a known gap."""
    world = lone_world
    world.server.execute("SET GLOBAL max_allowed_packet = 131072")
    huge = [operations.made("custom_json", json="x" * 300000)]
    node = world.node(SyntheticChain(extra={43: huge}), irreversible=40)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(40)
    node.irreversible = 48
    world.db.wait_blocks(47)
    world.allow_errors("block_unstorable")
    said = reader.wait_for("block_unstorable").text
    assert "block 43 cannot be stored" in said and "max_allowed_packet" in said
    reader.wait_for("gap_found", containing="block 43 is left behind: block 43 cannot be stored")
    node.advance(4)
    world.db.wait_blocks(51)
    world.audit_gaps({43})
    assert "max_allowed_packet" in world.db.value("SELECT reason FROM gaps")
    assert world.db.value("SELECT COUNT(*) FROM blockchain WHERE block = 43") == 0
    # a connection takes the limit that held when it was made
    world.server.execute("SET GLOBAL max_allowed_packet = 16777216")
    reader.stop()
    world.start()
    world.db.wait_blocks(52)
    world.expect(node.chain, (1, 52))


def test_a_reader_that_falls_far_behind_catches_up(world):
    node, reader = settled(world, 40)
    reader.freeze()
    node.irreversible = 900
    reader.thaw()
    world.db.wait_blocks(900, timeout=40)
    world.expect(node.chain, (1, 900))
