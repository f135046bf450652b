"""Nodes that leave the chain while a reader tails: what they say never gets in beside the truth."""

from harness.chain import SyntheticChain
from test_tail import settled


def test_one_of_three_nodes_leaves_the_chain(world):
    honest = [world.node(irreversible=100) for _ in range(2)]
    for node in honest:
        node.fault("delay", seconds=0.1)  # so that the other one is asked for the tip
    liar = world.node(irreversible=100)
    world.start().wait_for("tail_started")
    world.db.wait_blocks(100)
    liar.fault("fork", method="get_block", block=range(101, 10000), chain=SyntheticChain("other"))
    for _ in range(5):
        # The reader does not know yet that the honest ones have these blocks as well.
        for node in (*honest, liar):
            node.advance(2)
        world.db.wait_blocks(liar.irreversible, timeout=30)
    assert liar.count["fork"] > 0
    world.expect(liar.chain, (1, liar.irreversible))


def test_a_sole_node_leaves_the_chain_for_a_while(world):
    node, reader = settled(world, 100)
    fork = node.fault("fork", method="get_block", block=range(110, 10000),
                      chain=SyntheticChain("other"))
    node.advance(20)
    # What it said before it left the chain is stored, and nothing of what came after.
    world.db.wait_block(109)
    reader.wait_for("block_disputed", containing="does not fit stored block 109")
    assert world.db.value("SELECT MAX(block) FROM blocks") == 109
    fork.clear()
    world.db.wait_blocks(120)
    world.expect(node.chain, (1, 120))
