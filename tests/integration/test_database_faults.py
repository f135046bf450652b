"""What a database server can do wrong, one fault a test: doc/operations.md says what must happen.

More of them stand in test_database_loss.py (killed, frozen, restarted, locked, read-only),
test_database_commit.py (the reply to COMMIT), test_database_tls.py and test_grants.py.
"""

import contextlib

import pymysql
import pytest

from harness import servers
from harness.proxy import Proxy
from harness.rewriter import Confuser

LIMITED = "limited@localhost"
LOCKED, BLOCKED = ("(4151)", "(4150)") if servers.CHOSEN is servers.MariaDB else ("(3118)", "(3955)")


def limited_user(world, rights="SELECT, INSERT, UPDATE, DELETE"):
    """An account that a full or a read-only server turns away, unlike root."""
    world.server.execute(f"CREATE USER {LIMITED}", f"GRANT {rights} ON `{world.database}`.*"
                         f" TO {LIMITED}")
    return {"user": "limited"}


def tailing(world, last=50, **sections):
    """A reader in its tail."""
    node = world.node(irreversible=last)
    reader = world.start(**sections)
    reader.wait_for("tail_started", timeout=40)
    world.db.wait_blocks(last)
    return node, reader


def whole(world, node, reader, last):
    world.db.wait_blocks(last, 60)
    assert reader.is_running
    world.expect(node.chain, (1, last))


def ends_with(world, reader, code, said):
    """The daemon ends, and names the cause and the cure."""
    assert reader.wait_exit(30) == code
    line = reader.wait_for("ended")
    assert said in line.message, line
    world.allow_errors("ended")


# ---- The server has no room, or no time

def test_too_many_connections(lone_world):
    world = lone_world
    user = limited_user(world)
    node = world.node(irreversible=50)
    world.server.execute("SET GLOBAL max_connections = 10")
    taken = []
    with pytest.raises(pymysql.MySQLError, match="Too many connections"):
        while len(taken) < 30:
            taken.append(world.server.connect(**user))
    reader = world.start(database=user)
    line = reader.wait_for("database_lost")
    assert "(1040)" in line.message and "raise max_connections" in line.message
    for connection in taken:
        connection.close()
    whole(world, node, reader, 50)


def disk_of(server, mib):
    """All tables in one file that cannot grow beyond this size: the server finds its disk full."""
    server.options = [f"--innodb-data-file-path=ibdata1:12M:autoextend:max:{mib}M",
                      "--skip-innodb-file-per-table"]


def restart(world):
    world.server.stop()
    world.db.close()
    world.server.start()


@pytest.mark.timeout_s(120)
def test_a_disk_that_is_full_for_a_while(lone_world):
    """The tables cannot grow: the reader waits, and goes on when they can. Nothing is half there."""
    world = lone_world
    disk_of(world.server, 22)
    restart(world)
    world.db.execute(f"DROP DATABASE `{world.database}`")
    world.db.close()
    world.migrate()
    node = world.node(irreversible=4000)
    reader = world.start(write={"batch_rows": 200})
    line = reader.wait_for("commit_retry", containing="(1114)", timeout=60)
    assert "disk is full" in line.message
    assert 0 < world.db.value("SELECT COUNT(*) FROM blocks") < 4000
    disk_of(world.server, 64)
    restart(world)
    whole(world, node, reader, 4000)


def test_a_packet_limit_that_is_too_small_for_a_batch(lone_world):
    """Statements get as short as the server takes them."""
    world = lone_world
    world.server.execute("SET GLOBAL max_allowed_packet = 131072")
    node = world.node(irreversible=1500)
    reader = world.run("--once", write={"batch_rows": 10000, "batch_kib": 4096})
    assert not reader.events("commit_retry")
    world.expect(node.chain, (1, 1500))


@pytest.mark.slow
def test_a_packet_limit_that_is_too_small_for_a_row(lone_world):
    """Its block stays a gap, with the reason, until the limit is raised; the others are stored."""
    world = lone_world
    world.server.execute("SET GLOBAL max_allowed_packet = 2048")
    node = world.node(irreversible=300)
    reader = world.start(replay={"scan_interval_s": 1})
    reader.wait_for("tail_started", timeout=40)
    reader.wait_for("block_unstorable", containing="max_allowed_packet")
    world.allow_errors("block_unstorable")
    missing = world.db.value("SELECT SUM(missing) FROM gaps WHERE reason LIKE '%max_allowed_packet%'")
    assert missing > 0
    assert world.db.value("SELECT COUNT(*) FROM blocks") == 300 - missing
    world.server.execute("SET GLOBAL max_allowed_packet = 16777216")
    whole(world, node, reader, 300)


@pytest.fixture
def foreign(world):
    """A cursor in a transaction of somebody else; undone at the end in any case."""
    connection = world.connect()
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        yield cursor
    connection.close()


def waiting_statement(world, part):
    """The thread of a statement with this part that waits for a lock."""
    waits = "time_ms > 20" if servers.CHOSEN is servers.MariaDB else "time >= 1"
    return world.db.wait_until(f"SELECT id FROM information_schema.processlist WHERE {waits}"
                               f" AND info LIKE '%{part}%' AND id <> CONNECTION_ID()")


def waiting_commit(world):
    """The thread of the commit that waits for the row of its reader, its blocks already written."""
    return waiting_statement(world, "last_block = GREATEST")


def test_a_deadlock_costs_one_more_try(world, foreign):
    """A foreign transaction and a commit wait for each other; the server ends the commit."""
    node, reader = tailing(world, log={"level": "debug"})
    world.db.execute("CREATE TABLE heavy (n INT PRIMARY KEY)")
    foreign.execute(f"INSERT INTO heavy SELECT seq FROM {servers.numbers(1, 5000)} n")  # the other is the victim
    foreign.execute("SELECT * FROM readers FOR UPDATE")
    node.advance(1)
    waiting_commit(world)
    foreign.execute("SELECT * FROM blocks WHERE block = 51 FOR UPDATE")
    foreign.execute("ROLLBACK")
    line = reader.wait_for("commit_retry", containing="(1213)")
    assert line.level == "debug"
    whole(world, node, reader, 51)


def test_a_query_that_is_killed(world, foreign):
    """KILL QUERY, not the connection: the transaction is made again."""
    node, reader = tailing(world)
    foreign.execute("SELECT * FROM readers FOR UPDATE")
    node.advance(1)
    world.db.execute(f"KILL QUERY {waiting_commit(world)}")
    reader.wait_for("commit_retry", containing="(1317)")
    foreign.execute("ROLLBACK")
    whole(world, node, reader, 51)


def test_a_heartbeat_that_waits_holds_up_no_key(world, foreign):
    """The key of a witness is looked up while a heartbeat waits for a lock; so the commit waits itself."""
    node, reader = tailing(world)
    foreign.execute("SELECT * FROM readers FOR UPDATE")
    waiting_statement(world, "heartbeat_at")
    node.advance(1)
    waiting_commit(world)
    foreign.execute("ROLLBACK")
    whole(world, node, reader, 51)


# ---- The server takes no writes

@pytest.mark.parametrize("asked", [b"max_allowed_packet", b"@@SESSION.sql_mode"])
def test_an_answer_that_is_none(world, asked):
    """An OK where rows should come: the library has no number for it, and the line says what it was."""
    node = world.node(irreversible=20)
    with contextlib.closing(Confuser(world.server.socket, asked, 3)) as proxy:
        reader = world.run("--once", database=servers.by_tcp(proxy.port, tls="off"))
        assert proxy.left == 0
    reader.wait_for("database_lost", containing="cannot belong to the statement")
    world.expect(node.chain, (1, 20))


def test_innodb_that_is_read_only(lone_world):
    world = lone_world
    node, reader = tailing(world)
    world.server.stop()
    world.db.close()
    world.server.options.append("--innodb-read-only")
    world.server.start()
    node.advance(2)
    reader.wait_line(lambda line: "read only" in line.text or "read-only" in line.text)
    assert reader.is_running
    world.server.stop()
    world.server.options.remove("--innodb-read-only")
    world.server.start()
    whole(world, node, reader, 52)


@pytest.fixture
def replica():
    """A second server."""
    made = servers.Server().start()
    yield made
    made.close()


def test_a_read_only_first_host_is_left_for_the_second(lone_world, replica):
    """As where the first host is a replica now: it takes connections, but no writes."""
    world = lone_world
    user = limited_user(world)
    world.run("--migrate", database={"hosts": [replica.socket]})
    replica.execute(f"CREATE USER {LIMITED}", f"GRANT ALL ON `{world.database}`.* TO {LIMITED}",
                    "SET GLOBAL read_only = 1")
    node = world.node(irreversible=50)
    both = {**user, "hosts": [replica.socket, world.server.socket]}
    reader = world.run("--once", database=both)
    assert not reader.events("database_lost")
    nobody = world.start("--status", database={**user, "hosts": [replica.socket, "/nowhere"]})
    assert nobody.wait_exit() == 69
    assert "read-only" in nobody.wait_for("failed").message
    assert replica.execute(f"SELECT COUNT(*) FROM `{world.database}`.blocks") == ((0,),)
    world.expect(node.chain, (1, 50))


# ---- Hosts

@pytest.fixture
def two_ways(lone_world):
    """Two addresses of one server, as of two servers that replicate."""
    ways = [Proxy(lone_world.server.socket), Proxy(lone_world.server.socket)]
    yield ways
    for way in ways:
        way.close()


def hosts(ways):
    return servers.by_tcp(*(way.port for way in ways), tls="off")


def test_the_second_host_takes_over_and_the_first_one_is_first_again(lone_world, two_ways):
    """Each connection stays with the second until it ends, then begins with the first again."""
    world = lone_world
    first, second = two_ways
    node, reader = tailing(world, database=hosts(two_ways))
    assert second.connections == 0
    first.cut()
    node.advance(2)
    world.db.wait_blocks(52, 30)
    reader.wait_for("database_back", containing=str(second.port))
    first.restore()
    at = first.connections
    node.advance(2)
    world.db.wait_blocks(54, 30)
    second.cut()
    node.advance(2)
    whole(world, node, reader, 56)
    assert first.connections > at


def test_a_name_that_does_not_resolve(world):
    """The next host is tried; a command gives up with 69, a daemon does not."""
    node = world.node(irreversible=50)
    nowhere = "no-such-host.invalid:3306"
    reader = world.run("--status", database={"hosts": [nowhere]}, code=69)
    assert "no-such-host.invalid" in reader.wait_for("failed").message
    waiting = world.start(name="waiting", database={"hosts": [nowhere]})
    line = waiting.wait_for("database_lost")
    assert "check database.hosts" in line.message
    world.run("--once", database={"hosts": [nowhere, world.server.socket]})
    assert waiting.is_running
    world.expect(node.chain, (1, 50))


def test_a_server_that_takes_connections_and_says_nothing(lone_world, two_ways):
    world = lone_world
    first, _ = two_ways
    first.mute()
    node, reader = tailing(world, database=hosts(two_ways))
    whole(world, node, reader, 50)


# ---- Rights and tables

def test_a_wrong_password(world):
    world.node(irreversible=50)
    world.server.execute(f"DROP USER IF EXISTS {LIMITED}", f"CREATE USER {LIMITED} IDENTIFIED BY 'right'")
    reader = world.start(database={"user": "limited"})
    ends_with(world, reader, 77, "(1045)")


def test_no_right_to_the_database(world):
    world.node(irreversible=50)
    world.server.execute(f"DROP USER IF EXISTS {LIMITED}", f"CREATE USER {LIMITED}")
    reader = world.start(database={"user": "limited"})
    ends_with(world, reader, 77, "(1044)")


def comes_back(world, node, reader, last, said, cure):
    """A running daemon says what is wrong and what to do, and goes on by itself when it is cured."""
    node.advance(1)
    # What was under way first may only tell that the connection was lost, and this when it tries again.
    line = reader.wait_line(lambda line: line.event in ("database_lost", "commit_retry")
                            and said in line.text, 40)
    assert reader.is_running
    cure()
    reader.wait_for("database_back", timeout=40)
    whole(world, node, reader, last)
    return line


@pytest.fixture
def with_password(lone_world):
    """An account with a password, which stands in a file; and the reader that uses it."""
    world = lone_world
    secret = world.folder / "password"
    secret.write_text("one\n")
    secret.chmod(0o600)
    world.server.execute(f"CREATE USER {LIMITED} IDENTIFIED BY 'one'",
                         f"GRANT ALL ON `{world.database}`.* TO {LIMITED}")
    world.secret = secret
    world.cut = lambda: world.db.kill_others("user = 'limited'")
    world.node_and_reader = tailing(world, database={"user": "limited",
                                                     "password_file": str(secret)})
    return world


def test_a_password_that_is_rotated(with_password):
    """First in the server, then in the file: the reader reads the file again at each connect."""
    world = with_password
    node, reader = world.node_and_reader
    world.server.execute(f"ALTER USER {LIMITED} IDENTIFIED BY 'two'")
    world.cut()
    line = comes_back(world, node, reader, 51, "(1045)", lambda: world.secret.write_text("two\n"))
    assert "database.password_file" in line.message


def test_a_password_file_that_is_away_for_a_moment(with_password):
    world = with_password
    node, reader = world.node_and_reader
    world.secret.rename(world.folder / "away")
    world.cut()
    comes_back(world, node, reader, 51, "password",
               lambda: (world.folder / "away").rename(world.secret))


@pytest.mark.parametrize("trouble, cure, code", [
    (f"ALTER USER {LIMITED} ACCOUNT LOCK", f"ALTER USER {LIMITED} ACCOUNT UNLOCK", LOCKED),
    (f"RENAME USER {LIMITED} TO limited@elsewhere", f"RENAME USER limited@elsewhere TO {LIMITED}",
     "(1045)"),
    (f"ALTER USER {LIMITED} PASSWORD EXPIRE", f"ALTER USER {LIMITED} IDENTIFIED BY 'one'", "("),
], ids=["locked", "away", "expired"])
def test_an_account_that_is_closed_for_a_while(with_password, trouble, cure, code):
    world = with_password
    node, reader = world.node_and_reader
    world.server.execute(trouble)
    world.cut()
    comes_back(world, node, reader, 51, code, lambda: world.server.execute(cure))


def test_an_account_that_is_blocked_after_wrong_passwords(with_password):
    """The reader's own tries with the old password have blocked it; the right one alone is no cure."""
    world = with_password
    node, reader = world.node_and_reader
    limit = "SET GLOBAL max_password_errors = 2" if servers.CHOSEN is servers.MariaDB else \
        f"ALTER USER {LIMITED} FAILED_LOGIN_ATTEMPTS 2 PASSWORD_LOCK_TIME UNBOUNDED"
    world.server.execute(limit, f"ALTER USER {LIMITED} IDENTIFIED BY 'two'")
    world.cut()
    reader.wait_for("commit_retry", containing=BLOCKED, timeout=40)
    world.secret.write_text("two\n")
    late = world.start(name="late", database={"user": "limited", "password_file": str(world.secret)})
    ends_with(world, late, 77, "FLUSH PRIVILEGES")
    comes_back(world, node, reader, 51, BLOCKED, lambda: world.server.execute("FLUSH PRIVILEGES"))


def test_a_database_that_is_away_for_a_while(with_password):
    """As while somebody restores it: taken away, then there again with what it held."""
    world = with_password
    node, reader = world.node_and_reader
    world.server.execute("CREATE DATABASE aside")
    tables = [name for name, kind in world.db.rows("SHOW FULL TABLES") if kind == "BASE TABLE"]

    def move(source, target):
        world.server.execute("RENAME TABLE " + ", ".join(
            f"`{source}`.{name} TO `{target}`.{name}" for name in tables))

    move(world.database, "aside")
    comes_back(world, node, reader, 51, "--migrate", lambda: move("aside", world.database))


@pytest.mark.parametrize("table, code", [("blocks", "(1142)"), ("blockchain", "(1142)")])
def test_a_right_that_is_taken_from_a_running_reader(lone_world, table, code):
    world = lone_world
    limited_user(world, "SELECT")
    tables = [name for name, kind in world.db.rows("SHOW FULL TABLES") if kind == "BASE TABLE"]
    for name in tables:
        world.server.execute(f"GRANT INSERT, UPDATE, DELETE ON `{world.database}`.{name}"
                             f" TO {LIMITED}")
    node, reader = tailing(world, database={"user": "limited"})
    world.server.execute(f"REVOKE INSERT ON `{world.database}`.{table} FROM {LIMITED}")
    line = comes_back(world, node, reader, 51, code, lambda: world.server.execute(
        f"GRANT INSERT ON `{world.database}`.{table} TO {LIMITED}"))
    assert "sql/grants.sql" in line.message


@pytest.mark.parametrize("table", ["blocks", "blockchain", "readers"])
def test_a_table_that_is_lost(world, table):
    """The reader waits. What the table held is made again from the chain, as the document says."""
    node, reader = tailing(world)
    world.db.execute(f"DROP TABLE {table}")
    node.advance(1)
    line = reader.wait_for("database_lost", containing="(1146)")
    assert "--migrate" in line.message and reader.stop() == 0
    world.db.execute("DELETE FROM schema_version")
    world.run("--migrate")
    if table == "blockchain":
        world.db.execute("DELETE FROM blocks")
    world.run("--once")
    world.expect(node.chain, (1, 51))


@pytest.mark.parametrize("table", ["readers", "filters"])
def test_what_a_new_start_writes_again(world, table):
    """A running reader does not find what it wrote in the table: it ends so that the unit starts it."""
    node, reader = tailing(world)
    world.db.execute(f"DROP TABLE {table}")
    node.advance(1)
    reader.wait_for("database_lost", containing="(1146)")
    world.run("--migrate")
    ends_with(world, reader, 69, f"the table `{table}` was lost")
    again = world.start()
    again.wait_for("tail_started", timeout=40)
    whole(world, node, again, 51)


def test_a_schema_that_is_upgraded_under_the_reader(world):
    """Upgrades only add: a running reader goes on; the next start refuses what it does not know."""
    node, reader = tailing(world)
    world.db.execute("ALTER TABLE blocks ADD colour INT NOT NULL DEFAULT 7")
    world.db.execute("INSERT INTO schema_version SELECT MAX(version) + 1, 'colour', '9.9', NOW(6)"
                     " FROM schema_version")
    node.advance(3)
    world.db.wait_blocks(53)
    assert reader.is_running
    late = world.start(name="late")
    ends_with(world, late, 78, "newer steem-reader")
    world.expect(node.chain, (1, 53))


def test_a_schema_that_no_longer_fits(world):
    node, reader = tailing(world)
    world.db.execute("ALTER TABLE blocks RENAME COLUMN block_id TO ident")
    comes_back(world, node, reader, 51, "(1054)", lambda: world.db.execute(
        "ALTER TABLE blocks RENAME COLUMN ident TO block_id"))
