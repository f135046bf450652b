"""Readers on a chain that is made while they read it: its blocks prove, its forks are followed."""

import itertools

from harness import packing
from harness.network import Network

BOT = "answer-bot"
HEAD = {"follow": "head"}


def custom(text):
    return ("custom_json", {"required_auths": [], "required_posting_auths": [BOT], "id": "test",
                            "json": f'"{text}"'})


def grow(network, blocks, text=itertools.count()):
    """Blocks with up to five transactions."""
    for place in range(blocks):
        for _ in range(place % 6):
            network.submit(custom(next(text)), by=BOT)
        network.produce()


def test_a_reader_stores_and_proves_it(world):
    network = Network()
    world.join(network)
    world.join(network, shape="old")
    reader = world.start()
    reader.wait_for("tail_started")
    grow(network, 60)
    world.db.wait_blocks(network.irreversible)
    world.expect(network.branch, (1, network.irreversible), proves=packing.STEEM)
    stored = {row[0] for row in world.db.rows("SELECT trx_id FROM blockchain")}
    assert stored == {trx_id for trx_id, n in network.landed.items() if n <= network.irreversible}


def test_a_reader_follows_its_forks(world):
    network = Network()
    world.join(network)
    reader = world.start(reader=HEAD)
    reader.wait_for("tail_started")
    for depth in (1, 4, 9):
        grow(network, 20)
        world.db.wait_blocks(network.head)
        network.fork(depth, lambda trx: int(trx.trx_id, 16) % 2 == 0)
        grow(network, 2)
    grow(network, network.lag + 1)
    last = network.irreversible
    world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 1", lambda n: n == last)
    world.db.wait_blocks(network.head)
    orphans = [number for fork in network.gone_forks for number in fork.blocks
               if fork.block_id(number) != network.branch.block_id(number)]
    assert len(orphans) >= 1 + 4 + 9
    assert world.db.value("SELECT COUNT(DISTINCT block_id) FROM orphans") > 7
    world.expect(network.branch, (1, last), reversible=[(last + 1, network.head)],
                 forks=network.gone_forks, proves=packing.STEEM)
