"""Blocks are proved before they are stored: what a node alters never gets in, and is named."""

import json

import pytest

from harness import lies, packing
from harness.chain import DATA, Chain, RecordedChain, SyntheticChain

def url_of(node):
    return node.url.removeprefix("http://").rstrip("/")


def proofs(world):
    return dict(world.db.rows("SELECT proof, COUNT(*) FROM blocks GROUP BY proof"))


def true_and_proved(world, chain, *ranges, **options):
    world.expect(chain, *ranges, proves=packing.STEEM, **options)


@pytest.mark.parametrize("kind", lies.KINDS)
def test_a_lie_in_a_catch_up(world, kind):
    """One of two nodes tells it of 40 blocks."""
    liar, honest = world.node(irreversible=60), world.node(irreversible=60)
    lie = liar.fault("lie", method="get_block", block=range(10, 50), kind=kind)
    honest.fault("delay", method="get_block", seconds=0.05)
    reader = world.run("--once", fetch={"batch_size": 5, "timeout_ms": 20000})
    assert lie.count > 0
    true_and_proved(world, honest.chain, (1, 60))
    assert proofs(world) == {"content": 60}
    # Some are refused because they are not complete, before anything is proved; and what agrees with itself
    # is not what the block above links to, or what the other node gives.
    said = [line for event in ("block_false", "block_refused", "claim_false", "link_broken")
            for line in reader.events(event)]
    assert said and all(line.level == "warning" and url_of(liar) in line.message for line in said)


def test_a_sole_node_that_lies_makes_a_gap(world):
    node = world.node(irreversible=40)
    lie = node.fault("lie", method="get_block", block={20, 21}, kind="changed")
    reader = world.run("--once", code=None)
    line = reader.wait_for("block_false")
    assert "its bytes have the id" in line.message and "trx" in line.message
    world.audit_gaps({20, 21})
    reason = world.db.value("SELECT reason FROM gaps LIMIT 1")
    assert "its bytes have the id" in reason and "transaction_ids says" in reason
    lie.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = UTC_TIMESTAMP(6)")
    world.run("--once")
    true_and_proved(world, node.chain, (1, 40))


def test_the_tail_goes_on_with_the_others(world):
    """One hostile of three, which is the fastest: nothing false is stored, and nothing waits for it."""
    honest = [world.node(irreversible=100) for _ in range(2)]
    for node in honest:
        node.fault("delay", seconds=0.05)
    liar = world.node(irreversible=100)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(100)
    lie = liar.fault("lie", method="get_block", block=range(101, 10000), kind="changed")
    for _ in range(8):
        for node in (liar, *honest):
            node.advance(1)
        world.db.wait_block(liar.irreversible, timeout=5)
    assert lie.count > 0
    assert url_of(liar) in reader.wait_for("block_false").message
    true_and_proved(world, liar.chain, (1, liar.irreversible))


def test_off_believes_what_the_node_says(world):
    """The same lie as above gets in: the tests above would see it."""
    node = world.node(irreversible=40)
    node.fault("lie", method="get_block", block={20}, kind="changed")
    reader = world.run("--once", reader={"proof": "off"})
    assert not reader.events("block_false")
    assert proofs(world) == {"none": 40}
    told = json.loads(lies.tell(node.chain.raw(20), "changed"))
    payload = world.db.value("SELECT payload FROM blockchain WHERE block = 20"
                             " ORDER BY trx_in_block, op_in_trx LIMIT 1")
    assert json.loads(payload) == told["transactions"][0]["operations"][0][1]
    assert json.loads(payload) != json.loads(node.chain.raw(20))["transactions"][0]["operations"][0][1]


def test_what_nobody_can_prove_is_stored_if_most_nodes_say_it(world):
    chain = SyntheticChain(odd=True)
    nodes = [world.node(chain, irreversible=60) for _ in range(3)]
    nodes[0].fault("fork", method="get_block", block=range(1, 100), chain=SyntheticChain("other", odd=True))
    reader = world.run("--once")
    line = reader.wait_for("block_unproved")
    assert "does not contain all signed bytes: trx" in line.message
    assert proofs(world).keys() == {"none", "content"}
    world.expect(chain, (1, 60))


def test_what_nobody_can_prove_is_a_gap_if_the_nodes_differ(world):
    """Each of two nodes adds an operation of its own that no program knows."""
    chains = [SyntheticChain(extra={30: [("unheard_of", f'{{"says":"{who}"}}')]}) for who in "ab"]
    for chain in chains:
        world.node(chain, irreversible=29)
    world.run("--once")
    for node in world.nodes:
        node.advance(1)
    reader = world.run("--once", code=None)
    world.audit_gaps({30})
    assert "1 of 2 nodes give this version" in world.db.value("SELECT reason FROM gaps")
    assert not reader.events("block_unproved")
    world.expect(chains[0], (1, 29), gaps=False)


def test_the_first_node_to_answer_is_no_majority(world):
    """The hostile one of three is there first, with blocks that nothing proves."""
    nodes = [world.node(SyntheticChain(plain=True), irreversible=300) for _ in range(3)]
    lie = nodes[0].fault("mangle", method="get_block", function=lambda raw: raw.replace(
        b'"operations":[', b'"operations":[["unheard_of",{}],'))
    for node in nodes[1:]:
        node.fault("delay", seconds=0.3)
    reader = world.start("--once")
    assert reader.wait_exit() == 0
    assert lie.count > 0
    assert proofs(world) == {"content": 300}
    world.expect(nodes[1].chain, (1, 300))


def test_a_value_that_old_nodes_show_wrong_is_put_right(world):
    """Block 22006939 as a node of 2018 gave it: percent_steem_dollars was printed without being set."""
    class One(Chain):
        def raw(self, number):
            return (DATA / "blocks" / "22006939.json").read_bytes() if number == 22006939 else None

    if not (DATA / "blocks").exists():
        pytest.skip("no ../shared/chain here")
    world.node(One(), irreversible=22006939)
    reader = world.run("--backfill", "22006939-22006939")
    line = reader.wait_for("block_false")
    assert "percent_steem_dollars is 10000, the node said 0" in line.message
    assert "the right one is stored" in line.message
    payload = world.db.value("SELECT payload FROM blockchain WHERE operation = 'comment_options'"
                             " AND trx_in_block = 16")
    assert '"percent_steem_dollars":10000' in payload
    assert proofs(world) == {"content": 1}


def test_the_real_chain_proves(world):
    chain = RecordedChain()
    world.node(chain, irreversible=5000000)
    reader = world.run("--backfill", "1-1000,4999981-5000000", timeout=60)
    assert proofs(world) == {"content": 1020}
    assert not reader.events("block_false") and not reader.events("block_unproved")


class TestNetwork(Chain):
    """The recorded one."""

    __test__ = False

    def __init__(self):
        text = (DATA / "testnet" / "blocks" / "condenser_get_block.jsonl").read_text("utf-8")
        blocks = [json.loads(line)["result"] for line in text.split("\n") if line]
        self.blocks = {int(block["block_id"][:8], 16): block for block in blocks}

    def raw(self, number):
        return json.dumps(self.blocks[number]).encode() if number in self.blocks else None


def test_a_test_network_has_values_of_its_own(world):
    if not (DATA / "testnet").exists():
        pytest.skip("no ../shared/chain here")
    chain = TestNetwork()
    first, last = min(chain.blocks), max(chain.blocks)
    node = world.node(chain, irreversible=last)
    wanted = ",".join(map(str, sorted(chain.blocks)))
    world.run("--backfill", wanted, reader={"chain": "testnet"})
    assert proofs(world) == {"content": len(chain.blocks)}, (first, last, node.count)


def test_a_tail_stores_what_no_node_can_prove(world):
    """By a search among all nodes, since one answer does not do."""
    chain = SyntheticChain(odd=True)
    nodes = [world.node(chain, irreversible=100) for _ in range(2)]
    reader = world.start()
    reader.wait_for("tail_started")
    for node in nodes:
        node.advance(30)
    world.db.wait_blocks(130)
    reader.wait_for("block_unproved")
    world.expect(chain, (1, 130))


@pytest.mark.parametrize("count", [1, 2])
def test_the_head_does_not_wait_for_what_no_node_can_prove(world, count):
    """It is the tail's, which asks all nodes; with one node, that one is enough."""
    chain = SyntheticChain(extra={110: [("unheard_of", "{}")]})
    nodes = [world.node(chain, irreversible=100, head=105) for _ in range(count)]
    world.start(reader={"follow": "head"})
    world.db.wait_block(105)
    for node in nodes:
        node.head = 115
    world.db.wait_block(115)
    stored = world.db.value("SELECT COUNT(*) FROM blocks WHERE block = 110")
    assert stored == (1 if count == 1 else 0)
    for node in nodes:
        node.head, node.irreversible = 127, 112
    world.db.wait_until("SELECT COUNT(*) = 112 FROM blocks WHERE is_irreversible")
    world.db.wait_block(127)
    assert proofs(world) == {"content": 100, "signed": 26, "none": 1}
