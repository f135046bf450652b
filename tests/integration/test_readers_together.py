"""Several readers on one database: nothing missing, nothing twice, nobody stopped."""

import pytest

LAST = 2500


def all_tailing(readers, timeout=60):
    for reader in readers:
        reader.wait_for("tail_started", timeout=timeout)


@pytest.mark.parametrize("count", [2, 3])
def test_readers_started_together(world, count):
    node = world.node(irreversible=LAST)
    names = [f"reader-{i}" for i in range(count)]
    readers = [world.start(name=name) for name in names]
    world.db.wait_blocks(LAST, 60)
    all_tailing(readers)
    node.live(0.2)
    node.wait_for(lambda: node.irreversible >= LAST + 10)
    last = node.still()
    world.db.wait_block(last)
    world.db.wait_blocks(last)
    seen = world.db.rows("SELECT name, alive FROM reader_status ORDER BY name")
    assert seen == tuple((name, 1) for name in names)
    assert all(reader.is_running for reader in readers)
    world.expect(node.chain, (1, last))


def test_readers_share_the_work(world):
    node = world.node(irreversible=4000)
    node.fault("delay", method="get_block", seconds=0.05)
    readers = [world.start(name=f"reader-{i}", fetch={"connections": 2}) for i in range(2)]
    world.db.wait_blocks(4000, 60)
    all_tailing(readers)
    twice = sum(count - 1 for number, count in node.asked.items() if number and count > 1)
    assert twice < 1500, "readers fetched much of the same"
    shares = world.db.rows("SELECT reader_id, COUNT(*) FROM blocks GROUP BY reader_id")
    assert len(shares) == 2 and min(share for _, share in shares) >= 500
    world.expect(node.chain, (1, 4000))


def test_three_readers_and_a_backfill_under_the_same_name(world):
    node = world.node(irreversible=1500)
    world.run("--once", reader={"start_block": 1000})
    readers = [world.start(name=f"reader-{i}", reader={"start_block": 1000}) for i in range(3)]
    all_tailing(readers)
    node.live(0.2)
    world.run("--backfill", "1-600", name="reader-0", reader={"start_block": 1000})
    world.run("--once", name="reader-1", reader={"start_block": 1000})
    last = node.still()
    world.db.wait_block(last)
    assert all(reader.is_running for reader in readers)
    assert world.db.value("SELECT COUNT(*) FROM reader_status WHERE alive") == 3
    world.expect(node.chain, (1, 600), (1000, last))


def test_a_name_is_taken_over(world):
    node = world.node(irreversible=100)
    older = world.start()
    older.wait_for("tail_started")
    newer = world.start()
    newer.wait_for("tail_started")
    while older.is_running:
        node.advance()
        world.db.wait_block(node.irreversible)
    assert older.wait_exit() == 78
    world.allow_errors(*(line.event for line in older.events()))
    assert newer.is_running
    assert world.db.value("SELECT COUNT(*) FROM readers") == 1
    world.expect(node.chain, (1, node.irreversible))


def test_a_frozen_reader_freezes_nobody(world):
    node = world.node(irreversible=1800)
    node.fault("delay", method="get_block", seconds=0.02)
    frozen = world.start(name="frozen", fetch={"batch_size": 10})
    world.db.wait_blocks(300)
    frozen.freeze()
    world.expire_claims()
    other = world.start(name="other")
    other.wait_for("tail_started", timeout=60)
    node.advance(5)
    world.db.wait_block(1805)
    world.db.wait_blocks(1805, 60)
    frozen.thaw()
    frozen.wait_for("tail_started", timeout=40)
    node.advance(5)
    world.db.wait_blocks(1810)
    world.expect(node.chain, (1, 1810))


@pytest.mark.slow
@pytest.mark.timeout_s(120)
def test_the_claim_of_a_dead_reader_runs_out(world):
    node = world.node(irreversible=900)
    hang = node.fault("hang", block=set(range(400, 420)))
    dead = world.start(name="dead", fetch={"batch_size": 10, "connections": 1})
    node.wait_for(lambda: hang.count)
    assert world.db.wait_until("SELECT COUNT(*) FROM gap_claims")
    dead.kill()
    hang.clear()
    other = world.start(name="other")
    other.wait_for("tail_started", timeout=60)
    node.advance(3)
    world.db.wait_block(903)
    world.db.wait_blocks(903, 60)
    world.expect(node.chain, (1, 903))
