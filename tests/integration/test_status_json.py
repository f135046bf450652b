"""--status, --forget and the view reader_status."""

import json

from harness.servers import numbers

COLUMNS = {"name", "state", "alive", "last_block", "irreversible_block", "lag_blocks", "lag_s",
           "heartbeat_age_s", "node"}


def test_status_of_nobody(world):
    assert json.loads(world.run("--status", "--json").stdout) == []


def test_status_of_a_running_and_of_a_dead_reader(world):
    node = world.node(irreversible=80)
    live = world.start(name="alive")
    live.wait_for("tail_started")
    dead = world.start(name="dead")
    dead.wait_for("tail_started")
    world.db.wait_blocks(80)
    world.db.wait_until("SELECT MIN(irreversible_block) FROM readers", lambda n: n == 80)
    dead.kill()
    world.db.execute("UPDATE readers SET heartbeat_at = heartbeat_at - INTERVAL 60 SECOND"
                     " WHERE name = 'dead'")
    shown = json.loads(world.run("--status", "--json").stdout)
    by_name = {entry["name"]: entry for entry in shown}
    assert set(by_name) == {"alive", "dead"}
    assert all(set(entry) >= COLUMNS for entry in shown)
    assert by_name["alive"]["alive"] and not by_name["dead"]["alive"]
    assert by_name["dead"]["heartbeat_age_s"] >= 60
    assert by_name["alive"]["irreversible_block"] == 80
    text = world.run("--status").stdout
    assert "alive" in text and "dead" in text
    world.expect(node.chain, (1, 80))


def test_the_heartbeat_goes_on(world):
    node = world.node(irreversible=20)
    world.start().wait_for("tail_started")
    world.db.wait_blocks(20)
    first = world.db.wait_until("SELECT heartbeat_at FROM readers")
    world.db.wait_until("SELECT heartbeat_at FROM readers", lambda at: at > first, timeout=12)
    world.expect(node.chain, (1, 20))


def test_the_lag_is_counted_from_the_irreversible_block(world):
    node = world.node(irreversible=50)
    node.fault("null", block=set(range(51, 60)))
    world.start()
    world.db.wait_blocks(50)
    node.advance(4)
    world.db.wait_until("SELECT lag_blocks FROM reader_status", lambda lag: lag == 4)
    node.heal()
    world.db.wait_blocks(54)
    world.db.wait_until("SELECT lag_blocks FROM reader_status", lambda lag: lag == 0)
    world.expect(node.chain, (1, 54))


def test_forgetting_a_reader(world):
    node = world.node(irreversible=20)
    reader = world.start(name="gone")
    reader.wait_for("tail_started")
    world.db.wait_blocks(20)
    alive = world.run("--forget", "gone", code=None)
    assert alive.process.returncode != 0, "a reader that is alive must not be forgotten"
    world.allow_errors(*(line.event for line in alive.events()))
    reader.stop()
    world.db.execute("UPDATE readers SET heartbeat_at = heartbeat_at - INTERVAL 60 SECOND")
    world.run("--forget", "gone")
    assert world.db.value("SELECT COUNT(*) FROM readers") == 0
    unknown = world.run("--forget", "never-was", code=None)
    assert unknown.process.returncode != 0
    world.allow_errors(*(line.event for line in unknown.events()))
    world.expect(node.chain, (1, 20), gaps=False)


def test_a_stopped_reader_is_seen_as_stopped(world):
    node = world.node(irreversible=20)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(20)
    running = world.db.value("SELECT state FROM reader_status")
    reader.stop()
    assert world.db.value("SELECT state FROM reader_status") != running
    world.expect(node.chain, (1, 20))


# ---- queues and outbox

def fill(world):
    world.db.execute("INSERT INTO queues (queue, paused_at, created_at) VALUES"
                     " ('ask', NULL, UTC_TIMESTAMP()), ('pay', UTC_TIMESTAMP(), UTC_TIMESTAMP())")
    world.db.execute(
        "INSERT INTO deliveries_open (delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op,"
        " block_crc, available_at, token, created_at) SELECT seq, 'ask', 1, 0, 0, 0, 0,"
        " UTC_TIMESTAMP() + INTERVAL IF(seq < 4, -90, 600) SECOND,"
        " IF(seq = 7, REPEAT('a', 32), NULL), UTC_TIMESTAMP() FROM " + numbers(1, 9) + " n")
    world.db.execute(
        "INSERT INTO comments (author, permlink, parent_author, parent_permlink, body, json_metadata,"
        " state, created_at) SELECT 'bot', seq, 'a', 'b', 'c', '{}', IF(seq < 3, 'sent', 'confirmed'),"
        " UTC_TIMESTAMP() - INTERVAL 500 SECOND FROM " + numbers(1, 20) + " n")


def test_status_shows_queues_and_outbox_where_there_are_any(world):
    """--status --json stays a list of readers: that is a contract."""
    text = world.run("--status").stdout
    assert "queue" not in text and "outbox" not in text
    assert "there is no queue" in world.run("--status", "--queues").stdout
    assert json.loads(world.run("--status", "--queues", "--json").stdout) \
        == {"queues": [], "outbox": []}
    fill(world)
    assert json.loads(world.run("--status", "--json").stdout) == []
    for more in ((), ("--queues",)):
        text = world.run("--status", *more).stdout
        assert ("no reader" in text) == (not more)
        lines = [line.split() for line in text.splitlines() if line]
        ask = next(line for line in lines if line[0] == "ask")
        assert ask[1:5] == ["3", "5", "1", "0"]
        pay = next(line for line in lines if line[0] == "pay")
        assert pay[1:6] == ["0", "0", "0", "0", "-"] and pay[-1] == "paused"
        bot = next(line for line in lines if line[0] == "bot")
        assert bot[1:5] == ["0", "2", "18", "0"]


def test_the_json_of_queues_has_what_the_views_have(world):
    fill(world)
    shown = json.loads(world.run("--status", "--queues", "--json").stdout)
    assert set(shown) == {"queues", "outbox"}
    for key, view in (("queues", "queue_status"), ("outbox", "outbox_status")):
        with world.db.connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {view} ORDER BY 1")
            names = [column[0] for column in cursor.description]
            due = [dict(zip(names, row)) for row in cursor.fetchall()]
        assert [set(entry) for entry in shown[key]] == [set(names)] * len(due)
        for entry, row in zip(shown[key], due):
            age, oldest = entry.pop("oldest_age_s"), row.pop("oldest_age_s")
            assert (age is None) == (oldest is None) and (age is None or oldest - 20 <= age <= oldest)
            assert entry.pop("rate", 0) == float(row.pop("rate", 0))
            assert entry == row


def test_queues_goes_with_status(world):
    world.run("--queues", code=64)
    world.run("--gaps", "--queues", code=64)
