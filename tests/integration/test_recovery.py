"""What doc/operations.md says of backup and restore: its very commands, and the work goes on."""

import os
import re
import shlex
import shutil
import subprocess

import pytest
from test_grants import run_grants

from harness import servers, reader
from harness.chain import TOP
from harness.deliveries import MISSING, number_of
from harness.world import World

RULES = [{"operation": "comment", "queue": "ask"}]
TEXT = (TOP / "doc" / "operations.md").read_text("utf-8")
SECTION = TEXT.split("## Backup and restore")[1].split("\n## ")[0]
BACKUP, RESTORE, LOST = re.findall(r"^```\n(.*?)^```", SECTION, re.M | re.S)
LAST = 60
TABLES = re.findall(r"^CREATE TABLE IF NOT EXISTS (?!schema_version)(\w+)", "".join(
    path.read_text("utf-8") for path in (TOP / "sql" / "migrations").glob("*.sql")), re.M)
VERSION = len(list((TOP / "sql" / "migrations").glob("*.sql")))


def named_world(server, folder):
    folder.mkdir()
    world = World(server, folder)
    world.database = "steem"
    return world


def run_as_written(world, text, folder):
    """With the programs' options for this world; what they say."""
    tools = world.folder / "bin"
    tools.mkdir(exist_ok=True)
    socket = shlex.quote(world.server.socket)
    for name, command in {
            "mariadb": f"{servers.CHOSEN.client()} --no-defaults -u root -S {socket}",
            "mariadb-dump": f"{servers.CHOSEN.dump_program()} --no-defaults -u root -S {socket}",
            "steem-reader": f"{reader.program()} -c {world.config()}"}.items():
        (tools / name).write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        (tools / name).chmod(0o755)
    done = subprocess.run(["sh", "-ec", text], cwd=folder, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def two_servers(tmp_path):
    """A world to be saved, and one on another server to restore it in."""
    if not servers.available() or not reader.program():
        pytest.skip("no server, or no steem-reader, here")
    if not servers.CHOSEN.dump_program():
        pytest.skip("no mariadb-dump here (package mariadb-client; scripts/test unpacks it)")
    made = [servers.Server().start() for _ in range(2)]
    worlds = [named_world(server, tmp_path / f"server{i}") for i, server in enumerate(made)]
    yield worlds
    for world in worlds:
        world.close()
    for server in made:
        server.close()


@pytest.mark.parametrize("old_text, text", [
    ("", ""), ("--routines ", ""), ("--routines", "--skip-opt --set-charset"), (">", "| sed 's/DEFINER=`[^`]*`@`[^`]*`//' >"),
], ids=["as-written", "without-routines", "without-counters", "without-definers"])
def test_a_restore_elsewhere(two_servers, tmp_path, old_text, text):
    """The last dump is edited as many do it: its procedures run as the account that restores it. The dump
    before it loses AUTO_INCREMENT."""
    old, new = two_servers
    node = old.migrate().node(irreversible=LAST)
    old.run("--once", filter=RULES)
    run_grants(old)
    old.db.execute("INSERT INTO bots VALUES ('ask_bot', 'ask', 'ask-bot')")
    ((done, token, *_),) = old.db.rows("CALL queue_claim('ask', 'old', 1, 60)")
    old.db.execute("CALL reply(%s, %s, 'ask-bot', NULL, 'yes', NULL)", done, token)
    old.db.execute("CALL queue_done(%s, %s)", done, token)
    shutil.copy(TOP / "sql" / "grants.sql", tmp_path)
    run_as_written(old, BACKUP.replace(old_text, text) if old_text else BACKUP, tmp_path)
    new.nodes = old.nodes
    said = run_as_written(new, RESTORE, tmp_path)
    assert ("made procedure reply" in said) == bool(old_text), said
    assert "the account that the procedures run as" in said and "made table" not in said
    # All goes on, with the rights of a bot.
    new.server.execute("CREATE USER ask_bot@localhost", "GRANT EXECUTE ON steem.* TO ask_bot@localhost")
    with new.server.connect("steem", user="ask_bot").cursor() as cursor:
        cursor.execute("CALL queue_claim('ask', 'new', 1, 60)")
        ((delivery, token, *_),) = cursor.fetchall()
        cursor.execute("CALL reply(%s, %s, 'ask-bot', NULL, 'yes', NULL)", (delivery, token))
        cursor.execute("CALL queue_done(%s, %s)", (delivery, token))
    assert new.db.rows("SELECT delivery_id FROM comments ORDER BY 1") == ((done,), (delivery,))
    node.advance(5)
    new.run("--once", filter=RULES)
    new.audit(node.chain, (1, LAST + 5), rules=RULES)
    assert run_as_written(new, LOST, tmp_path) == f"schema version {VERSION}\n"


@pytest.mark.parametrize("statement,made", [
    *((f"DROP TABLE {name}", f"table {name}") for name in TABLES),
    ("DROP TABLE schema_version", "applied 0001"),
    ("DROP VIEW gaps", "view gaps"),
    ("CREATE OR REPLACE VIEW outbox_status AS SELECT 1", "view outbox_status"),
    ("DROP PROCEDURE queue_claim", "procedure queue_claim"),
    ("ALTER PROCEDURE reply COMMENT 'another'", "procedure reply"),
    ("ALTER TABLE queues DROP COLUMN retry_s", "column queues.retry_s"),
    ("ALTER TABLE blocks DROP COLUMN is_delivered", "column blocks.is_delivered"),
    ("ALTER TABLE comments MODIFY comment_id BIGINT UNSIGNED NOT NULL", "column comments.comment_id"),
    ("ALTER TABLE comments DROP KEY comments_delivery", "key comments_delivery of table comments"),
    pytest.param("UPDATE mysql.proc SET definer = 'gone@localhost' WHERE db = DATABASE()"
                 " AND name = 'queue_claim'", "procedure queue_claim", marks=servers.only_mariadb),
    ("DROP USER steem_queue@localhost", "the account that the procedures run as"),
    ("REVOKE SELECT ON bots FROM steem_queue@localhost", "the account that the procedures run as"),
])
def test_what_is_lost_is_made_again(world, tmp_path, statement, made):
    world.db.execute(statement)
    would = world.run("--migrate", "--dry-run").stdout
    assert made.replace("applied", "apply") in would and "nothing was written" in would
    assert world.run("--migrate", "--dry-run").stdout == would
    said = run_as_written(world, LOST, tmp_path)
    assert made in said
    assert run_as_written(world, LOST, tmp_path) == f"schema version {VERSION}\n"
    assert number_of(world.db.rows, "CALL queue_claim('nobody', 'w', 1, 1)") == MISSING


def test_what_is_as_it_should_be_is_left_alone(world):
    """It is not dropped and created again while workers call it."""
    created = "SELECT routine_name, created, last_altered FROM information_schema.routines" \
              " WHERE routine_schema = DATABASE() ORDER BY 1"
    before = world.db.rows(created)
    assert len(before) > 20
    world.db.execute("DROP PROCEDURE queue_done")
    assert world.run("--migrate").stdout .split("\n") == \
        ["made procedure queue_done", f"schema version {VERSION}"]
    after = world.db.rows(created)
    assert [row for row in before if row not in after] in ([], [r for r in before if r[0] == "queue_done"])
    assert [row[0] for row in before] == [row[0] for row in after]


def test_a_column_that_cannot_be_made_again(world):
    node = world.node(irreversible=20)
    world.run("--once")
    world.expect(node.chain, (1, 20))
    world.db.execute("ALTER TABLE blockchain DROP COLUMN payload")
    refused = world.run("--migrate", code=78)
    assert "payload of the table blockchain is gone" in refused.stderr and "backup" in refused.stderr
    world.allow_errors("migrate_failed")
    world.db.execute("DELETE FROM blockchain")
    world.db.execute("DELETE FROM blocks")
    assert "made column blockchain.payload" in world.run("--migrate").stdout
    world.run("--once")


def test_a_worker_without_its_procedures_says_migrate(desk):
    desk.put()
    desk.db.execute("DROP PROCEDURE queue_claim")
    worker = desk.start(command=desk.shell("true"))
    assert worker.wait_exit(30) == 78
    worker.wait_for("ended", containing="--migrate")


def test_tables_of_a_server_with_another_row_format(tmp_path):
    """1709: the key of a table of that format is too long."""
    if not servers.available() or not reader.program():
        pytest.skip("no server, or no steem-reader, here")
    server = servers.Server(options=["--innodb-default-row-format=compact"]).start()
    try:
        world = named_world(server, tmp_path / "compact").migrate()
        assert world.db.rows("SELECT DISTINCT row_format FROM information_schema.tables WHERE"
                             " table_schema = 'steem' AND table_type = 'BASE TABLE'") == (("Dynamic",),)
        world.close()
    finally:
        server.close()
