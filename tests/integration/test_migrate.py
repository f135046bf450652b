"""--migrate: twice, two at once, newer ones refused; and starts without tables."""

import re

import pytest

from harness import servers
from harness.chain import TOP
from harness.deliveries import MISSING, number_of

NOT_ALLOWED = 31004
SQL = TOP / "sql"
QUEUE = [SQL / "migrations" / "0002_queue.sql", SQL / "migrations" / "0003_bots.sql",
         SQL / "migrations" / "0004_times.sql", SQL / "migrations" / "0005_proof.sql",
         SQL / "views.sql", SQL / "procedures.sql"]
TABLES = {"blocks", "blockchain", "ranges", "known_gaps", "gap_claims", "readers", "filters",
          "schema_version", "gaps", "reader_status", "queues", "delivered", "deliveries",
          "comments", "queue_status", "outbox_status", "actions", "signed_trxs", "senders",
          "trxs_seen", "sender_status"}


def names(world):
    return {row[0] for row in world.db.rows("SHOW TABLES")}


def test_all_tables_and_views(world):
    assert names(world) >= TABLES
    engines = world.db.rows("SELECT DISTINCT engine FROM information_schema.tables"
                            " WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'")
    assert engines == (("InnoDB",),)
    columns = dict(world.db.rows(
        "SELECT column_name, CONCAT_WS(' ', column_type, collation_name) FROM"
        " information_schema.columns WHERE table_schema = DATABASE()"
        " AND table_name = 'blockchain'"))
    assert columns["payload"] == "mediumtext utf8mb4_bin"
    assert columns["operation"] == "varchar(64) ascii_bin"
    assert columns["account"] == "varchar(16) ascii_bin"
    assert columns["trx_id"].startswith("char(40) ascii")
    for name in ("block", "trx_in_block", "op_in_trx", "virtual_op"):
        assert columns[name].endswith("unsigned")


def test_the_unique_keys_of_the_system(world):
    keys = dict(world.db.rows(
        "SELECT table_name, GROUP_CONCAT(column_name ORDER BY seq_in_index) FROM"
        " information_schema.statistics WHERE table_schema = DATABASE()"
        " AND index_name = 'PRIMARY' GROUP BY table_name"))
    assert keys["blocks"] == "block" and keys["gap_claims"] == "first_block"
    assert keys["blockchain"] == "block,trx_in_block,op_in_trx,virtual_op"


def test_exactly_one_open_range(world):
    node = world.node(irreversible=10)
    world.run("--once")
    with pytest.raises(Exception, match="Duplicate|1062"):
        world.db.execute("INSERT INTO ranges (first_block, last_block) VALUES (5000, NULL)")
    world.expect(node.chain, (1, 10))


def test_twice(world):
    before = world.db.rows("SELECT * FROM schema_version")
    node = world.node(irreversible=20)
    world.run("--once")
    world.run("--migrate")
    assert world.db.rows("SELECT * FROM schema_version") == before
    world.expect(node.chain, (1, 20))


def test_two_at_once(bare_world):
    world = bare_world
    both = [world.start("--migrate", name=f"m{i}") for i in range(4)]
    assert [one.wait_exit(40) for one in both] == [0] * 4
    assert names(world) >= TABLES
    node = world.node(irreversible=20)
    world.run("--once")
    world.expect(node.chain, (1, 20))


def test_interrupted_and_run_again(world):
    """Any part of the tables that is already there must not disturb it."""
    world.db.execute("DELETE FROM schema_version")
    world.run("--migrate")
    node = world.node(irreversible=20)
    world.run("--once")
    world.expect(node.chain, (1, 20))


def test_from_the_first_version(world):
    """A database that version 1 has filled: refused by name, upgraded, and read on."""
    node = world.node(irreversible=20)
    world.run("--once")
    text = "\n".join(part.read_text(encoding="utf-8") for part in QUEUE)
    made = re.findall(r"^CREATE (?:.*?)(TABLE|VIEW|PROCEDURE)"
                      r"(?: IF NOT EXISTS)? (\w+)", text, re.M)
    assert ("TABLE", "delivered") in made and ("PROCEDURE", "queue_claim") in made
    for kind, name in made:
        world.db.execute(f"DROP {kind} {name}")
    world.db.execute("ALTER TABLE blocks DROP COLUMN is_delivered")
    world.db.execute("DELETE FROM schema_version WHERE version > 1")
    refused = world.run("--once", code=78)
    assert "version 1" in refused.stderr and "--migrate" in refused.stderr
    world.allow_errors(*(line.event for line in refused.events()))
    # A run that was interrupted before its end.
    world.db.execute("ALTER TABLE blocks ADD COLUMN is_delivered TINYINT UNSIGNED NOT NULL"
                     " DEFAULT 1")
    world.run("--migrate")
    node.advance(5)
    world.run("--once")
    assert world.db.value("SELECT COUNT(*) FROM deliveries") == 0
    world.expect(node.chain, (1, 25))


@pytest.mark.parametrize("right, number", [
    ("INSERT ON {}.comments", MISSING), ("ALL ON {}.*", MISSING), ("ALL ON *.*", MISSING),
    ("SELECT ON {}.*", NOT_ALLOWED), ("INSERT ON {}.blocks", NOT_ALLOWED),
])
def test_bots_go_on_after_an_upgrade(lone_world, right, number):
    """An account that could do everything before there was the table `bots` still may."""
    world = lone_world
    account = "'old.bot'@'localhost'"
    world.db.execute("DROP TABLE bots")
    world.db.execute("DELETE FROM schema_version WHERE version > 2")
    world.server.execute(f"CREATE USER {account}",
                         f"GRANT EXECUTE ON {world.database}.* TO {account}",
                         f"GRANT {right.format(world.database)} TO {account}")
    world.run("--migrate")
    bot = world.server.connect(world.database, user="old.bot")
    assert number_of(servers.run, bot, ["CALL queue_claim('nobody', 'w', 1, 1)"]) == number


def test_a_newer_database_is_refused(world):
    world.node(irreversible=20)
    column = world.db.rows("SHOW COLUMNS FROM schema_version")[0][0]
    names_of = [row[0] for row in world.db.rows("SHOW COLUMNS FROM schema_version")]
    rest = ", ".join(f"`{name}`" for name in names_of if name != column)
    world.db.execute(f"INSERT INTO schema_version (`{column}`{', ' + rest if rest else ''})"
                     f" SELECT 9999{', ' + rest if rest else ''} FROM schema_version LIMIT 1")
    for arguments in (["--migrate"], ["--once"], [], ["--gaps"]):
        refused = world.run(*arguments, code=78)
        world.allow_errors(*(line.event for line in refused.events()))
    assert world.db.value("SELECT COUNT(*) FROM blocks") == 0


@pytest.mark.parametrize("arguments", [[], ["--once"], ["--backfill", "1-5"], ["--gaps"],
                                       ["--status"], ["--activate-filter"]],
                         ids=lambda a: a[0] if a else "daemon")
def test_a_database_without_tables_is_refused(bare_world, arguments):
    bare_world.node(irreversible=20)
    bare_world.server.execute(f"CREATE DATABASE {bare_world.database}")
    refused = bare_world.run(*arguments, code=78)
    assert "--migrate" in refused.stderr
    bare_world.allow_errors(*(line.event for line in refused.events()))


def test_as_another_user(bare_world):
    world = bare_world
    world.server.execute("CREATE USER IF NOT EXISTS builder@localhost IDENTIFIED BY 'b u'",
                         "GRANT ALL ON *.* TO builder@localhost WITH GRANT OPTION",
                         "CREATE USER IF NOT EXISTS nobody@localhost")
    world.run("--migrate", "--user", "builder", database={"user": "nobody"},
              environment={"STEEM_READER_PASSWORD": "b u"})
    assert names(world) >= TABLES
    refused = world.run("--status", database={"user": "nobody"}, code=None, timeout=80)
    assert refused.process.returncode in (69, 77, 78)
    world.allow_errors(*(line.event for line in refused.events()))
