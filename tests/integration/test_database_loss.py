"""The database goes away: killed, frozen, cut off, locked. Nothing is lost, nothing doubled."""

import pytest

from harness import servers

LAST = 800


@pytest.fixture
def busy(lone_world):
    """A reader in the middle of its catch-up."""
    node = lone_world.node(irreversible=LAST)
    slow = node.fault("delay", method="get_block", seconds=0.03)
    reader = lone_world.start(fetch={"batch_size": 10, "connections": 4},
                              write={"batch_rows": 100}, log={"level": "debug"})
    lone_world.db.wait_blocks(100)
    yield lone_world, node, reader
    slow.release()


def whole(world, node, reader, last=LAST):
    world.db.wait_blocks(last, 60)
    assert reader.is_running
    world.allow_errors(*(line.event for line in reader.events()))
    world.expect(node.chain, (1, last))


@pytest.mark.timeout_s(120)
def test_the_server_is_killed_and_comes_back(busy):
    world, node, reader = busy
    for _ in range(2):
        world.server.kill()
        world.db.close()
        reader.wait_for("commit_retry")
        world.server.start()
        at = world.db.wait_until("SELECT COUNT(*) FROM blocks")
        world.db.wait_blocks(min(at + 50, LAST), 40)
    whole(world, node, reader)


@pytest.mark.timeout_s(120)
def test_the_server_is_restarted_in_the_tail(lone_world):
    world = lone_world
    node = world.node(irreversible=50)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(50)
    world.server.stop()
    world.db.close()
    node.advance(5)
    node.wait_for(lambda: node.asked[55])
    world.server.start()
    whole(world, node, reader, 55)


@pytest.mark.slow
@pytest.mark.timeout_s(150)
def test_the_server_freezes_for_a_while(busy):
    world, node, reader = busy
    world.server.freeze()
    asked = node.count["requests"]
    node.wait_for(lambda: node.count["requests"] > asked)
    reader.wait_for("commit_retry", timeout=60)
    world.server.thaw()
    whole(world, node, reader)


@pytest.mark.timeout_s(120)
def test_connections_are_killed(busy):
    world, node, reader = busy
    for step in range(1, 6):
        world.db.kill_others()
        world.db.wait_blocks(100 + step * 40)
    whole(world, node, reader)


@pytest.mark.timeout_s(120)
def test_a_foreign_lock_makes_it_wait_not_lose(world):
    node = world.node(irreversible=200)
    world.run("--once", reader={"start_block": 150})
    blocker = world.connect()
    with blocker.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("INSERT INTO blocks (block, block_id, previous, timestamp, operations,"
                       " stored_operations, filter_id, reader_id, committed_at)"
                       " SELECT 100, block_id, previous, timestamp, operations,"
                       " stored_operations, filter_id, reader_id, committed_at FROM blocks"
                       " WHERE block = 150")
    reader = world.start(log={"level": "debug"})
    reader.wait_for("commit_retry", timeout=40)
    blocker.rollback()
    blocker.close()
    world.db.wait_blocks(200, 40)
    world.expect(node.chain, (1, 200))


def test_the_next_host_where_the_first_is_dead(lone_world):
    world = lone_world
    node = world.node(irreversible=50)
    dead = str(world.folder / "no-such-socket")
    world.server.execute("CREATE USER tcp@'127.0.0.1'", "GRANT ALL ON *.* TO tcp@'127.0.0.1'")
    settings = servers.by_tcp(1, world.server.port, user="tcp")
    settings["hosts"].insert(0, dead)
    world.run("--once", database=settings)
    world.expect(node.chain, (1, 50))


@pytest.mark.timeout_s(120)
def test_a_start_that_waits_for_the_database(lone_world):
    world = lone_world
    node = world.node(irreversible=50)
    world.server.stop()
    world.db.close()
    reader = world.start()
    reader.wait_line(lambda line: "database" in line.event and line.level != "debug", timeout=30)
    world.server.start()
    whole(world, node, reader, 50)


@pytest.mark.slow
@pytest.mark.timeout_s(120)
def test_an_orderly_end_while_the_database_is_gone(busy):
    world, node, reader = busy
    world.server.kill()
    world.db.close()
    reader.wait_for("database_lost")
    code = reader.stop(timeout=5)
    assert code in (0, 69)
    world.server.start()
    world.allow_errors(*(line.event for line in reader.events()))
    world.run("--once")
    world.expect(node.chain, (1, LAST))


def test_hostile_defaults_of_the_server(world):
    """The server's own defaults are latin1, no strict mode, another zone, REPEATABLE READ."""
    assert world.db.value("SELECT @@global.sql_mode") == ""
    assert world.db.value("SELECT @@global.time_zone") == "+05:30"
    node = world.node(irreversible=100)
    world.run("--once")
    drift = world.db.value("SELECT MAX(ABS(TIMESTAMPDIFF(SECOND, committed_at,"
                           " UTC_TIMESTAMP()))) FROM blocks")
    assert drift < 120
    world.expect(node.chain, (1, 100))


@pytest.mark.timeout_s(120)
def test_a_stop_does_not_wait_for_a_frozen_server(busy):
    world, _, reader = busy
    world.server.freeze()
    assert reader.stop(15) == 0
    assert reader.events("stopped_at_once")
    world.server.thaw()
    world.allow_errors(*(line.event for line in reader.events()))


def test_a_read_only_server_is_named_once(lone_world):
    world = lone_world
    world.server.execute("CREATE USER limited@localhost",
                         f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{world.database}`.*"
                         " TO limited@localhost")
    node = world.node(irreversible=100)
    reader = world.start(database={"user": "limited"})
    reader.wait_for("tail_started")
    world.server.execute("SET GLOBAL read_only = 1")
    node.advance(5)
    reader.wait_for("commit_retry", containing="read-only")  # it was named before, this is a reminder
    assert not reader.events("database_back")
    assert len(reader.events("database_lost")) <= 3  # one for each connection
    world.server.execute("SET GLOBAL read_only = 0")
    whole(world, node, reader, 105)
