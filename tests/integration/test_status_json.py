"""--status, --forget and the view reader_status."""

import json

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
