"""reader.proof = "signed": once keys are known, no majority of nodes can make up a block, in whatever way it is
read, nor tell a key."""

import pytest

import test_signed
from harness import operations
from harness.chain import SyntheticChain
from test_signed import (ASK, LAST, SIGNED, WITNESSES, forged, goes_on, keys, proofs, start, true,
                         wait_irreversible)

NOT_YET = "no block signed with a known key links to"


class OtherWitnesses(SyntheticChain):
    """From the fork on, some blocks have witnesses whom nobody knows: number -> name."""

    def __init__(self, fork, below, names):
        super().__init__(fork=fork, below=below)
        self.names = names

    def witness(self, number):
        name = self.names(number) if number >= self.fork[0] else None
        return name or super().witness(number)

    def signing_key(self, witness, head):
        return operations.signing_key(self.secret(witness, head + 1))


def invented(chain, node):
    """All witnesses are made up, and the node tells their keys."""
    return OtherWitnesses((node.irreversible + 1, "invented"), chain, lambda number: f"evil{number % 3}")


def standby(chain, *numbers):
    """The chain itself, but in a block to come a witness has his first turn."""
    return OtherWitnesses((min(numbers), "main"), chain,
                          lambda number: f"standby{number % 100}" if number in numbers else None)


def learn(world, *nodes):
    """Two rounds: keys that were just learnt do not count."""
    test_signed.learn(world, *nodes)
    goes_on(world, nodes[0], WITNESSES, others=nodes[1:])


def stops(world, *nodes, hostile=()):
    """A reader that knows all keys, and does not run any more; the newest block that is stored."""
    reader = start(world)
    learn(world, *nodes, *hostile)
    assert reader.stop() == 0
    return nodes[0].irreversible if nodes else hostile[0].irreversible


def highest(world):
    return world.db.value("SELECT MAX(block) FROM blocks")


def only_the_chain(world, node, stands):
    """Above that block, too: the honest node may give some blocks that prove each other."""
    for number, block_id in world.db.rows("SELECT block, HEX(block_id) FROM blocks WHERE block > %s", stands):
        assert block_id.lower() == node.chain.block_id(number), number


def retry_gaps(world):
    world.db.execute("UPDATE known_gaps SET retry_at = UTC_TIMESTAMP(6)")


def wait_whole(world, node, timeout=60):
    retry_gaps(world)
    world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE is_irreversible",
                        lambda count: count >= node.irreversible, timeout)


# ---- a majority makes up what is read later

@pytest.mark.parametrize("make", [forged, invented])
def test_the_only_node_forges_a_catch_up(world, make):
    node = world.node(irreversible=LAST)
    stands = stops(world, hostile=[node])
    honest = node.chain
    node.reorganise(make(honest, node))
    node.advance(120)
    for _ in range(2):  # a restart tries everything again
        reader = world.start(reader=SIGNED)
        reader.wait_for("key_unknown", containing=NOT_YET, timeout=40)
        reader.wait_for("tail_started", timeout=40)
        assert highest(world) == stands
        assert reader.stop() == 0
    assert NOT_YET in world.db.value("SELECT reason FROM known_gaps ORDER BY first_block LIMIT 1")
    run = world.run("--once", reader=SIGNED, code=69, timeout=60)
    assert run.events("key_unknown")
    assert highest(world) == stands and not keys(world, f"since_block >= {stands}")
    node.reorganise(honest)
    world.start(reader=SIGNED)
    goes_on(world, node, timeout=60)
    wait_whole(world, node)
    true(world, node)


def test_two_of_three_forge_a_catch_up(world):
    good = world.node(irreversible=LAST)
    liars = [world.node(irreversible=LAST) for _ in range(2)]
    stands = stops(world, good, hostile=liars)
    for liar in liars:
        liar.reorganise(invented(good.chain, good))
    for node in (good, *liars):
        node.advance(120)
    reader = world.start(reader=SIGNED)
    reader.wait_for("gap_remains", timeout=60)
    reader.wait_for("tail_started", timeout=60)
    only_the_chain(world, good, stands)
    for liar in liars:
        liar.reorganise(good.chain)
    goes_on(world, good, timeout=60, others=liars)
    wait_whole(world, good)
    true(world, good)


def test_a_backfill_of_a_hole_is_forged(world):
    """The row above names the highest missing block, so nothing but the true one fits."""
    node = world.node(irreversible=LAST)
    stands = stops(world, node)
    world.forget_blocks(*range(stands - 9, stands + 1))
    honest = node.chain
    node.reorganise(SyntheticChain(fork=(stands - 9, "made up"), below=honest, strangers=True))
    world.run("--once", reader=SIGNED, code=69, timeout=60)
    assert highest(world) == stands - 10
    node.reorganise(honest)
    world.run("--once", reader=SIGNED, timeout=60)
    true(world, node)


# ---- a majority tells keys

def test_witnesses_are_invented_at_the_tip(world):
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    honest, stands, asked = node.chain, node.irreversible, node.count[ASK]
    node.reorganise(invented(honest, node))
    node.advance(3)
    event = reader.wait_for("key_unknown", timeout=40)
    assert f"block {stands + 1} is signed with a key of evil" in event.message and NOT_YET in event.message
    node.advance(30)
    assert "known witnesses" in reader.wait_for("claim_false", timeout=40).message
    assert highest(world) == stands and node.count[ASK] == asked
    assert world.db.value("SELECT COUNT(*) FROM known_gaps") == 0
    assert not keys(world, "witness LIKE 'evil%'")
    node.reorganise(honest)
    goes_on(world, node, timeout=60)
    assert set(proofs(world, LAST + 1)) == {"signed"}
    true(world, node)


def test_it_goes_on_as_soon_as_the_node_is_honest_again(world):
    """The false blocks in hand are dropped when another one does not link to them."""
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    honest, stands = node.chain, node.irreversible
    node.reorganise(invented(honest, node))
    node.advance(3)
    reader.wait_for("key_unknown", timeout=40)
    node.reorganise(honest)
    goes_on(world, node, timeout=30)
    assert world.db.value("SELECT COUNT(*) FROM known_gaps") == 0 and node.irreversible > stands
    true(world, node)


@pytest.mark.slow
@pytest.mark.parametrize("make", [forged, invented])
def test_a_block_is_withheld_until_it_is_a_gap(world, make):
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    honest, stands = node.chain, node.irreversible
    withheld = node.fault("null", method="get_block", block=stands + 1)
    node.reorganise(make(honest, node))
    node.advance(5)
    reader.wait_for("gap_found", timeout=60)
    reader.wait_for("key_unknown", containing=NOT_YET, timeout=40)
    assert highest(world) == stands
    withheld.clear()
    node.reorganise(honest)
    goes_on(world, node, timeout=60)
    wait_whole(world, node)
    true(world, node)


# ---- honest nodes

def test_the_first_block_of_a_standby_witness(world):
    """It comes one block later, and its key is known from then on."""
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    asked, at = node.count[ASK], node.head + 2
    node.reorganise(standby(node.chain, at, at + 100))
    node.advance(at - node.irreversible)
    wait_irreversible(world, at - 1)
    node.wait_for(lambda: node.asked[at] > 0)
    assert highest(world) == at - 1
    node.advance()
    wait_irreversible(world, at + 1)
    assert keys(world, f"witness = 'standby{at % 100}' AND since_block = {at - 1} AND last_signed = {at}") == 1
    node.advance(99)
    wait_irreversible(world, at + 100)
    assert node.count[ASK] == asked and not reader.events("claim_false")
    assert set(proofs(world, LAST + 1)) == {"signed"}
    true(world, node)


@pytest.mark.slow
def test_a_standby_witness_before_a_block_that_nobody_gives(world):
    """Both become gaps: the tail does not wait for ever."""
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    at = node.head + 2
    node.reorganise(standby(node.chain, at))
    missing = node.fault("null", method="get_block", block=at + 1)
    node.advance(at + 4 - node.irreversible)
    reader.wait_for("gap_found", containing=NOT_YET, timeout=60)
    wait_irreversible(world, at + 4, timeout=90)
    missing.clear()
    wait_whole(world, node)
    true(world, node)


@pytest.mark.parametrize("newest", [False, True])
def test_keys_change_while_no_reader_runs(world, newest):
    """In the middle of what --once reads, and by its newest block."""
    node = world.node(irreversible=LAST)
    stops(world, node)
    first = node.head + 1
    for number, witness in enumerate(operations.NAMES[:5]):
        node.chain.change_key(first + 3 * number, witness, f"second of {witness}")
    last = first + 100
    if newest:
        witness = node.chain.witness(last)
        node.chain.change_key(last - 1, witness, "brand new")
    node.irreversible = last
    run = world.run("--once", reader=SIGNED)
    assert not run.events("key_unknown") and not run.events("claim_false")
    true(world, node)


def test_once_ends_with_a_new_witness(world):
    """The newest blocks are of witnesses who never signed: blocks above, still reversible, bind them."""
    node = world.node(irreversible=LAST)
    stops(world, node)
    last = node.head + 50
    node.reorganise(standby(node.chain, last - 2, last - 1, last, last + 1))
    node.irreversible = last
    world.run("--once", reader=SIGNED)
    true(world, node)


def test_anchors_are_signed(world):
    """And it is noted again which keys signed, once a day."""
    node = world.node(irreversible=LAST)
    stands = stops(world, node)
    node.advance(200)
    world.db.execute("UPDATE witness_keys SET last_signed = NULL WHERE witness = 'dan'")
    world.run("--once", reader=SIGNED)
    found = proofs(world, stands + 1)
    assert 1 <= found["signed"] < found["content"]
    world.start(reader=SIGNED).wait_for("tail_started")
    goes_on(world, node, 2 * WITNESSES + 2)
    world.db.wait_until("SELECT last_signed FROM witness_keys WHERE witness = 'dan'",
                        lambda block: block and block > stands, 20)
    true(world, node)


def test_knowledge_that_is_too_old(world):
    """Then most nodes are enough again, as at a first start."""
    node = world.node(irreversible=LAST)
    stands = stops(world, node)
    world.db.execute("UPDATE witness_keys SET last_signed = 0 WHERE witness <> 'dan'")
    made = invented(node.chain, node)
    node.reorganise(made)
    node.advance(120)
    world.run("--once", reader=SIGNED)
    assert highest(world) == stands + 120
    world.expect(made, (1, node.irreversible))


def test_several_readers_and_new_witnesses(world):
    nodes = [world.node(irreversible=LAST) for _ in range(2)]
    readers = [world.start(reader=SIGNED, name=f"r{i}") for i in range(3)]
    for reader in readers:
        reader.wait_for("tail_started")
    learn(world, *nodes)
    at = nodes[0].head + 3
    chain = standby(nodes[0].chain, at, at + 1, at + 7)
    for node in nodes:
        node.reorganise(chain)
    for _ in range(15):
        for node in nodes:
            node.advance(2)
        world.db.wait_block(nodes[0].irreversible - 2, timeout=20)
    for node in nodes:
        node.advance(2)
    world.db.wait_block(nodes[0].irreversible, timeout=20)
    assert set(proofs(world, LAST + 1)) == {"signed"}
    assert keys(world, "witness LIKE 'standby%'") >= 2
    true(world, nodes[0])
