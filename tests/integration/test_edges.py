"""False links where a block has no neighbour to be seen beside: at the edges of what is fetched.

A false `previous` that got in would keep the true block below out for good.
"""

import pytest

from harness import soak
from harness.chain import SyntheticChain

LAST = 300


@pytest.mark.slow
def test_a_false_link_at_the_lower_edge_of_a_replay(world):
    """Block 100 is the lowest of the last 200, which come first; what is below is not there yet."""
    node = world.node(irreversible=LAST)
    lie = node.fault("broken_previous", block={100}, times=1)
    world.start(replay={"before_tail": 200})
    world.db.wait_blocks(LAST, 60)
    assert lie.count == 1
    world.expect(node.chain, (1, LAST))


def test_a_false_link_at_the_first_block_of_a_tail(world):
    """The block below it is in the hands of a reader that waits for its node."""
    slow, node = world.node(irreversible=LAST), world.node(irreversible=LAST)
    hang = slow.fault("hang", method="get_block", block=set(range(290, LAST + 1)))
    world.start(name="slow", nodes=[{"url": slow.url}],
                fetch={"batch_size": 10, "timeout_ms": 60000})
    slow.wait_for(lambda: hang.count)
    lie = node.fault("broken_previous", block={LAST + 1}, times=1)
    other = world.start(name="other", nodes=[{"url": node.url}])
    other.wait_for("tail_started")
    node.advance()
    world.db.wait_block(LAST + 1)
    assert lie.count == 1
    hang.clear()
    world.db.wait_blocks(LAST + 1, 40)
    world.expect(node.chain, (1, LAST + 1))


def test_one_of_three_nodes_gives_the_right_ids_with_false_links(world):
    """All three give the same ids: it takes a look at the links to tell them apart."""
    chain = SyntheticChain(odd=True)  # what is odd, the liar spoils altogether: it is asked less
    for _ in range(2):
        world.node(chain, irreversible=1500).fault("delay", method="get_block", seconds=0.1)
    liar = world.node(chain, irreversible=1500)
    liar.fault("broken_previous", method="get_block")
    reader = world.start(fetch={"batch_size": 10})
    reader.wait_for("tail_started", 60)
    world.db.wait_blocks(1500, 60)
    assert liar.count["broken_previous"]
    assert not reader.events("stored_block_orphaned")
    world.expect(liar.chain, (1, 1500))


@pytest.mark.timeout_s(150)
def test_the_crash_loop_that_found_it():
    """A liar from the first moment on: blocks 4100 and 4601 got in with false links."""
    soak.soak(11, rounds=2)
