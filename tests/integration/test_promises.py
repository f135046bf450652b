"""The promises of doc/architecture.md, each in a test of its name, with real processes."""

import os
import signal

import pytest

from harness.chain import SyntheticChain

LAST = 700
WHOLE = """SELECT COUNT(*) FROM blocks b WHERE stored_operations <>
           (SELECT COUNT(*) FROM blockchain o WHERE o.block = b.block)"""
LEFT_OVER = """SELECT COUNT(*) FROM blockchain o WHERE NOT EXISTS
               (SELECT 1 FROM blocks b WHERE b.block = o.block)"""


def memory_mib(reader, field="VmHWM"):
    with open(f"/proc/{reader.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith(field)) / 1024


def test_together(world):
    """Killed at any moment: no block without its operations, no progress without its block."""
    node = world.node(irreversible=LAST)
    node.fault("delay", seconds=0.02)
    for wanted in (40, 150, 300, 450):
        reader = world.start(fetch={"batch_size": 10}, write={"batch_rows": 50})
        world.db.wait_until("SELECT COUNT(*) FROM blocks", lambda count, n=wanted: count >= n, 40)
        reader.kill()
        assert world.db.value(WHOLE) == 0
        assert world.db.value(LEFT_OVER) == 0
        assert world.db.value("SELECT last_block IN (SELECT block FROM blocks) FROM readers") == 1
        world.expire_claims()
    world.start()
    world.db.wait_blocks(LAST, 40)
    world.expect(node.chain, (1, LAST))


def test_once(world):
    """Three readers race for the same blocks, in catch-up and at the tip: each is stored once."""
    node = world.node(irreversible=LAST)
    readers = [world.start(name=f"reader{i}") for i in range(3)]
    for reader in readers:
        reader.wait_for("tail_started", 60)
    for _ in range(20):
        node.advance(2)
        world.db.wait_block(node.irreversible)
    last = node.irreversible
    world.db.wait_until("SELECT MIN(last_block) FROM readers", lambda block: block == last, 30)
    assert world.db.value("SELECT SUM(blocks_stored) FROM readers") == last
    assert world.db.value("SELECT SUM(operations_stored) FROM readers") == \
        world.db.value("SELECT COUNT(*) FROM blockchain")
    world.expect(node.chain, (1, last))


def test_no_silent_hole(world):
    """What is torn or cannot be read shows in the view, and is filled when it can be."""
    node = world.node(irreversible=LAST)
    fault = node.fault("null", block={LAST + 3}, method="get_block")
    reader = world.start()
    reader.wait_for("tail_started")
    node.advance(10)
    world.db.wait_until("SELECT COUNT(*) FROM known_gaps", lambda count: count > 0, 60)
    world.db.wait_block(LAST + 10)
    world.audit_gaps([LAST + 3])
    reader.stop()
    world.forget_blocks(1, 2, 77, 500)
    world.run("--gaps")
    world.audit_gaps([1, 2, 77, 500, LAST + 3])
    fault.clear()
    world.start()
    world.db.wait_blocks(LAST + 10)
    world.expect(node.chain, (1, LAST + 10))


def test_only_the_chain(world):
    """Nothing reversible, nothing of another chain, nothing that does not link."""
    node = world.node(irreversible=100, head=140)
    liar = world.node(SyntheticChain("other"), irreversible=100, head=140)
    third = world.node(irreversible=100, head=140)
    world.db.execute("INSERT INTO ranges (first_block, last_block) VALUES (1, NULL)")
    reader = world.start("--once", fetch={"batch_size": 7})
    reader.wait_exit(60)
    assert world.db.value("SELECT MAX(block) FROM blocks") <= 100
    world.allow_errors(*(line.event for line in reader.events()))
    liar.close()
    for each in (node, third):
        each.advance(5)
    reader = world.start()
    reader.wait_for("tail_started", 40)
    assert world.db.value("SELECT MAX(block) FROM blocks") <= 105
    world.allow_errors(*(line.event for line in reader.events()))


@pytest.mark.timeout_s(200)
def test_bounded(world):
    """A node that hangs is left after its time-out, and memory stays within its limit."""
    node = world.node(irreversible=LAST)
    hanging = world.node(irreversible=LAST)
    hanging.fault("hang", method="get_block")
    reader = world.start(fetch={"timeout_ms": 500, "max_memory_mib": 16})
    # it tells its head, so the blocks may be to blame
    reader.wait_line(lambda line: line.event in ("node_failed", "request_split", "block_refused"))
    world.db.wait_blocks(LAST, 100)
    reader.wait_for("tail_started", 30)
    assert memory_mib(reader) < 16 + 64  # its own limit, and a program's worth
    world.expect(node.chain, (1, LAST))


def test_visible(world):
    """With all nodes gone, SQL alone says that a reader lives, how far it is, and what lacks."""
    node = world.node(irreversible=100)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_until("SELECT lag_blocks FROM reader_status", lambda lag: lag == 0)
    node.fault("null", method="get_block", block=range(101, 200))
    node.advance(5)
    world.db.wait_until("SELECT lag_blocks FROM reader_status", lambda lag: lag == 5, 30)
    world.audit_gaps(range(101, 106))
    node.fault("status", code=503)
    reader.wait_for("node_failed", 30)
    assert world.db.value("SELECT alive FROM reader_status") == 1
    reader.stop()
    assert world.db.value("SELECT alive FROM reader_status") == 0
    world.audit_gaps(range(101, 106))


def test_no_one_waits_for_a_corpse(world):
    """A reader frozen in the middle of its work holds nobody up for more than seconds."""
    node = world.node(irreversible=LAST)
    node.fault("delay", seconds=0.05)
    frozen = world.start(name="frozen", fetch={"batch_size": 5}, write={"batch_rows": 20})
    world.db.wait_until("SELECT COUNT(*) FROM blocks", lambda count: count > 20, 30)
    frozen.signal(signal.SIGSTOP)
    other = world.start(name="other")
    other.wait_for("tail_started", 30)
    for _ in range(3):
        node.advance(1)
        world.db.wait_block(node.irreversible, 10)
    world.expire_claims()  # what else comes true after half a minute
    world.db.wait_blocks(node.irreversible, 40)
    os.kill(frozen.process.pid, signal.SIGCONT)
    world.expect(node.chain, (1, node.irreversible))
