"""reader.proof = "signed": at the tip, a block is stored only if the key of its witness signed it."""

import json
import signal

import pytest

from harness import lies, operations, packing
from harness.chain import SyntheticChain
from harness.reader import write_config

LAST = 100
SIGNED = {"proof": "signed"}
HEAD = {**SIGNED, "follow": "head"}
WITNESSES = len(operations.NAMES)
ASK = "get_witness_by_account"


def start(world, **options):
    """A reader at the tip, which knows no key yet."""
    reader = world.start(reader=SIGNED, **options)
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    return reader


def learn(world, *nodes):
    """One block of each witness."""
    for node in nodes:
        node.advance(WITNESSES + 2)
    world.db.wait_block(nodes[0].irreversible, timeout=20)
    assert keys(world) >= WITNESSES


def wait_irreversible(world, number, timeout=20):
    world.db.wait_until("SELECT MAX(block) FROM blocks WHERE is_irreversible", lambda block: block == number,
                        timeout)


def keys(world, where="1 = 1"):
    return world.db.value(f"SELECT COUNT(*) FROM witness_keys WHERE {where}")


def forged(chain, node, name="made up"):
    """A branch from the next block on, signed by strangers."""
    return SyntheticChain(fork=(node.irreversible + 1, name), below=chain, strangers=True)


def goes_on(world, node, count=3, timeout=30, others=()):
    for each in (node, *others):
        each.advance(count)
    world.db.wait_block(node.irreversible, timeout=timeout)


def proofs(world, first):
    return dict(world.db.rows("SELECT proof, COUNT(*) FROM blocks WHERE block >= %s GROUP BY proof", first))


def true(world, node, first=1):
    world.expect(node.chain, (first, node.irreversible), proves=packing.STEEM)


def true_at_the_head(world, node, **options):
    world.expect(node.chain, (1, node.irreversible), proves=packing.STEEM,
                 reversible=[(node.irreversible + 1, node.head)], **options)


# ---- keys are learnt

def test_the_tail_stores_signed_blocks(world):
    node = world.node(irreversible=LAST)
    start(world)
    learn(world, node)
    assert proofs(world, LAST + 1) == {"signed": WITNESSES + 2}
    assert proofs(world, 1)["content"] == LAST
    assert keys(world, "source = 'nodes'") and keys(world, "source = 'chain'")
    asked = node.count[ASK]
    goes_on(world, node, WITNESSES)
    assert node.count[ASK] == asked
    true(world, node)


def test_with_the_head(world):
    """What is read at the head is signed; the keys that nodes tell are kept once it is irreversible."""
    node = world.node(irreversible=LAST)
    world.start(reader=HEAD)
    world.db.wait_block(node.head)
    assert proofs(world, LAST + 1) == {"signed": node.head - LAST}
    assert not keys(world, "source = 'nodes'")
    for _ in range(WITNESSES + 2):
        node.grow()
    wait_irreversible(world, node.irreversible)
    world.db.wait_block(node.head)
    assert proofs(world, LAST + 1) == {"signed": node.head - LAST}
    assert keys(world) >= WITNESSES
    asked = node.count[ASK]
    node.grow()
    wait_irreversible(world, node.irreversible)
    assert node.count[ASK] == asked
    true_at_the_head(world, node)


def test_nodes_that_refuse_batches(world):
    node = world.node(irreversible=LAST)
    node.fault("refuse_batch", above=1)
    start(world)
    learn(world, node)
    true(world, node)


def test_the_nodes_are_read_again(world):
    """The answers of those before count for nothing."""
    node, other = world.node(irreversible=LAST), world.node(irreversible=LAST)
    hangs = node.fault("hang", method=ASK)
    path = world.config(reader=SIGNED, nodes=({"url": node.url},))
    reader = world.start(config=path)
    reader.wait_for("tail_started")
    node.advance(3)
    node.wait_for(lambda: node.count[ASK] > 0)
    write_config(path, world.settings("reader", reader=SIGNED, nodes=({"url": other.url},)))
    reader.signal(signal.SIGHUP)
    reader.wait_for("reloaded")
    other.advance(3)
    world.db.wait_block(other.irreversible, timeout=20)
    hangs.release()
    true(world, other)


def test_a_restart_keeps_the_keys(world):
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    assert reader.stop() == 0
    asked = node.count[ASK]
    world.start(reader=SIGNED).wait_for("tail_started")
    goes_on(world, node, WITNESSES)
    assert node.count[ASK] == asked
    true(world, node)


def test_several_readers(world):
    nodes = [world.node(irreversible=LAST) for _ in range(2)]
    readers = [world.start(reader=SIGNED, name=f"r{i}") for i in range(3)]
    for reader in readers:
        reader.wait_for("tail_started")
    learn(world, *nodes)
    nodes[0].chain.change_key(nodes[0].head + 1, "dan", "a new key of dan")
    nodes[1].reorganise(nodes[0].chain)
    for _ in range(15):
        for node in nodes:
            node.advance(4)
        world.db.wait_block(nodes[0].irreversible, timeout=20)
    assert set(proofs(world, LAST + 1)) == {"signed"}
    assert keys(world, "source = 'chain' AND signing_key = '" +
                operations.signing_key("a new key of dan") + "'") == 1
    true(world, nodes[0])


def test_off_and_content_learn_from_the_chain_as_well(world):
    node = world.node(irreversible=LAST)
    node.chain.change_key(node.head + 2, "dan", "dan's second")
    world.start(reader={"proof": "off"}).wait_for("tail_started")
    node.advance(30)
    world.db.wait_block(node.irreversible)
    assert not node.count[ASK]
    assert keys(world, "witness = 'dan' AND source = 'chain'")


# ---- strangers

def test_a_sole_node_forges(world):
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    true_chain, stands = node.chain, node.irreversible
    node.reorganise(forged(true_chain, node))
    node.advance(3)
    event = reader.wait_for("claim_false")
    assert f"block {stands + 1}" in event.message
    assert operations.signing_key(true_chain.witness(stands + 1)) in event.message
    reader.wait_for("claim_false", count=2, timeout=40)
    assert world.db.value("SELECT MAX(block) FROM blocks") == stands
    assert world.db.value("SELECT COUNT(*) FROM known_gaps") == 0
    node.reorganise(true_chain)
    goes_on(world, node, timeout=60)
    assert set(proofs(world, LAST + 1)) == {"signed"}
    true(world, node)


def test_two_of_three_forge(world):
    """And say that the strangers' keys are those of the witnesses."""
    good = world.node(irreversible=LAST)
    liars = [world.node(irreversible=LAST) for _ in range(2)]
    reader = start(world)
    learn(world, good, *liars)
    stands = good.irreversible
    for liar in liars:
        liar.reorganise(forged(good.chain, good))
    for node in (good, *liars):
        node.advance(3)
    reader.wait_for("claim_false", count=2, timeout=40)
    assert world.db.value("SELECT MAX(block) FROM blocks") == stands
    assert not keys(world, f"since_block >= {stands}")
    for liar in liars:
        liar.reorganise(good.chain)
    goes_on(world, good, timeout=60, others=liars)
    true(world, good)


def test_an_empty_database_and_one_of_three_hostile(world):
    good = [world.node(irreversible=LAST) for _ in range(2)]
    liar = world.node(SyntheticChain(fork=(LAST + 1, "made up"), strangers=True), irreversible=LAST)
    for node in good:
        node.fault("delay", seconds=0.03)
    start(world)
    learn(world, *good, liar)
    assert world.db.value("SELECT COUNT(*) FROM witness_keys WHERE signing_key = %s",
                          operations.signing_key("a stranger to dan")) == 0
    true(world, good[0])


def test_a_signature_that_is_none(world):
    """Its bytes are part of the block's id, so they are made to fit."""
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    stands = node.irreversible

    def unsigned(raw):
        return json.dumps(lies.fit_block_id({**json.loads(raw), "witness_signature": "00" * 65})).encode()

    lie = node.fault("mangle", method="get_block", block=stands + 1, function=unsigned)
    node.advance()
    assert "is no signature" in reader.wait_for("claim_false").message
    assert world.db.value("SELECT MAX(block) FROM blocks") == stands
    lie.clear()
    goes_on(world, node, timeout=60)
    true(world, node)


# ---- keys change

@pytest.mark.parametrize("by", ["witness_update", "witness_set_properties"])
def test_a_key_changes(world, by):
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    asked, at = node.count[ASK], node.head + 1
    key = node.chain.change_key(at, "dan", "dan's second", by)
    node.advance(at + 2 * WITNESSES - node.irreversible)
    world.db.wait_block(node.irreversible, timeout=20)
    assert node.count[ASK] == asked
    row = world.db.rows("SELECT since_block, signing_key, source FROM witness_keys WHERE witness = 'dan'"
                        " ORDER BY since_block DESC LIMIT 1")
    assert row == [(at, key, "chain")] or row == ((at, key, "chain"),)
    assert not reader.events("claim_false")
    assert set(proofs(world, LAST + 1)) == {"signed"}
    true(world, node)


@pytest.mark.parametrize("by", ["witness_update", "witness_set_properties"])
def test_a_filter_that_drops_the_operation(world, by):
    node = world.node(irreversible=LAST)
    start(world, filter=[{"operation": "vote"}])
    learn(world, node)
    asked, at = node.count[ASK], node.head + 1
    node.chain.change_key(at, "dan", "dan's second", by)
    node.advance(at + 2 * WITNESSES - node.irreversible)
    world.db.wait_block(node.irreversible, timeout=20)
    assert node.count[ASK] == asked
    assert keys(world, f"witness = 'dan' AND since_block = {at}") == 1


def test_a_key_changes_before_the_tail_ends(world):
    """The nodes know the key of now; the blocks in hand were signed with the one before."""
    node = world.node(irreversible=LAST)
    node.chain.change_key(node.head + 1, "dan", "dan's second")
    node.head = node.head + 1
    start(world)
    node.advance(3 * WITNESSES)
    world.db.wait_block(node.irreversible, timeout=40)
    assert keys(world, "witness = 'dan'") == 2
    assert set(proofs(world, LAST + 1)) == {"signed"}
    true(world, node)


def test_a_key_changes_in_a_hole(world):
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    goes_on(world, node, WITNESSES)  # a round later, nodes are not believed any more
    assert reader.stop() == 0
    at = node.head + 1
    node.chain.change_key(at, "dan", "dan's second")
    node.advance(at + 10 - node.irreversible)
    hole = node.fault("null", method="get_block", block=at)
    reader = world.start(reader=SIGNED)
    reader.wait_for("tail_started", timeout=40)
    assert keys(world, f"since_block = {at}") == 0
    asked = node.count[ASK]
    goes_on(world, node, WITNESSES + 2, timeout=40)
    assert node.count[ASK] == asked  # a block above tells it
    assert not reader.events("claim_false")
    hole.clear()
    world.db.wait_blocks(node.irreversible, timeout=60)
    assert keys(world, f"witness = 'dan' AND since_block = {at} AND source = 'chain'") == 1
    true(world, node)


# ---- who built on a block

def tails_at_the_head(world, *nodes):
    """A reader at the tip, which has stored the reversible blocks and knows all keys."""
    reader = world.start(reader=HEAD)
    reader.wait_for("tail_started")
    for node in nodes:
        node.grow(WITNESSES)
    wait_irreversible(world, nodes[0].irreversible)
    world.db.wait_block(nodes[0].head)
    return reader


@pytest.mark.parametrize("count", [1, 3])
def test_a_block_is_called_irreversible_too_early(world, count):
    """By all nodes; it is once 16 of 21 witnesses, its own among them, have built on it."""
    nodes = [world.node(irreversible=LAST, head=LAST + 15) for _ in range(count)]
    reader = tails_at_the_head(world, *nodes)
    stands, head = nodes[0].irreversible, nodes[0].head
    for node in nodes:
        node.irreversible = head
    assert f"block {stands + 1} irreversible" in reader.wait_for("vote_pending").message
    wait_irreversible(world, stands)
    for more in range(1, 4):
        for node in nodes:
            node.head = head + more
        wait_irreversible(world, stands + more)
        world.db.wait_block(head + more)
    for node in nodes:
        node.head = head + 15
    wait_irreversible(world, head)
    world.db.wait_block(head + 15)
    true_at_the_head(world, nodes[0])


@pytest.mark.slow
def test_what_is_above_cannot_be_seen(world):
    """Then claims are enough after a minute, until it can be seen again."""
    node = world.node(irreversible=LAST, head=LAST + 15)
    reader = tails_at_the_head(world, node)
    stands = node.irreversible
    fault = node.fault("null", method="get_block", block=range(node.head + 1, 100000))
    node.grow(5)
    wait_irreversible(world, stands, timeout=90)
    reader.wait_for("vote_pending", timeout=90, containing="goes on with what they claim")
    wait_irreversible(world, stands + 5)
    node.grow(5)
    wait_irreversible(world, stands + 10, timeout=5)
    fault.clear()
    world.db.wait_block(node.head)
    node.grow()
    wait_irreversible(world, node.irreversible)
    stands = node.irreversible
    node.irreversible += 5
    reader.wait_for("vote_pending", containing=f"block {stands + 1} irreversible")
    wait_irreversible(world, stands)
    node.head += 5
    wait_irreversible(world, node.irreversible)
    true_at_the_head(world, node)


def test_a_fork_in_between(world):
    """The blocks of the branch that became the chain are counted, also those that were seen late."""
    node = world.node(irreversible=LAST, head=LAST + 15)
    reader = tails_at_the_head(world, node)
    stands, orphaned = node.irreversible, node.chain
    node.reorganise(SyntheticChain(fork=(node.head - 2, "b")), head=node.head + 1)
    reader.wait_for("fork_noticed")
    for _ in range(20):
        node.irreversible += 1
        wait_irreversible(world, node.irreversible, timeout=4)
        node.head += 1
    assert not reader.events("vote_pending") and node.irreversible == stands + 20
    true_at_the_head(world, node, forks=(orphaned,))


def test_a_reversible_block_of_a_stranger(world):
    node = world.node(irreversible=LAST, head=LAST + 15)
    reader = tails_at_the_head(world, node)
    true_chain, stands, first = node.chain, node.irreversible, node.head + 1
    node.reorganise(SyntheticChain(fork=(first, "made up"), below=true_chain, strangers=True))
    node.grow()
    event = reader.wait_for("claim_false")
    assert f"block {first}" in event.message
    assert operations.signing_key(true_chain.witness(first)) in event.message
    wait_irreversible(world, stands)
    assert world.db.value("SELECT MAX(block) FROM blocks") == first - 1
    node.reorganise(true_chain)
    wait_irreversible(world, node.irreversible, timeout=60)
    world.db.wait_block(node.head)
    assert set(proofs(world, LAST + 1)) == {"signed"}
    true_at_the_head(world, node)


def test_a_key_changes_at_the_head(world):
    """The blocks above are judged by what a reversible block sets, which stands in no table yet."""
    node = world.node(irreversible=LAST, head=LAST + 15)
    reader = tails_at_the_head(world, node)
    asked, at = node.count[ASK], node.head + 1
    node.chain.change_key(at, "dan", "dan's second")
    for _ in range(WITNESSES):
        node.grow(2)
        world.db.wait_block(node.head)
    wait_irreversible(world, node.irreversible)
    assert node.count[ASK] == asked
    assert not reader.events("claim_false")
    assert set(proofs(world, LAST + 1)) == {"signed"}
    true_at_the_head(world, node)


# ---- nodes that do not tell

def test_no_node_offers_the_call(world):
    node = world.node(irreversible=LAST)
    fault = node.fault("rpc_error", method=ASK, code=-32002, message="Could not find method")
    reader = start(world)
    node.advance(2)
    event = reader.wait_for("key_unknown")
    assert "Could not find method" in event.message and "0 of 1 nodes" in event.message
    assert world.db.value("SELECT COUNT(*) FROM blocks") == LAST
    fault.clear()
    goes_on(world, node)
    assert world.db.value("SELECT COUNT(*) FROM known_gaps") == 0
    true(world, node)


@pytest.mark.parametrize("what", ["null", "hang", "status", "garbage"])
def test_one_of_three_does_not_tell(world, what):
    nodes = [world.node(irreversible=LAST) for _ in range(3)]
    nodes[0].fault(what, method=ASK, **({"code": 503} if what == "status" else {}))
    start(world)
    learn(world, *nodes)
    true(world, nodes[1])


def test_the_nodes_do_not_agree(world):
    nodes = [world.node(irreversible=LAST) for _ in range(2)]

    def another(raw):
        return json.dumps({**json.loads(raw), "signing_key": operations.KEY}).encode()

    fault = nodes[0].fault("mangle", method=ASK, function=another)
    reader = start(world)
    for node in nodes:
        node.advance(2)
    reader.wait_for("key_unknown")
    assert world.db.value("SELECT COUNT(*) FROM blocks") == LAST
    fault.clear()
    for node in nodes:
        node.advance(2)
    world.db.wait_block(nodes[0].irreversible, timeout=20)
    true(world, nodes[0])


def test_a_rewind_takes_back_what_was_learnt(world):
    """Also of the nodes, about the first block above."""
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    assert reader.stop() == 0
    above = "since_block > 110 OR (source = 'nodes' AND since_block = 110)"
    assert keys(world, above) and keys(world, f"NOT ({above})")
    world.run("--rewind", "110")
    assert not keys(world, above) and keys(world)
    world.start(reader=SIGNED).wait_for("tail_started")
    goes_on(world, node, WITNESSES + 2)
    assert keys(world, "since_block > 110")
