"""kill -9, in the middle of a replay and of a tail: a restart makes it whole."""

import pytest


@pytest.mark.parametrize("at", [1, 200, 700])
def test_killed_in_a_replay(world, at):
    node = world.node(irreversible=1000)
    node.fault("delay", method="get_block", seconds=0.02)
    reader = world.start(fetch={"batch_size": 10, "connections": 4}, write={"batch_rows": 100})
    world.db.wait_blocks(at)
    reader.kill()
    stored = world.db.value("SELECT COUNT(*) FROM blocks")
    assert stored < 1000, "the reader was done before it was killed"
    world.audit(node.chain, allow_missing=[(1, 1000)], gaps=False)
    again = world.start()
    again.wait_for("tail_started", timeout=40)
    world.db.wait_blocks(1000)
    world.expect(node.chain, (1, 1000))


def test_killed_in_a_tail(world):
    node = world.node(irreversible=100)
    for round_ in range(3):
        reader = world.start()
        reader.wait_for("tail_started")
        node.live(0.05)
        target = node.irreversible + 10
        world.db.wait_block(target)
        reader.kill()
        node.still()
        world.audit(node.chain, allow_missing=[(1, node.irreversible)], gaps=False)
        node.advance(30 * round_)
    world.start()
    world.db.wait_blocks(node.irreversible)
    world.expect(node.chain, (1, node.irreversible))


def test_killed_many_times(world):
    node = world.node(irreversible=600)
    node.fault("delay", method="get_block", seconds=0.02)
    for step in range(1, 6):
        reader = world.start(fetch={"batch_size": 5, "connections": 4}, write={"batch_rows": 50})
        world.db.wait_blocks(step * 60)
        reader.kill()
    node.heal()
    world.start()
    world.db.wait_blocks(600)
    world.expect(node.chain, (1, 600))


def test_killed_in_the_middle_of_filling_holes(world):
    node = world.node(irreversible=800)
    world.run("--once")
    world.forget_blocks(*range(10, 700, 3))
    node.fault("delay", method="get_block", seconds=0.02)
    before = world.db.value("SELECT COUNT(*) FROM blocks")
    reader = world.start(fetch={"batch_size": 5, "connections": 2}, write={"batch_rows": 50})
    world.db.wait_blocks(before + 20)
    reader.kill()
    node.heal()
    again = world.start()
    again.wait_for("tail_started", timeout=40)
    world.db.wait_blocks(800)
    world.expect(node.chain, (1, 800))
