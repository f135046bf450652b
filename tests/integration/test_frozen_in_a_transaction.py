"""A reader frozen or cut off in the middle of a transaction: for ten seconds at the most.

The transaction is caught in the act: a row that it needs is locked, until the server
shows that it waits; then the reader is frozen (or cut off), and the row let go. What the
transaction has written so far is locked from then on, by a reader that will never end it.
"""

import contextlib
import signal
import time

import pytest

from harness import servers
from harness.chain import TOP
from harness.relay import Relay

LAST = 300
LIMIT_S = 10
# (innodb_trx would be the table to ask, but shows its last answer to whoever asks often)
WAITING = f"""SELECT CAST(variable_value AS UNSIGNED) FROM {servers.CHOSEN.status}
             WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'"""
WORKING = """SELECT COUNT(*) FROM information_schema.processlist
             WHERE command <> 'Sleep' AND id <> CONNECTION_ID() AND db = DATABASE()"""


@contextlib.contextmanager
def locked(world, statement):
    """A row that is locked, by an update that changes nothing."""
    with contextlib.closing(world.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        assert cursor.execute(statement), "no such row"
        yield
        cursor.execute("ROLLBACK")


@contextlib.contextmanager
def caught(world, reader, statement, provoke, stop):
    """Stop the reader between the statements of a transaction; the time since it stopped."""
    with locked(world, statement):
        provoke()
        world.db.wait_until(WAITING, lambda count: count > 0)
        stop(reader)
        since = time.monotonic()
    world.db.wait_until(WORKING, lambda count: count == 0)  # done, and its COMMIT never comes
    yield lambda: time.monotonic() - since


def freeze(reader):
    reader.signal(signal.SIGSTOP)


READERS_ROW = "SELECT * FROM readers WHERE name = 'frozen' FOR UPDATE"


@pytest.fixture
def cut_world(lone_world):
    """A world whose reader `frozen` reaches the database through a relay."""
    lone_world.server.execute("CREATE USER tcp@'127.0.0.1'",
                              "GRANT ALL ON *.* TO tcp@'127.0.0.1'")
    relay = Relay(lone_world.server.port)
    yield lone_world, relay, servers.by_tcp(relay.port, user="tcp")
    relay.close()


def in_time(since):
    took_s = since()
    print(f"held up for {took_s:.1f} s")
    assert took_s < LIMIT_S, f"held up for {took_s:.1f} s"
    if took_s < 1:
        pytest.skip("the others were so late that nothing was left to hold them up")


def stored_in_time(world, number, since):
    world.db.wait_block(number, LIMIT_S + 20)
    in_time(since)


def test_frozen_in_the_commit_of_a_new_block(world):
    node = world.node(irreversible=LAST)
    frozen = world.start(name="frozen")
    frozen.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    with caught(world, frozen, READERS_ROW, node.advance, freeze) as since:
        other = world.start(name="other")
        stored_in_time(world, LAST + 1, since)
        node.advance()
        world.db.wait_block(LAST + 2, LIMIT_S)
    assert world.db.value("SELECT r.name FROM readers r JOIN blocks b ON b.reader_id = r.id"
                          " WHERE b.block = %s", LAST + 1) == "other"
    frozen.thaw()
    node.advance()
    world.db.wait_until("SELECT MIN(last_block) FROM readers", lambda n: n == LAST + 3, 30)
    assert other.is_running and frozen.is_running
    world.expect(node.chain, (1, LAST + 3))


@pytest.mark.timeout_s(150)
def test_cut_off_in_the_commit_of_a_new_block(cut_world):
    world, relay, through = cut_world
    node = world.node(irreversible=LAST)
    frozen = world.start(name="frozen", database=through)
    frozen.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    with caught(world, frozen, READERS_ROW, node.advance, lambda _: relay.stop()) as since:
        other = world.start(name="other")
        stored_in_time(world, LAST + 1, since)
    relay.go_on()
    node.advance()
    world.db.wait_until("SELECT last_block FROM readers WHERE name = 'frozen'",
                        lambda n: n == LAST + 2, 60)
    assert other.is_running and frozen.is_running
    world.expect(node.chain, (1, LAST + 2))


def test_frozen_in_the_commit_of_a_replay(world):
    """Also blocks of a cell that it claimed: whoever takes the cell over waits no longer."""
    node = world.node(irreversible=LAST)
    world.run("--once", name="frozen", reader={"start_block": 200})
    slow = node.fault("delay", method="get_block", seconds=0.05)
    frozen = world.start(name="frozen", fetch={"batch_size": 20, "connections": 1})
    world.db.wait_until("SELECT COUNT(*) FROM gap_claims")
    with caught(world, frozen, READERS_ROW, lambda: None, freeze) as since:
        slow.clear()
        world.expire_claims()
        world.start(name="other")
        world.db.wait_blocks(LAST, LIMIT_S + 20)
        in_time(since)
    frozen.thaw()
    frozen.wait_for("tail_started", 40)
    world.expect(node.chain, (1, LAST))


def test_frozen_with_the_lock_of_all_bookkeeping(world):
    """Ranges and gaps are changed by one reader at a time; a frozen one is no longer that one."""
    node = world.node(irreversible=LAST)
    world.run("--once", name="other", reader={"start_block": 200})
    frozen = world.start(name="frozen", reader={"start_block": 200}, fetch={"batch_size": 20})
    frozen.wait_for("tail_started")
    world.forget_blocks(250)
    settle = "SELECT * FROM gap_claims FOR UPDATE"
    hang = node.fault("hang", block={250})
    world.run("--gaps")  # 250 becomes a known gap, which the reader claims
    world.db.wait_until("SELECT COUNT(*) FROM gap_claims", timeout=30)
    with caught(world, frozen, settle, hang.clear, freeze) as since:
        other = world.start("--backfill", "10-60", name="other")
        other.wait_for("gap_found", LIMIT_S + 20)  # written to known_gaps under the same lock
        in_time(since)
    world.expire_claims()  # half a minute later: the cell is the frozen one's until then
    assert other.wait_exit(40) == 0
    frozen.thaw()
    node.advance()
    world.db.wait_until("SELECT last_block FROM readers WHERE name = 'frozen'",
                        lambda n: n == LAST + 1, 30)
    world.expect(node.chain, (10, 60), (200, LAST + 1))


# ---- a session that only reads, and sleeps in its transaction

@contextlib.contextmanager
def sleeping(world, statement):
    """A monitor, with SELECT rights alone, has locked rows and does not come back."""
    world.server.execute("DROP USER IF EXISTS monitor@localhost", "CREATE USER monitor@localhost",
                         f"GRANT SELECT ON `{world.database}`.* TO monitor@localhost")
    with contextlib.closing(world.server.connect(world.database, user="monitor")) as connection:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            assert cursor.execute(statement), "no such row"
            yield connection


# To lock FOR UPDATE, MySQL asks for more than the right to read.
LOCKS = ["SELECT * FROM readers LOCK IN SHARE MODE"]
SETTING = "wait_timeout"
if servers.CHOSEN is servers.MariaDB:
    LOCKS += ["SELECT * FROM blocks WHERE block > 290 FOR UPDATE", "SELECT * FROM readers FOR UPDATE"]
    SETTING = "idle_readonly_transaction_timeout"


@pytest.mark.parametrize("statement", LOCKS)
def test_the_documented_setting_ends_an_idle_monitor(lone_world, statement):
    world = lone_world
    node = world.node(irreversible=LAST)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    world.server.execute(f"SET GLOBAL {SETTING} = 2")
    with sleeping(world, statement):
        since = time.monotonic()
        node.advance()
        world.db.wait_block(LAST + 1, LIMIT_S)
        print(f"held up for {time.monotonic() - since:.1f} s")
    assert reader.is_running
    world.expect(node.chain, (1, LAST + 1))


@pytest.mark.slow
def test_without_it_the_line_says_what_holds_the_readers_up(lone_world):
    world = lone_world
    node = world.node(irreversible=LAST)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    with sleeping(world, LOCKS[-1]) as monitor:
        node.advance()
        said = reader.wait_for("commit_retry", containing="another session holds the lock",
                               timeout=40)
        assert "idle_readonly_transaction_timeout" in said.message
        assert "innodb_trx" in said.message
        # As doc/operations.md says: who it is, and how to end it.
        query = documented_query()
        assert world.db.rows(query)[0][:2] == (monitor.thread_id(), "monitor")
        world.db.execute("KILL %s", monitor.thread_id())
        world.db.wait_block(LAST + 1, LIMIT_S)
    world.expect(node.chain, (1, LAST + 1))


def documented_query():
    text = TOP.joinpath("doc", "operations.md").read_text(encoding="utf-8")
    found = text[text.index("SELECT t.trx_mysql_thread_id"):]
    return found[:found.index(";")]
