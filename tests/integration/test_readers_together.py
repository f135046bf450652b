"""Several readers on one database: nothing missing, nothing twice, nobody stopped."""

import contextlib

import pytest

from harness.chain import SyntheticChain

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


@pytest.mark.parametrize("count", [2, 3])
def test_readers_share_the_work(world, count):
    """Fetching is the limit here: by claims each does its share, and little is fetched twice."""
    last = 4000 * count  # enough cells for one that starts a second later
    node = world.node(SyntheticChain(plain=True), irreversible=last)
    node.fault("delay", method="get_block", seconds=0.1)
    fetch = {"connections": 2, "batch_size": 25}
    for i in range(count):
        world.start(name=f"reader-{i}", fetch=fetch)
    world.db.wait_blocks(last, 60)
    all_tailing(world.readers[1:])
    twice = sum(asked - 1 for number, asked in node.asked.items() if number and asked > 1)
    assert twice < last / 4, "readers fetched much of the same"
    shares = [share for _, share in world.db.rows(
        "SELECT reader_id, COUNT(*) FROM blocks GROUP BY reader_id")]
    assert len(shares) == count and min(shares) >= last / count / 3, shares
    world.expect(node.chain, (1, last))


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
    """At its next commit the older process learns of it, says so, and ends with 78."""
    node = world.node(irreversible=100)
    older = world.start()
    older.wait_for("tail_started")
    newer = world.start()
    newer.wait_for("tail_started")
    while older.is_running:
        node.advance()
        world.db.wait_block(node.irreversible)
    assert older.wait_exit() == 78
    assert "reader.name" in older.wait_for("ended", containing="took the name reader").text
    assert newer.is_running
    assert world.db.value("SELECT COUNT(*) FROM readers") == 1
    world.expect(node.chain, (1, node.irreversible))


def test_a_name_is_taken_over_while_nothing_comes(world):
    """Without a new block it learns of it by its heartbeat."""
    node = world.node(irreversible=100)
    older = world.start()
    older.wait_for("tail_started")
    newer = world.start()
    newer.wait_for("tail_started")
    assert older.wait_exit(15) == 78
    assert newer.is_running
    world.expect(node.chain, (1, 100))


def test_a_name_is_taken_over_in_a_replay(world):
    """The newer process does not wait for the claims of the older one: they are its name's."""
    node = world.node(irreversible=3000)
    slow = node.fault("delay", method="get_block", seconds=0.2)
    fetch = {"batch_size": 10, "connections": 2}
    older = world.start(fetch=fetch)
    world.db.wait_blocks(50)
    newer = world.start(fetch=fetch)
    assert older.wait_exit(20) == 78
    slow.clear()
    newer.wait_for("tail_started", 25)
    world.db.wait_blocks(3000)
    world.expect(node.chain, (1, 3000))


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
    runs_out = world.db.value("SELECT expires_at FROM gap_claims")
    other = world.start(name="other")
    other.wait_for("tail_started", timeout=60)
    node.advance(3)
    world.db.wait_block(903)
    assert world.db.value("SELECT UTC_TIMESTAMP(6) < %s FROM gap_claims", runs_out) == 1, \
        "the tail waited for the claim"
    other.wait_for("claim_taken_over", 60)
    world.db.wait_blocks(903, 60)
    late_s = world.db.value("SELECT TIMESTAMPDIFF(MICROSECOND, %s, MIN(committed_at)) / 1e6"
                            " FROM blocks WHERE block BETWEEN 400 AND 899", runs_out)
    assert 0 <= late_s < 8, f"taken over {late_s} s after it ran out"
    world.expect(node.chain, (1, 903))


def test_a_claim_taken_too_early_is_harmless(world):
    """Two readers at work on one cell, as where the clocks of two servers differ."""
    slow, fast = world.node(irreversible=990), world.node(irreversible=990)
    slow.fault("delay", method="get_block", seconds=0.1)
    debug = {"log": {"level": "debug"}, "write": {"batch_rows": 50}}
    first = world.start(name="first", nodes=[{"url": slow.url}],
                        fetch={"batch_size": 10, "connections": 2}, **debug)
    world.db.wait_blocks(50)
    world.expire_claims()
    second = world.start(name="second", nodes=[{"url": fast.url}],
                         fetch={"batch_size": 10, "connections": 1}, **debug)
    second.wait_for("claim_taken_over")
    first.wait_for("tail_started", 40)
    second.wait_for("tail_started", 40)
    world.db.wait_blocks(990)
    lost, stored = world.db.rows("SELECT SUM(blocks_lost), SUM(blocks_stored) FROM readers")[0]
    assert stored == 990 and lost > 0, "they never worked on the same blocks"
    world.db.wait_until("SELECT COUNT(*) FROM gap_claims", lambda count: count == 0)
    world.expect(slow.chain, (1, 990))


# What the statements say of a lost race, on one server.

EXECUTED = """SELECT CONVERT(argument USING utf8mb4) FROM mysql.general_log
              WHERE command_type IN ('Query', 'Execute') AND user_host LIKE %s ORDER BY event_time"""


def test_only_the_winner_of_a_block_writes_operations(lone_world):
    """Three readers race for each block at the tip: one INSERT of operations a block, not three.

    Whoever comes late enough sees the row and inserts nothing; the next test makes a real loser.
    """
    world = lone_world
    node = world.node(SyntheticChain(plain=True), irreversible=50)
    world.server.execute("CREATE USER racer@localhost", "GRANT ALL ON *.* TO racer@localhost")
    for i in range(3):
        world.start(name=f"reader-{i}", database={"user": "racer"}).wait_for("tail_started")
    world.db.wait_blocks(50)
    world.server.execute("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = 1")
    for _ in range(60):
        node.advance()
        world.db.wait_block(node.irreversible)
    world.db.wait_until("SELECT MIN(last_block) FROM readers", lambda n: n == node.irreversible)
    world.server.execute("SET GLOBAL general_log = 0")
    said = [text for text, in world.db.rows(EXECUTED, "racer[%")]
    written = len([text for text in said if text.startswith("INSERT INTO blockchain ")])
    assert written <= 60, f"{written} times operations were written, of 60 blocks"
    world.expect(node.chain, (1, 110))


def test_the_loser_of_a_block_touches_no_operations(lone_world):
    """A loser is made: the block's row is there, uncommitted, when it inserts its own."""
    world = lone_world
    node = world.node(irreversible=100)
    world.run("--once", name="winner")
    copy = world.server.create_database()
    world.server.execute(
        f"CREATE DATABASE {copy}",
        *(f"CREATE TABLE {copy}.{table} AS SELECT * FROM {world.database}.{table} WHERE block = 100"
          for table in ("blocks", "blockchain")))
    world.forget_blocks(100)
    world.server.execute("CREATE USER loser@localhost", "GRANT ALL ON *.* TO loser@localhost")
    node.irreversible = 99
    loser = world.start(name="loser", database={"user": "loser"})
    loser.wait_for("tail_started")
    world.server.execute("SET GLOBAL log_output = 'TABLE', GLOBAL general_log = 1")
    with contextlib.closing(world.connect()) as winner, winner.cursor() as cursor:
        cursor.execute("BEGIN")
        columns = "block, block_id, previous, timestamp, operations, stored_operations," \
                  " filter_id, reader_id, committed_at"
        cursor.execute(f"INSERT INTO blocks ({columns}) SELECT {columns} FROM {copy}.blocks")
        node.advance()
        world.db.wait_until("SHOW GLOBAL STATUS WHERE value > 0"
                            " AND variable_name = 'innodb_row_lock_current_waits'")
        cursor.execute(f"INSERT INTO blockchain SELECT * FROM {copy}.blockchain")
        cursor.execute("COMMIT")
    world.db.wait_until("SELECT blocks_lost FROM readers WHERE name = 'loser'")
    node.advance()
    world.db.wait_block(101)
    said = [text for text, in world.db.rows(EXECUTED, "loser[%")]
    world.server.execute("SET GLOBAL general_log = 0")
    end = next(i for i, text in enumerate(said) if "INSERT INTO blocks" in text) + 1
    lost = said[:said.index("ROLLBACK", end) + 1]
    assert lost and not [text for text in lost if "blockchain" in text]
    assert [text for text in said if "INSERT INTO blockchain" in text], "it wrote block 101"
    world.expect(node.chain, (1, 101))
