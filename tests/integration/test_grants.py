"""sql/grants.sql: a reader, a consumer and a monitor can do their work, and no more."""

import re

import pymysql
import pytest

from harness.chain import TOP


@pytest.fixture
def granted(world):
    """The file run as its text says, with names of this test."""
    text = (TOP / "sql" / "grants.sql").read_text("utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    for word in ("USE steem", "''steem_reader''", "''steem_consumer''", "''steem_monitor''"):
        assert word in text
    text = text.replace("USE steem", f"USE {world.database}")
    text = re.sub(r"''steem_(\w+)''@''%''", rf"''{world.database}_\1''@''localhost''", text)
    for _ in range(2):
        world.server.execute(*filter(None, map(str.strip, text.split(";"))))
    return world


def user(world, role):
    return {"user": f"{world.database}_{role}"}


def refused(world, role, statement):
    with world.server.connect(world.database, **user(world, role)) as connection:
        with connection.cursor() as cursor, pytest.raises(pymysql.MySQLError, match="denied"):
            cursor.execute(statement)


def allowed(world, role, statement):
    with world.server.connect(world.database, **user(world, role)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


def test_a_reader_can_do_everything_with_these_rights(granted):
    world, database = granted, user(granted, "reader")
    node = world.node(irreversible=100)
    rules = [{"operation": "vote"}]
    world.run("--once", database=database, reader={"start_block": 20})
    world.forget_blocks(40, 41)
    world.forget_blocks(50, operations=False)
    world.run("--gaps", "--check", database=database, code=1)
    daemon = world.start(database=database, name="daemon", reader={"start_block": 20})
    daemon.wait_for("tail_started")
    world.run("--backfill", "5-9", database=database)
    world.db.wait_blocks(86)
    world.run("--status", database=database)
    assert daemon.stop() == 0
    world.run("--forget", "daemon", database=database)
    world.run("--activate-filter", database=database, filter=rules)
    world.run("--backfill", "5-9", "--refilter", database=database, filter=rules)
    world.run("--once", database=database, filter=rules)
    world.expect(node.chain, (1, 100), rules_at=lambda n: rules if n < 20 else None)


@pytest.mark.parametrize("statement", [
    "DELETE FROM blocks", "DROP TABLE blocks", "UPDATE blockchain SET payload = ''",
    "CREATE TABLE other (a INT)", "ALTER TABLE blocks ADD x INT", "SELECT * FROM mysql.user"])
def test_what_a_reader_may_not_do(granted, statement):
    refused(granted, "reader", statement)


def test_what_a_consumer_and_a_monitor_may_do(granted):
    world = granted
    node = world.node(irreversible=30)
    world.run("--once", database=user(world, "reader"))
    for role in ("consumer", "monitor"):
        allowed(world, role, "SELECT * FROM gaps")
        allowed(world, role, "SELECT * FROM reader_status")
        refused(world, role, "DELETE FROM blocks")
        refused(world, role, "INSERT INTO ranges (first_block) VALUES (1)")
        refused(world, role, "UPDATE readers SET name = 'x'")
    assert allowed(world, "consumer", "SELECT COUNT(*) FROM blockchain")[0][0] > 0
    refused(world, "monitor", "SELECT * FROM blockchain")
    world.expect(node.chain, (1, 30))
