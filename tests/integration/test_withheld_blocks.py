"""Blocks that break every request they are in, and nodes that claim what they do not give."""

import time

import pytest

from harness import virtual
from harness.ticker import Ticker
from harness.virtual import VirtualChain

QUICK = {"fetch": {"timeout_ms": 1000}}
LAST = 150
BAD = 77
# How a node may end every request that asks for one block.
WAYS = [("hang", {}), ("reset", {}), ("status", {"code": 500}), ("status", {"code": 503}),
        ("huge", {"bytes": 40 << 20}), ("html", {}), ("garbage", {}), ("empty", {})]
# What it may say of such a request, as if it were of all.
SAYINGS = [("status", {"code": 429}), ("status", {"code": 503, "retry_after": 20}),
           ("rpc_error", {"code": -32601, "message": "Method not found"})]


def nodes_that_withhold(world, count, what="hang", block=BAD, chain=None, last=LAST, **details):
    nodes = [world.node(chain, irreversible=last) for _ in range(count)]
    faults = [node.fault(what, block=block, **details) for node in nodes]
    return nodes, faults


def advance(nodes, last):
    for node in nodes:
        node.irreversible = last


def assert_nodes_are_not_blamed(reader):
    """No node rests because of one block."""
    assert not reader.events("node_failed"), reader.events("node_failed")


@pytest.mark.slow
@pytest.mark.timeout_s(150)
@pytest.mark.parametrize("count", [1, 3])
def test_the_tail_passes_a_block_that_gets_no_answer(world, count):
    nodes, faults = nodes_that_withhold(world, count, block=50, last=40)
    reader = world.start(**QUICK)
    reader.wait_for("tail_started")
    world.db.wait_blocks(40)
    began = time.monotonic()
    advance(nodes, 60)
    world.db.wait_block(49, timeout=10)  # those below it do not wait
    world.db.wait_blocks(59, timeout=50)
    assert time.monotonic() - began < 45
    world.audit_gaps({50})
    reason = world.db.value("SELECT reason FROM gaps")
    assert "no whole answer within" in reason or "timed out after" in reason
    reader.wait_for("gap_found", containing="block 50 is left behind")
    assert_nodes_are_not_blamed(reader)
    advance(nodes, 64)
    world.db.wait_block(64, timeout=10)
    for fault in faults:
        fault.clear()
    world.db.wait_block(50, timeout=60)
    world.expect(nodes[0].chain, (1, 64))


@pytest.mark.slow
@pytest.mark.timeout_s(150)
def test_the_tail_passes_neighbours_sooner(world):
    """The first costs 30 s, the second half of that, and then two are left at once."""
    (node,), (fault,) = nodes_that_withhold(world, 1, block={50, 51, 52}, last=40)
    reader = world.start(**QUICK)
    reader.wait_for("tail_started")
    world.db.wait_blocks(40)
    began = time.monotonic()
    advance([node], 60)
    world.db.wait_block(60, timeout=70)
    assert time.monotonic() - began < 62
    world.db.wait_blocks(57)
    world.audit_gaps({50, 51, 52})
    reader.wait_for("gap_found", containing="so are those up to block 52")
    fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = UTC_TIMESTAMP()")
    world.db.wait_blocks(60, timeout=40)
    world.expect(node.chain, (1, 60))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("what, details", WAYS, ids=lambda value: str(value))
def test_a_catch_up_isolates_it(world, what, details, count):
    nodes, faults = nodes_that_withhold(world, count, what, **details)
    began = time.monotonic()
    reader = world.run("--once", code=69, **QUICK)
    assert time.monotonic() - began < 15
    assert world.db.value("SELECT COUNT(*) FROM blocks") == LAST - 1
    world.audit_gaps({BAD})
    assert world.db.value("SELECT reason FROM gaps")
    assert_nodes_are_not_blamed(reader)
    for fault in faults:
        fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", **QUICK)
    world.expect(nodes[0].chain, (1, LAST))


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("what, details", SAYINGS, ids=lambda value: str(value))
def test_what_a_node_says_of_one_block_is_not_believed_of_all(world, what, details, count):
    """It rests for a moment, as it says; but then it answers, if only it is asked for others.

    The node says so at once: no time-out is needed, and a short one would end on a busy machine.
    """
    nodes, faults = nodes_that_withhold(world, count, what, method="get_block", **details)
    world.run("--once", code=69, timeout=60)
    assert world.db.value("SELECT COUNT(*) FROM blocks") == LAST - 1
    world.audit_gaps({BAD})
    for fault in faults:
        fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", **QUICK)
    world.expect(nodes[0].chain, (1, LAST))


@pytest.mark.slow
@pytest.mark.timeout_s(150)
@pytest.mark.parametrize("what, details", SAYINGS, ids=lambda value: str(value))
def test_the_tail_passes_what_is_said_of_one_block(world, what, details):
    nodes, _ = nodes_that_withhold(world, 2, what, block=50, last=40, method="get_block", **details)
    world.start(**QUICK).wait_for("tail_started")
    world.db.wait_blocks(40)
    began = time.monotonic()
    advance(nodes, 60)
    world.db.wait_blocks(59, timeout=90)  # both nodes must give a block, and both rest now and then
    assert time.monotonic() - began < 80
    world.audit_gaps({50})


@pytest.mark.timeout_s(150)
def test_a_block_that_kills_its_node(world):
    (node,), (fault,) = nodes_that_withhold(world, 1, "kill", method="get_block", seconds=1)
    world.start(**QUICK)
    world.db.wait_blocks(LAST - 1, timeout=60)
    assert fault.count < 20
    world.db.wait_until("SELECT COUNT(*) FROM gaps WHERE reason IS NOT NULL")
    world.audit_gaps({BAD})
    fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = UTC_TIMESTAMP()")
    world.db.wait_blocks(LAST, timeout=40)
    world.expect(node.chain, (1, LAST))


def test_an_error_in_place_of_a_batch(world):
    nodes, _ = nodes_that_withhold(world, 1, "error_object")
    reader = world.run("--once", **QUICK)
    assert_nodes_are_not_blamed(reader)
    world.expect(nodes[0].chain, (1, LAST))


def test_only_one_of_three_nodes_withholds_it(world):
    nodes, _ = nodes_that_withhold(world, 1)
    nodes += [world.node(irreversible=LAST) for _ in range(2)]
    reader = world.run("--once", **QUICK)
    assert_nodes_are_not_blamed(reader)
    world.expect(nodes[0].chain, (1, LAST))


def test_several_at_once(world):
    nodes, _ = nodes_that_withhold(world, 2, block={3, 60, 61, 140})
    world.run("--once", code=69, **QUICK)
    assert world.db.value("SELECT COUNT(*) FROM blocks") == LAST - 4
    world.audit_gaps({3, 60, 61, 140})


def test_a_backfill_and_a_verification_pass_it(world):
    nodes, faults = nodes_that_withhold(world, 2)
    for fault in faults:
        fault.clear()
    world.run("--once", **QUICK)
    again = [node.fault("hang", block=BAD) for node in nodes]
    world.run("--verify", f"1-{LAST}", code=69, **QUICK)
    world.forget_blocks(*range(60, 90))
    world.run("--backfill", f"1-{LAST}", code=69, **QUICK)
    assert world.db.value("SELECT COUNT(*) FROM blocks") == LAST - 1
    world.audit_gaps({BAD})
    for fault in again:
        fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--backfill", f"1-{LAST}", **QUICK)
    world.expect(nodes[0].chain, (1, LAST))


def test_the_virtual_operations_of_one_block(world):
    first = virtual.FIRST_REWARDED + 1
    last, bad = first + 99, first + 30
    nodes, faults = nodes_that_withhold(world, 1, block=bad, chain=VirtualChain(), last=last,
                                        method="get_ops_in_block")
    settings = {"reader": {"virtual_operations": True, "start_block": first}, **QUICK}
    reader = world.run("--once", code=69, **settings)
    assert world.db.value("SELECT COUNT(*) FROM blocks") == 99
    world.audit_gaps({bad})
    assert_nodes_are_not_blamed(reader)
    faults[0].clear()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", **settings)
    world.expect(nodes[0].chain, (first, last), virtual=virtual.whole)


def test_a_reader_of_the_head_goes_on_above_it(world):
    node = world.node(irreversible=40, head=50)
    node.fault("hang", block=55)
    world.start(reader={"follow": "head"}, **QUICK)
    world.db.wait_blocks(50)
    node.head = 60
    world.db.wait_block(54, timeout=20)
    world.db.wait_block(60, timeout=20)
    assert world.db.value("SELECT COUNT(*) FROM blocks WHERE block = 55") == 0
    world.audit(node.chain, (1, 40), reversible=[(41, 54), (56, 60)])


def test_a_frozen_node_gets_no_smaller_batches(world):
    frozen, good = (world.node(irreversible=2000) for _ in range(2))
    fault = frozen.fault("hang")
    reader = world.start(**QUICK)
    world.db.wait_blocks(2000, 40)
    assert reader.events("node_failed", containing=frozen.url)
    assert not reader.events("batch_reduced", containing=frozen.url)
    assert not reader.events("request_split", containing=frozen.url)
    # as soon as it is back, it is one of the nodes again
    fault.clear()
    reader.wait_for("node_recovered", timeout=15, containing=frozen.url)
    world.expect(good.chain, (1, 2000))


def latencies(world, count, advance, interval_s=1.0):
    """A block every interval: how long each takes until it is stored."""
    told = {}

    def one_more():
        advance(41 + len(told))
        told[41 + len(told)] = time.monotonic()

    ticker = Ticker(interval_s, one_more)
    times = []
    for number in range(41, 41 + count):
        world.db.wait_block(number, timeout=30)
        times.append(time.monotonic() - told[number])
    ticker.cancel()
    return times


@pytest.mark.parametrize("good", [2, 0])
def test_a_node_that_claims_the_newest_blocks_and_gives_null(world, good):
    """As a load balancer does with a backend that is behind."""
    boaster = world.node(irreversible=40)
    others = [world.node(irreversible=40) for _ in range(good)]
    world.start(**QUICK).wait_for("tail_started")
    world.db.wait_blocks(40)
    backend = boaster.fault("null", block=set(range(40, 200)), method="get_block")

    def advance(number):
        for node in others:
            node.irreversible = number
        boaster.irreversible = number + (2 if others else 1)
        backend.blocks = set(range(number + (0 if others else 1), 200))

    times = latencies(world, 15, advance)
    print("latencies", sorted(round(each, 2) for each in times))
    assert sorted(times)[7] < 1.2, times
    assert max(times) < 4, times
    backend.clear()
    for node in others:
        node.irreversible = boaster.irreversible
    world.db.wait_blocks(boaster.irreversible)
    world.expect(boaster.chain, (1, boaster.irreversible))


@pytest.mark.parametrize("what, ahead", [("delay", 1), ("null", 1100)])
def test_a_node_that_is_ahead_and_slow_or_boasts(world, what, ahead):
    """It gives what it claims, but takes five seconds each time; or it claims very many."""
    good = [world.node(irreversible=40) for _ in range(2)]
    bad = world.node(irreversible=40)
    reader = world.start(fetch={"timeout_ms": 10000})
    reader.wait_for("tail_started")
    world.db.wait_blocks(40)
    bad.fault(what, method="get_block", seconds=5, block=range(41, 3000))

    def advance_all(number):
        for node in good:
            node.irreversible = number
        bad.irreversible = number + ahead

    times = latencies(world, 20, advance_all)
    print("latencies", [round(each, 2) for each in times])
    assert sorted(times)[10] < 2, times
    assert max(times) < 4.5, times
    assert not reader.events("tail_lost")


def test_nodes_that_stand_still_leave_connections_for_the_others(world):
    """A request for a head that had to wait for a connection would time out."""
    frozen, good = [world.node(irreversible=40) for _ in range(7)], world.node(irreversible=40)
    for node in frozen:
        node.fault("hang")
    reader = world.start(fetch={"timeout_ms": 10000, "connections": 1})
    # Who has not been heard for 30 s votes no more, and until then the one that answers does not decide alone.
    world.db.wait_blocks(40, 70)

    def advance_good(number):
        good.irreversible = number

    times = latencies(world, 15, advance_good)
    assert max(times) < 4, times
    assert not reader.events("node_failed", containing=good.url)
