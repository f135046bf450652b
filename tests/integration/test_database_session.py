"""Settings that a session inherits from the server, its init_connect, or a proxy: none may matter.

tests/store/test_store.c does the same for single statements, with rows sent as text and as arrays.
"""

import contextlib

import pytest

from harness import servers
from harness.chain import SyntheticChain
from harness.rewriter import Rewriter
from harness.worker import Desk, worker_program

LIMITED = "limited@localhost"  # init_connect is not run for an account with SUPER
TEXT = "!ask \u7e17'), ('\\ \u00e4\u4f60\U0001f600"
EVERYTHING = ("SET NAMES gbk, sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,ORACLE',"
              " sql_safe_updates = 1, sql_select_limit = 1, max_join_size = 1, autocommit = 0,"
              " completion_type = 'RELEASE', tx_isolation = 'SERIALIZABLE', tx_read_only = 1,"
              " unique_checks = 0, foreign_key_checks = 0, max_error_count = 0, sql_notes = 1,"
              " max_statement_time = 0.01, time_zone = '-08:00', lock_wait_timeout = 1,"
              " group_concat_max_len = 4, div_precision_increment = 0, timestamp = 1000000000,"
              " max_session_mem_used = 300000, tmp_memory_table_size = 1024, tmp_disk_table_size = 1024")
SET_USER, OPTIONS = "SET USER", ["--sql-safe-updates=1", "--max-statement-time=1"]
if servers.CHOSEN is servers.MySQL:
    SET_USER, OPTIONS = "SET_ANY_DEFINER, ALLOW_NONEXISTENT_DEFINER", ["--max-execution-time=1000"]
    # Its names, and without what it lacks or lets only administrators set.
    EVERYTHING = EVERYTHING.replace(",ORACLE", "").replace(" max_error_count = 0,", "").replace(
        "tx_isolation", "transaction_isolation").replace("tx_read_only", "transaction_read_only").replace(
        "max_statement_time = 0.01", "max_execution_time = 1").split(", max_session_mem_used")[0].replace(
        "group_concat_max_len = 4,", "group_concat_max_len = 4, tmp_table_size = 1024,")


def limited(world):
    """An account with all rights on the database, and no others."""
    world.server.execute(f"CREATE USER {LIMITED}", f"GRANT CREATE USER, {SET_USER} ON *.* TO {LIMITED}",
                         f"GRANT ALL ON `{world.database}`.* TO {LIMITED} WITH GRANT OPTION")
    return {"user": "limited"}


def restart(world, *options):
    world.server.stop()
    world.db.close()
    world.server.options += options
    world.server.start()


@pytest.mark.parametrize("init_connect, options", [
    pytest.param(None, ["--skip-character-set-client-handshake"], marks=servers.only_mariadb),
    (None, ["--completion-type=CHAIN", "--autocommit=0", *OPTIONS]),
    ("SET NAMES latin1", []),
    (EVERYTHING, []),
], ids=["no handshake", "options", "latin1", "everything"])
def test_what_is_stored_and_read_stays_the_same(lone_world, init_connect, options):
    """Tables, blocks, the way through a bot, and the look whether all is as the chain has it."""
    world, database = lone_world, limited(lone_world)
    if options:
        restart(world, *options)
    if init_connect:
        world.server.execute("SET GLOBAL init_connect = " + world.db.connection.literal(init_connect))
    world.db.execute(f"DROP DATABASE `{world.database}`")
    world.db.close()
    world.run("--migrate", database=database)
    chain = SyntheticChain()
    body = {"parent_author": "", "parent_permlink": "x", "author": "alice", "permlink": "a-post",
            "title": "", "body": TEXT, "json_metadata": ""}
    chain.publish(40, [("comment", body)])
    node = world.node(chain, irreversible=60)
    rules = [{"operation": "comment", "body_prefix": "!ask", "queue": "ask"},
             {"operation": ["comment", "transfer", "custom_json"]}]
    settings = {"database": database, "filter": rules}
    world.run("--once", **settings)
    world.forget_blocks(20, 21)
    world.run("--once", **settings)
    world.run("--verify", "1-60", "--deep", **settings)
    world.expect(node.chain, (1, 60), rules=rules)
    if worker_program():
        answer(world, database)


def answer(world, database):
    """The bot gets the text byte for byte, and so does the outbox get its answer."""
    desk = Desk.__new__(Desk)
    desk.world, desk.queue, desk.db = world, "ask", world.db
    desk.commands = world.folder / "commands"
    desk.commands.mkdir()
    bot = desk.python("import json, sys\n"
                      "sys.stdout.write(json.load(sys.stdin)['payload']['body'])")
    desk.drain("--reply", "comment", "--author", "the-bot", command=bot,
               config=desk.config(**database))
    assert (TEXT,) in world.db.rows("SELECT body FROM comments WHERE state = 'pending'")
    assert world.db.value("SELECT COUNT(*) FROM deliveries WHERE state <> 'done'") == 0


@pytest.mark.parametrize("old, new, named", [
    (b"character_set_client = utf8mb4", b"character_set_client = latin1 ", "character_set_client"),
    (b"unique_checks = 1", b"unique_checks = 0", "unique_checks"),
])
def test_a_session_that_does_not_take_our_settings_is_not_used(lone_world, old, new, named):
    """As behind a proxy that gives the statements of one connection to several sessions."""
    world = lone_world
    world.node(irreversible=30)
    with contextlib.closing(Rewriter(world.server.socket, old, new)) as proxy:
        reader = world.run("--once", code=78,
                           database=servers.by_tcp(proxy.port, tls="off"))
    line = reader.wait_for("ended")
    assert f"the session's {named} was set to" in line.message and "proxy" in line.message
    assert world.db.value("SELECT COUNT(*) FROM blocks") == 0


def test_a_commit_that_waited_for_the_reader_s_row_is_not_made_again(world):
    """As it waits for a heartbeat. With innodb_snapshot_isolation, the default from MariaDB 11.6.2 on,
    it would fail: the row changed meanwhile."""
    node = world.node(irreversible=30)
    # A key that is not known is looked up beside heartbeats, and would wait for the row itself.
    reader = world.start(reader={"proof": "content"})
    reader.wait_for("tail_started")
    with contextlib.closing(world.connect()) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE readers SET heartbeat_at = heartbeat_at - INTERVAL 1 MICROSECOND")
        node.advance(1)
        world.db.wait_until("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE()"
                            " AND id <> CONNECTION_ID() AND info LIKE %s",
                            args=("%UPDATE readers SET last_block%",))
        other.commit()
    world.db.wait_block(31)
    assert not reader.events("commit_retry")
