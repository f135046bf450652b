"""Signals: an orderly end, an end at once, a new configuration."""

import signal

import pytest

from harness.chain import SyntheticChain

LAST = 200


@pytest.fixture
def tailing(world):
    node = world.node(irreversible=LAST)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    world.expect(node.chain, (1, LAST))
    return node, reader


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_end_of_the_tail(tailing, number):
    tailing[1].signal(number)
    assert tailing[1].wait_exit(10) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_orderly_end_of_the_replay(world, number):
    node = world.node(irreversible=1000)
    node.fault("delay", method="get_block", seconds=0.05)
    reader = world.start(fetch={"batch_size": 10})
    world.db.wait_blocks(50)
    reader.signal(number)
    assert reader.wait_exit(10) == 0
    assert world.db.value("SELECT COUNT(*) FROM gap_claims") == 0
    world.audit(node.chain, allow_missing=[(1, 1000)], gaps=False)
    world.run("--once")
    world.expect(node.chain, (1, 1000))


def test_an_orderly_end_while_the_node_hangs(world):
    node = world.node(irreversible=100)
    hang = node.fault("hang", method="get_block")
    reader = world.start(fetch={"timeout_ms": 60000})
    node.wait_for(lambda: hang.count)
    reader.signal(signal.SIGTERM)
    assert reader.wait_exit(10) == 0


def test_an_orderly_end_while_no_node_answers(world):
    node = world.node(irreversible=100)
    node.refuse()
    reader = world.start()
    reader.wait_for("node_failed")
    reader.signal(signal.SIGTERM)
    assert reader.wait_exit(10) == 0


@pytest.mark.timeout_s(120)
def test_a_second_signal_ends_at_once(lone_world):
    world = lone_world
    node = world.node(irreversible=2000)
    node.fault("delay", method="get_block", seconds=0.05)
    reader = world.start(fetch={"batch_size": 10})
    world.db.wait_blocks(100)
    world.server.freeze()
    asked = node.count["get_block"]
    node.wait_for(lambda: node.count["get_block"] > asked + 50)
    reader.signal(signal.SIGTERM)
    with pytest.raises(AssertionError):
        reader.wait_exit(1.2)  # a signal within a second counts as the same one
    reader.signal(signal.SIGTERM)
    assert reader.wait_exit(5) == 130
    world.server.thaw()
    node.heal()
    world.start()  # of the same name: it does not wait for the claims of the one that is gone
    world.db.wait_blocks(2000)
    world.expect(node.chain, (1, 2000))


def rewrite(reader, world, **sections):
    """Change the reader's own file and tell it."""
    text = world.config(reader.name, **sections).read_text()
    reader.config_path.write_text(text)
    reader.signal(signal.SIGHUP)


def test_new_nodes_after_a_hangup(world, tailing):
    node, reader = tailing
    world.audits.clear()
    other = world.node(irreversible=LAST + 5)
    rewrite(reader, world, nodes=[{"url": other.url}])
    other.wait_for(lambda: other.count["get_block"])
    world.db.wait_blocks(LAST + 5)
    node.close()
    other.advance()
    world.db.wait_blocks(LAST + 6)
    assert reader.is_running
    world.expect(other.chain, (1, LAST + 6))


def test_the_old_nodes_stay_when_the_new_ones_are_wrong(world, tailing):
    node, reader = tailing
    world.audits.clear()
    seen = len(reader.events())
    reader.config_path.write_text("nodes = ( oops\n")
    reader.signal(signal.SIGHUP)
    node.advance(2)
    world.db.wait_blocks(LAST + 2)
    said = [line for line in reader.events()[seen:] if line.level in ("warning", "error")]
    assert said and reader.is_running
    world.allow_errors(*(line.event for line in said))
    world.expect(node.chain, (1, LAST + 2))


def test_the_log_level_after_a_hangup(world, tailing):
    node, reader = tailing
    world.audits.clear()
    rewrite(reader, world, log={"level": "debug"})
    node.advance(2)
    world.db.wait_blocks(LAST + 2)
    node.advance(2)
    world.db.wait_blocks(LAST + 4)
    assert any(line.level == "debug" for line in reader.events())
    world.expect(node.chain, (1, LAST + 4))


def blocks_asked_of(node):
    return {number for number in node.asked if number is not None}


def test_a_node_of_another_chain_after_a_hangup(world, tailing):
    """It gives two blocks, differs, and is asked for nothing else: what it says counts nowhere."""
    node, reader = tailing
    world.audits.clear()
    liar = world.node(SyntheticChain("other"), irreversible=LAST + 500)
    rewrite(reader, world)
    reader.wait_for("node_excluded", containing=liar.url)
    world.forget_blocks(5, 50, 150)
    world.run("--backfill", "1-160", name="other", nodes=[{"url": node.url}])
    node.advance(5)
    world.db.wait_blocks(LAST + 5)
    assert blocks_asked_of(liar) == {LAST, 1}
    assert world.db.value("SELECT MAX(irreversible_block) FROM readers") == LAST + 5
    world.expect(node.chain, (1, LAST + 5))


def test_only_nodes_of_another_chain_after_a_hangup(world, tailing):
    node, reader = tailing
    world.audits.clear()
    liars = [world.node(SyntheticChain("other"), irreversible=LAST + 500) for _ in range(2)]
    rewrite(reader, world, nodes=[{"url": liar.url} for liar in liars])
    assert reader.wait_exit() in (69, 78)  # the one where the other was not compared yet
    assert reader.events("ended", containing="another chain")
    for liar in liars:
        assert blocks_asked_of(liar) <= {LAST, 1}
    world.expect(node.chain, (1, LAST))


def test_a_node_that_comes_later_with_another_chain(world):
    """A node that was away at the start is compared when it is there."""
    node = world.node(irreversible=LAST)
    liar = world.node(SyntheticChain("other"), irreversible=LAST + 500)
    liar.refuse()
    reader = world.start()
    reader.wait_for("tail_started")
    liar.accept()
    reader.wait_for("node_excluded", timeout=60, containing=liar.url)
    node.advance(5)
    world.db.wait_blocks(LAST + 5)
    assert blocks_asked_of(liar) == {LAST, 1}
    assert world.db.value("SELECT irreversible_block FROM readers") == LAST + 5
    world.expect(node.chain, (1, LAST + 5))


def test_a_hangup_while_the_nodes_are_compared(world):
    node = world.node(irreversible=LAST)
    hang = node.fault("hang", method="get_block")
    reader = world.start(fetch={"timeout_ms": 60000})
    node.wait_for(lambda: hang.count)
    other = world.node(irreversible=LAST)
    rewrite(reader, world, nodes=[{"url": other.url}])
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    hang.clear()
    world.expect(node.chain, (1, LAST))


def test_no_new_node_is_waited_for_after_a_hangup(world, tailing):
    """While one of the new nodes hangs, the one that stayed goes on giving blocks."""
    node, reader = tailing
    world.audits.clear()
    hanging = world.node(irreversible=LAST)
    hanging.fault("hang")
    rewrite(reader, world, fetch={"timeout_ms": 60000})
    hanging.wait_for(lambda: hanging.count["hang"])
    node.advance(5)
    world.db.wait_blocks(LAST + 5)
    hanging.heal()
    for each in (node, hanging):
        each.irreversible = LAST + 7
    world.db.wait_blocks(LAST + 7, 40)
    world.expect(node.chain, (1, LAST + 7))
