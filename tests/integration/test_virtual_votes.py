"""Nothing proves virtual operations: more than half of the nodes that give them must give the same."""

import pytest

from harness import virtual
from harness.virtual import VirtualChain, whole

FIRST = virtual.FIRST_REWARDED + 1
LAST = FIRST + 99
OPS = "get_ops_in_block"
SETTINGS = {"reader": {"virtual_operations": True, "start_block": FIRST}}


def nodes_of(world, count, last=LAST, slow=0.03, chain=None):
    """Nodes of one chain, all but the first one slower: so that one is asked first."""
    chain = chain or VirtualChain()
    nodes = [world.node(chain, irreversible=last) for _ in range(count)]
    for node in nodes[1:]:
        node.fault("delay", seconds=slow)
    return nodes


def without_virtual(node):
    node.fault("rpc_error", method=OPS, code=-32002, message="Could not find method")


def has_told(node, lie):
    return node.count[lie] > 0


@pytest.mark.parametrize("batches", [True, False])
@pytest.mark.parametrize("lie", sorted(virtual.INVENTIONS))
def test_one_liar_of_three_in_a_catch_up(world, lie, batches):
    liar, *good = nodes_of(world, 3)
    liar.fault(lie)
    if not batches:
        for node in (liar, *good):
            node.fault("refuse_batch", above=1)
    reader = world.run("--once", timeout=60, **SETTINGS)
    assert has_told(liar, lie)
    assert reader.events("claim_false", containing=liar.url)
    for node in good:
        assert not reader.events("claim_false", containing=node.url)
    assert not reader.events("block_disputed")
    world.expect(liar.chain, (FIRST, LAST), virtual=whole)


@pytest.mark.parametrize("lie", sorted(virtual.INVENTIONS))
def test_one_liar_of_three_in_the_tail(world, lie):
    nodes = nodes_of(world, 3)
    reader = world.start(**SETTINGS)
    reader.wait_for("tail_started")
    world.db.wait_block(LAST)
    nodes[0].fault(lie)
    for node in nodes:
        node.live(0.2, until=LAST + 20)
    world.db.wait_block(LAST + 20, timeout=60)
    for node in nodes:
        node.still()
    assert has_told(nodes[0], lie)
    assert not reader.events("gap_found")
    world.expect(nodes[0].chain, (FIRST, LAST + 20), virtual=whole)


@pytest.mark.parametrize("lie", sorted(virtual.INVENTIONS))
def test_one_liar_of_three_in_a_gap(world, lie):
    nodes = nodes_of(world, 3)
    world.run("--once", **SETTINGS)
    for table in ("blockchain", "blocks"):
        world.db.execute(f"DELETE FROM {table} WHERE block BETWEEN %s AND %s", FIRST + 40,
                         FIRST + 60)
    nodes[0].fault(lie)
    world.run("--once", timeout=60, **SETTINGS)
    assert has_told(nodes[0], lie)
    world.expect(nodes[0].chain, (FIRST, LAST), virtual=whole)


def test_one_liar_of_two_in_a_catch_up_makes_a_gap(world):
    liar, good = nodes_of(world, 2)
    fault = liar.fault("added_virtual", block=range(FIRST + 40, FIRST + 45))
    reader = world.run("--once", timeout=60, code=69, **SETTINGS)
    said = reader.events("block_disputed")[0].message
    assert liar.url in said and good.url in said
    world.audit(liar.chain, (FIRST, LAST), virtual=whole,
                missing=set(range(FIRST + 40, FIRST + 45)))
    assert "different virtual operations" in world.db.value("SELECT reason FROM gaps LIMIT 1")
    fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", **SETTINGS)
    world.expect(liar.chain, (FIRST, LAST), virtual=whole)


def test_one_liar_of_two_in_the_tail(world):
    """The block waits, then it is a gap, and the tail goes on; the gap is filled once they agree."""
    liar, good = nodes = nodes_of(world, 2)
    reader = world.start(**SETTINGS)
    reader.wait_for("tail_started")
    world.db.wait_block(LAST)
    fault = liar.fault("changed_virtual", block=LAST + 3)
    for node in nodes:
        node.advance(5)
    said = reader.wait_for("block_disputed").message
    assert liar.url in said and good.url in said
    world.db.wait_block(LAST + 5, timeout=60)
    assert reader.events("gap_found")
    world.audit(liar.chain, (FIRST, LAST + 5), virtual=whole, missing={LAST + 3})
    reader.stop()
    fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", **SETTINGS)
    world.expect(liar.chain, (FIRST, LAST + 5), virtual=whole)


def test_the_two_of_three_that_give_them_must_agree(world):
    liar, _, bare = nodes_of(world, 3)
    without_virtual(bare)
    fault = liar.fault("changed_virtual", block=FIRST + 7)
    reader = world.run("--once", timeout=60, code=69, **SETTINGS)
    assert reader.events("node_without_virtual", containing=bare.url)
    world.audit(liar.chain, (FIRST, LAST), virtual=whole, missing={FIRST + 7})
    fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", **SETTINGS)
    world.expect(liar.chain, (FIRST, LAST), virtual=whole)


def test_the_only_one_that_gives_them_is_believed(world):
    _, *bare = nodes = nodes_of(world, 3)
    for node in bare:
        without_virtual(node)
    reader = world.start(**SETTINGS)
    reader.wait_for("tail_started")
    for node in nodes:
        node.live(0.1, until=LAST + 10)
    world.db.wait_block(LAST + 10, timeout=60)
    for node in nodes:
        node.still()
    assert not reader.events("block_disputed") and not reader.events("gap_found")
    world.expect(nodes[0].chain, (FIRST, LAST + 10), virtual=whole)


def test_nodes_that_print_them_differently_agree(world):
    chain = VirtualChain()
    for spelling in ("as_is", "proxy", "spaced"):
        world.node(chain, irreversible=LAST, spelling=spelling)
    reader = world.run("--once", timeout=60, **SETTINGS)
    assert not reader.events("claim_false") and not reader.events("block_disputed")
    world.expect(chain, (FIRST, LAST), virtual=whole)


def test_a_node_that_does_not_answer_for_lists_is_not_waited_for_for_ever(world):
    """Of two, one is silent for 15 seconds: then the other one decides."""
    silent, _ = nodes_of(world, 2, last=FIRST + 3)
    silent.fault("hang", method=OPS)
    world.run("--once", timeout=120, fetch={"timeout_ms": 1000}, **SETTINGS)
    world.expect(silent.chain, (FIRST, FIRST + 3), virtual=whole)


def test_a_block_made_up_does_not_bring_honest_nodes_into_disrepute(world):
    """Their lists do not fit it. The block above tells which one is right."""
    chain = VirtualChain()
    liar = world.node(chain, irreversible=LAST)
    good = [world.node(chain, irreversible=LAST) for _ in range(2)]
    for node in good:
        node.fault("delay", seconds=0.05)
    liar.fault("fork", chain=VirtualChain("other"), method="get_block",
               block=range(FIRST + 20, FIRST + 40))
    reader = world.run("--once", timeout=60, **SETTINGS)
    for node in good:
        assert not reader.events("claim_false", containing=node.url)
        assert not reader.events("node_failed", containing=node.url)
    world.expect(chain, (FIRST, LAST), virtual=whole)


def test_two_that_agree_on_a_lie_repair_nothing(world):
    """Two of five: what --repair writes must be given by more than half."""
    chain = VirtualChain()
    liars = [world.node(chain, irreversible=LAST) for _ in range(2)]
    for node in (world.node(chain, irreversible=LAST) for _ in range(3)):
        node.fault("delay", seconds=0.05)
    world.run("--once", timeout=60, **SETTINGS)
    for liar in liars:
        liar.fault("changed_virtual")
    world.db.execute("UPDATE blockchain SET payload = '{}' WHERE virtual_op > 0 AND block BETWEEN %s AND %s",
                     FIRST + 20, FIRST + 29)
    done = world.run("--verify", f"{FIRST + 10}-{FIRST + 40}", "--deep", "--repair", timeout=60, **SETTINGS)
    assert "10 mended" in done.stdout
    assert all(has_told(liar, "changed_virtual") for liar in liars)
    world.expect(chain, (FIRST, LAST), virtual=whole)
