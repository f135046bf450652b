"""Contradictions: a node's block against the stored one, links to the neighbours in the table."""

import pytest

from harness.chain import SyntheticChain
from harness.world import OTHER_ID

LAST = 100


def heal(world, *numbers):
    """Make the tables right again, so that the auditor can look at everything else."""
    for reader in world.readers:
        if reader.is_running:
            reader.stop()
    world.forget_blocks(*numbers)
    world.run("--once")


def test_a_stored_row_that_is_wrong_stops_nothing_else(filled):
    node = filled.nodes[0]
    filled.db.execute(OTHER_ID, 50)
    filled.forget_blocks(20, 49, 51, 80)
    reader = filled.start()
    # no other node can be asked who is right: it is not decided, and said so
    reader.wait_line(lambda line: line.event in ("block_disputed", "stored_block_orphaned"), 40)
    filled.allow_errors("stored_block_orphaned")
    filled.db.wait_block(20)
    filled.db.wait_block(80)
    node.advance(3)
    filled.db.wait_block(LAST + 3, timeout=40)
    assert reader.is_running
    assert filled.db.value("SELECT COUNT(*) FROM blocks WHERE block = 51") == 0
    heal(filled, 49, 50, 51)
    filled.expect(node.chain, (1, LAST + 3))


def test_three_nodes_outvote_a_stored_row(filled):
    for _ in range(2):
        filled.node(irreversible=LAST)
    filled.db.execute(OTHER_ID, 50)
    filled.forget_blocks(51)
    reader = filled.start()
    said = reader.wait_for("stored_block_orphaned", timeout=40)
    assert "50" in said.text
    filled.allow_errors("stored_block_orphaned")
    heal(filled, 50)
    filled.expect(filled.nodes[0].chain, (1, LAST))


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_a_node_that_is_wrong_about_one_block(filled, wrong):
    for _ in range(2):
        filled.node(irreversible=LAST)
    filled.nodes[wrong].fault("fork", block={60}, chain=SyntheticChain("other"))
    filled.forget_blocks(60, 70)
    reader = filled.start()
    filled.db.wait_blocks(LAST, 40)
    reader.wait_for("tail_started")
    assert not reader.events("stored_block_orphaned")
    filled.expect(filled.nodes[0].chain, (1, LAST))


def test_a_lone_node_that_is_wrong_about_one_block(filled):
    node = filled.nodes[0]
    wrong = node.fault("fork", block={60}, chain=SyntheticChain("other"))
    filled.forget_blocks(60, 70)
    reader = filled.start()
    filled.db.wait_block(70)
    node.advance(2)
    filled.db.wait_block(LAST + 2, timeout=40)
    assert filled.db.value("SELECT COUNT(*) FROM blocks WHERE block = 60") == 0
    filled.allow_errors(*(line.event for line in reader.events()))
    wrong.clear()
    filled.db.wait_block(60, timeout=60)
    filled.expect(node.chain, (1, LAST + 2))


def test_a_fork_inside_a_stretch(world):
    """Several linked blocks of another chain in the middle do not link to the rest."""
    first = world.node(irreversible=LAST)
    second = world.node(irreversible=LAST)
    first.fault("fork", block=set(range(40, 50)), chain=SyntheticChain("other"))
    reader = world.start(fetch={"batch_size": 20})
    world.db.wait_blocks(LAST, 60)
    assert reader.is_running
    world.allow_errors(*(line.event for line in reader.events()))
    world.expect(second.chain, (1, LAST))


@pytest.mark.timeout_s(120)
def test_the_node_of_another_chain_alone(filled):
    filled.nodes[0].chain = SyntheticChain("other")
    filled.nodes[0].advance(20)
    refused = filled.run("--once", code=None, timeout=100)
    assert refused.process.returncode != 0
    filled.allow_errors(*(line.event for line in refused.events()))
    filled.expect(SyntheticChain(), (1, LAST), gaps=False)


def test_a_liar_beside_a_node_that_is_behind(filled):
    """The one that lacks the newest stored block cannot be compared, the other one is convicted."""
    behind = filled.nodes[0]
    behind.irreversible = LAST - 40
    liar = filled.node(SyntheticChain("other"), irreversible=LAST + 5)
    reader = filled.start()
    assert str(liar.port) in reader.wait_for("node_excluded").text
    assert f"no node that is left gives block {LAST}," in reader.wait_for("chain_unchecked").text
    reader.wait_for("tail_started")
    behind.irreversible = LAST + 10
    filled.db.wait_blocks(LAST + 10)
    assert len(reader.events("node_excluded")) == 1
    filled.expect(behind.chain, (1, LAST + 10))


def test_a_fork_in_the_tail(world):
    node = world.node(irreversible=LAST)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    wrong = node.fault("fork", block={LAST + 1}, chain=SyntheticChain("other"), times=2)
    node.advance(4)
    world.db.wait_blocks(LAST + 4, 40)
    assert wrong.count == 2
    world.allow_errors(*(line.event for line in reader.events()))
    world.expect(node.chain, (1, LAST + 4))


@pytest.mark.parametrize("blocks", [{29}, {20, 21}, {40, 41, 42}])
def test_blocks_in_a_row_that_do_not_link(world, blocks):
    """Nothing of what hangs on a refused block comes in with a false `previous`."""
    node = world.node(irreversible=60)
    node.fault("broken_previous", block=blocks, times=2, method="get_block")
    world.start(fetch={"batch_size": 20}).wait_for("tail_started")
    assert world.db.value("SELECT COUNT(*) FROM blocks") >= 60 - len(blocks)
    world.audit(node.chain, (1, 60), allow_missing=[(1, 60)], gaps=False)
    world.allow_errors("stored_block_orphaned")


def test_on_an_empty_database_most_nodes_decide(world):
    honest = [world.node(irreversible=LAST) for _ in range(2)]
    world.node(SyntheticChain("other"), irreversible=LAST)
    world.start().wait_for("tail_started")
    world.expect(honest[0].chain, (1, LAST))


def test_on_an_empty_database_two_chains_are_not_guessed_at(world):
    world.node(irreversible=LAST)
    world.node(SyntheticChain("other"), irreversible=LAST)
    reader = world.run("--once", code=69)  # not 78, after which a unit is not restarted
    assert "different chains" in reader.stderr and "add one more" in reader.stderr
    assert world.db.value("SELECT COUNT(*) FROM blocks") == 0
    # A third node that comes later settles it.
    third = world.node(irreversible=LAST)
    world.run("--once")
    world.expect(third.chain, (1, LAST))
