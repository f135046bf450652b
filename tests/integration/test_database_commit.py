"""The reply to COMMIT is lost: what it did is looked up, not guessed. Nothing is lost or doubled."""

import pytest

from harness import servers

from harness.proxy import Proxy

LAST = 400
SMALL = {"write": {"batch_rows": 20}, "fetch": {"batch_size": 10}, "log": {"level": "debug"}}


@pytest.fixture
def proxy(world):
    made = Proxy(world.server.socket)
    yield made
    made.close()


def through(proxy):
    return servers.by_tcp(proxy.port, tls="off")


def counted_once(world, name="reader"):
    """The figures of its row are committed with the blocks: they too are neither lost nor doubled."""
    stored, operations = world.db.rows(
        "SELECT blocks_stored, operations_stored FROM readers WHERE name = %s", name)[0]
    assert stored == world.db.value("SELECT COUNT(*) FROM blocks")
    assert operations == world.db.value("SELECT COUNT(*) FROM blockchain")


@pytest.mark.timeout_s(120)
@pytest.mark.parametrize("every, how", [(2, "close"), (3, "mixed")])
def test_replies_to_commit_are_lost_all_the_time(world, proxy, every, how):
    """In the start, the replay, the settling of cells, the tail."""
    node = world.node(irreversible=LAST)
    proxy.drop_replies(every=every, how=how)
    reader = world.start(database=through(proxy), **SMALL)
    reader.wait_for("tail_started", timeout=60)
    for _ in range(5):
        node.advance(4)
        world.db.wait_blocks(node.irreversible, 30)
    proxy.wait_dropped(20)
    proxy.forward_all()
    node.advance(1)
    world.db.wait_blocks(node.irreversible, 30)
    assert reader.events("commit_retry") or reader.events("database_lost")
    counted_once(world)
    assert not world.db.value("SELECT COUNT(*) FROM gap_claims")
    world.expect(node.chain, (1, node.irreversible))


@pytest.mark.timeout_s(120)
def test_the_other_reader_hears_every_reply(world, proxy):
    """Two readers race for each block; one of them never knows at once whether it has won."""
    node = world.node(irreversible=LAST)
    proxy.drop_replies(every=2)
    deaf = world.start(name="deaf", database=through(proxy), **SMALL)
    well = world.start(name="well", **SMALL)
    for reader in (deaf, well):
        reader.wait_for("tail_started", timeout=60)
    for _ in range(5):
        node.advance(4)
        world.db.wait_blocks(node.irreversible, 30)
    proxy.forward_all()
    assert proxy.dropped >= 5
    assert (world.db.value("SELECT SUM(blocks_stored) FROM readers")
            == world.db.value("SELECT COUNT(*) FROM blocks"))
    world.expect(node.chain, (1, node.irreversible))


@pytest.mark.slow
@pytest.mark.timeout_s(120)
def test_silence_after_commit_is_heard_at_last(world, proxy):
    """No reply and no end of the connection: after half a minute the reader asks anew. Its tail
    stands still so long, that of another reader does not."""
    node = world.node(irreversible=100)
    deaf = world.start(name="deaf", database=through(proxy), **SMALL)
    deaf.wait_for("tail_started", timeout=60)
    world.db.wait_blocks(100)
    proxy.drop_replies(how="hang", times=1)
    node.advance(1)
    proxy.wait_dropped(1)
    well = world.start(name="well", **SMALL)
    well.wait_for("tail_started", timeout=60)
    for _ in range(3):
        node.advance(1)
        world.db.wait_block(node.irreversible, 10)
    line = deaf.wait_for("database_lost", timeout=45)
    assert "commit of blocks 101" in line.message
    deaf.wait_for("committed", containing="101")
    deaf.wait_for("database_back")
    assert (world.db.value("SELECT SUM(blocks_stored) FROM readers")
            == world.db.value("SELECT COUNT(*) FROM blocks"))
    world.expect(node.chain, (1, node.irreversible))
