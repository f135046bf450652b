"""steem-poster in the hands of an operator: rights that lack, a server or nodes that are away, signals."""

import contextlib
import json
import pathlib
import signal
import time

import pymysql
import pytest

from harness import effects, servers
from harness.exposition import LISTEN, Endpoint
from harness.network import Network
from harness.poster import Outbox, custom_json, poster_program
from test_database_faults import disk_of, limited_user, restart
from test_grants import give_password, run_grants, user

pytestmark = pytest.mark.skipif(not poster_program(), reason="steem-poster is not built")
BROADCAST = "broadcast_transaction"


@contextlib.contextmanager
def outbox_of(world):
    """An outbox, a reader, and a network of one node."""
    made = Outbox(world)
    made.network = Network()
    made.node = world.join(made.network)
    made.reader = world.start(reader={"proof": "content"})
    made.network.live(0.1)
    try:
        yield made
    finally:
        made.network.still()


@pytest.fixture(name="outbox")
def outbox_of_a_world(world):
    with outbox_of(world) as made:
        yield made


def audit(outbox):
    with contextlib.closing(outbox.world.connect()) as connection:
        return effects.audit(connection, outbox.network, {"bot-one"}, settled=True)


# ---- the database

@pytest.mark.parametrize("right, table", [
    ("UPDATE", "actions"), ("UPDATE", "comments"), ("UPDATE", "signed_trxs"), ("INSERT", "signed_trxs"),
    ("SELECT", "trxs_seen"), ("UPDATE", "senders"), ("SELECT", "blocks")])
def test_a_right_that_lacks_is_named_at_the_start(outbox, right, table):
    """Not when the first row is to be signed, again and again."""
    world = outbox.world
    run_grants(world)
    give_password(world, "poster", "")
    account = user(world, "poster")
    world.server.execute(f"REVOKE {right} ON {world.database}.{table} FROM {account['user']}@localhost")
    poster = outbox.run(entries=[outbox.entry("bot-one")], code=77, database={
        "hosts": [world.server.socket], "name": world.database, **account})
    assert right in poster.stderr and f"`{table}`" in poster.stderr.replace("'", "`"), poster.stderr
    world.allow_errors("ended")


def test_a_server_that_is_read_only_for_a_while(lone_world):
    """Nothing is lost; the pages say why nothing is sent."""
    world = lone_world
    with outbox_of(world) as outbox:
        database = {"hosts": [world.server.socket], "name": world.database, **limited_user(world)}
        poster = outbox.start(entries=[outbox.entry("bot-one")], database=database, metrics=LISTEN)
        poster.wait_for("node_used")
        outbox.wait_state(outbox.custom(), "confirmed")
        world.server.execute("SET GLOBAL read_only = 1")
        rows = [outbox.custom() for _ in range(3)]
        poster.wait_for("database_lost", containing="read-only")
        Endpoint.of(poster).wait_status("/healthz", 503, "read-only")
        world.server.execute("SET GLOBAL read_only = 0")
        for row in rows:
            outbox.wait_state(row, "confirmed", timeout=60)
        Endpoint.of(poster).wait_status("/healthz", 200)
        audit(outbox)


FULL_PAGE = "(REPEAT('x', 7000))"


@pytest.mark.slow
@pytest.mark.timeout_s(150)
def test_a_disk_that_is_full_for_a_while(lone_world):
    world = lone_world
    disk_of(world.server, 40)
    restart(world)
    world.db.execute(f"DROP DATABASE `{world.database}`")
    world.db.close()
    world.migrate()
    world.db.execute("CREATE TABLE filler (text VARCHAR(7000) CHARACTER SET latin1)")
    with outbox_of(world) as outbox:
        world.db.wait_until("SELECT COUNT(*) FROM blocks", bool)
        # Large ones: their signed bytes need pages of their own.
        rows = [outbox.ask("bot-one", custom_json("bot-one", json.dumps(f"{n}" + "x" * 8000)))
                for n in range(16)]
        # Rows that fit into a page: MariaDB 11.8 itself ends where a larger one finds no room.
        for count in (100, 1):
            with pytest.raises(pymysql.MySQLError):
                while True:
                    world.db.execute(f"INSERT INTO filler VALUES {','.join([FULL_PAGE] * count)}")
        poster = outbox.start(entries=[outbox.entry("bot-one")])
        line = poster.wait_for("commit_retry", containing="(1114)", timeout=60)
        assert "disk is full" in line.message
        disk_of(world.server, 80)
        restart(world)
        for row in rows:
            outbox.wait_state(row, "confirmed", timeout=60)
        audit(outbox)


# ---- the nodes

def test_all_nodes_are_away_for_a_while(outbox):
    poster = outbox.start(entries=[outbox.entry("bot-one")], metrics=LISTEN)
    poster.wait_for("node_used")
    away = outbox.node.fault("reset")
    poster.wait_for("node_unused", timeout=40)
    poster.wait_for("no_node", timeout=60)
    row = outbox.custom()
    page = Endpoint.of(poster).get("/readyz")
    assert page.status == 503 and "no node can be used" in page.text
    assert Endpoint.of(poster).get("/healthz").status == 200
    assert outbox.state(row) == "pending" and not outbox.signed(row)
    away.clear()
    poster.wait_for("node_used", count=2, timeout=60)
    outbox.wait_state(row, "confirmed", timeout=60)
    audit(outbox)


# ---- signals

def test_it_stops_while_a_node_hangs(outbox):
    """Nothing waits for the node; what was signed is sent by the next poster, and the account is free."""
    first = outbox.start(entries=[outbox.entry("bot-one")], name="first")
    first.wait_for("node_used")
    hang = outbox.node.fault("hang", method=BROADCAST)
    outbox.network.still()  # so that it does not expire meanwhile
    row = outbox.custom()
    outbox.db.wait_until("SELECT COUNT(*) FROM signed_trxs", bool)
    begun = time.monotonic()
    assert first.stop(30) == 0
    assert time.monotonic() - begun < 20
    assert outbox.db.rows("SELECT token, lease_until FROM senders") == ((None, None),)
    hang.clear()
    hang.release()
    second = outbox.start(entries=[outbox.entry("bot-one")], name="second")
    second.wait_for("trxs_taken_up")
    outbox.network.live(0.1)
    outbox.wait_state(row, "confirmed", timeout=60)
    audit(outbox)


def test_a_reload_with_mistakes_changes_nothing(outbox):
    """In the middle of its sends."""
    outbox.world.allow_errors("config_mistake", "reload_refused")
    path = outbox.config(outbox.entry("bot-one"))
    poster = outbox.start(config=path)
    poster.wait_for("node_used")
    rows = [outbox.custom() for _ in range(8)]
    outbox.db.wait_until("SELECT COUNT(*) FROM signed_trxs", bool)
    good = pathlib.Path(path).read_text(encoding="utf-8")
    pathlib.Path(path).write_text("accounts = (", encoding="utf-8")
    poster.signal(signal.SIGHUP)
    poster.wait_for("reload_refused")
    pathlib.Path(path).write_text(good, encoding="utf-8")
    poster.signal(signal.SIGHUP)
    poster.wait_for("reloaded")
    for row in rows:
        outbox.wait_state(row, "confirmed")
    audit(outbox)


@pytest.mark.skipif(servers.CHOSEN is not servers.MariaDB, reason="the door of MariaDB sees it")
def test_a_member_that_stands_there_twice_is_refused_at_the_door(outbox):
    outbox.reader.wait_for("tail_started")
    with pytest.raises(pymysql.MySQLError, match="31003"):
        outbox.db.execute("CALL outbox_act('bot-one', 'a', %s)", TWICE)


TWICE = ('[["vote",{"voter":"bot-one","author":"alice","permlink":"question","weight":1,'
         '"weight":10000}]]')


@pytest.mark.skipif(servers.CHOSEN is servers.MariaDB, reason="MySQL's JSON functions hide it")
def test_a_member_that_stands_there_twice_is_not_signed(outbox):
    outbox.db.execute("CALL outbox_act('bot-one', 'a', %s)", TWICE)
    row = outbox.db.value("SELECT action_id FROM actions")
    outbox.start(entries=[outbox.entry("bot-one")])
    outbox.wait_state(row, "failed")
    assert 'the member "weight" stands there twice' in outbox.error(row)
