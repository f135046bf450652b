"""What systemd is told: READY, STATUS, WATCHDOG, RELOADING, STOPPING, and when."""

import signal

import pytest

from harness.exposition import Endpoint

LAST = 50


def test_ready_when_the_database_is_open(lone_world, manager):
    world = lone_world
    node = world.node(irreversible=LAST)
    world.server.kill()
    reader = world.start(environment=manager.environment)
    manager.wait_for("STATUS=")
    manager.wait_for("EXTEND_TIMEOUT_USEC=")
    reader.wait_for("database_lost")
    assert manager.count("READY=1") == 0
    world.server.start()
    manager.wait_for("READY=1", timeout=40)
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    world.expect(node.chain, (1, LAST))


@pytest.mark.slow
def test_the_watchdog_is_fed_by_progress_only(world, manager):
    node = world.node(irreversible=LAST)
    reader = world.start(environment=manager.environment)
    reader.wait_for("tail_started")
    node.live()
    manager.wait_for("WATCHDOG=1", manager.count("WATCHDOG=1") + 5)
    last = node.still()
    world.db.wait_block(last)
    node.refuse()
    reader.wait_for("node_failed")
    statuses = manager.count("STATUS=")
    quiet_from = manager.wait_for("STATUS=", statuses + 1)
    quiet_to = manager.wait_for("STATUS=", statuses + 2)
    assert "WATCHDOG=1" not in manager.messages[quiet_from:quiet_to]
    node.accept()
    manager.wait_for("WATCHDOG=1", manager.count("WATCHDOG=1") + 1, timeout=40)
    world.expect(node.chain, (1, last))


# ---- a reader that stands still while the chain moves

STALL_S = 3
WATCHFUL = {"reader": {"stall_s": STALL_S}, "metrics": {"listen": "127.0.0.1:0"}}


def hears_no_more(manager):
    """Two statuses, ten seconds apart, without a sign of life between them."""
    statuses = manager.count("STATUS=")
    quiet_from = manager.wait_for("STATUS=", statuses + 1)
    quiet_to = manager.wait_for("STATUS=", statuses + 3)
    return "WATCHDOG=1" not in manager.messages[quiet_from:quiet_to]


@pytest.mark.slow
def test_a_node_that_stands_still_is_no_progress_while_another_knew_more(world, manager):
    """It says "nothing new" for ever; those that know more have gone."""
    stuck, *moving = (world.node(irreversible=LAST) for _ in range(3))
    reader = world.start(environment=manager.environment, **WATCHFUL)
    endpoint = Endpoint.of(reader)
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    for node in moving:
        node.fault("null", method="get_block", block=set(range(LAST + 1, 100)))
        node.advance(5)
    endpoint.wait_value("steem_reader_irreversible_block", lambda block: block == LAST + 5)
    for node in moving:
        node.heal()
        node.refuse()
    world.allow_errors("stalled")
    reader.wait_for("stalled", timeout=60)
    assert endpoint.get("/healthz").status == 503
    assert "stalled: no progress for" in endpoint.get("/healthz").text
    assert endpoint.metrics()["steem_reader_stalled"].value() == 1
    assert stuck.count["get_dynamic_global_properties"] > 0
    assert hears_no_more(manager)
    stuck.advance(5)
    reader.wait_for("stall_over", timeout=90)  # the other nodes still have a vote for a while
    manager.wait_for("WATCHDOG=1", manager.count("WATCHDOG=1") + 1)
    endpoint.wait_status("/healthz", 200)
    world.expect(stuck.chain, (1, LAST + 5))


@pytest.mark.slow
def test_a_node_that_stands_still_is_no_progress_while_another_reader_goes_on(world, manager):
    """Only the database knows that the chain moves."""
    stuck, moving = world.node(irreversible=LAST), world.node(irreversible=LAST)
    alone = world.start(environment=manager.environment, nodes=[{"url": stuck.url}], **WATCHFUL)
    other = world.start(name="other", nodes=[{"url": moving.url}])
    endpoint = Endpoint.of(alone)
    for reader in (alone, other):
        reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    moving.advance(5)
    world.db.wait_block(LAST + 5)
    world.allow_errors("stalled")
    alone.wait_for("stalled", timeout=40)
    assert endpoint.metrics()["steem_reader_chain_block"].value() == LAST + 5
    assert endpoint.metrics()["steem_reader_irreversible_block"].value() == LAST
    endpoint.wait_status("/readyz", 503, "behind: 5 blocks")
    assert hears_no_more(manager)
    stuck.advance(5)
    alone.wait_for("stall_over")
    assert not other.events("stalled")
    world.expect(moving.chain, (1, LAST + 5))


@pytest.mark.slow
def test_a_replay_beside_it_does_not_make_a_tail_move(world, manager):
    """A tail whose blocks never come, while an old hole is filled again and again."""
    node = world.node(irreversible=LAST)
    reader = world.start(environment=manager.environment, **WATCHFUL)
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    node.fault("null", block=set(range(LAST + 1, LAST + 100)))
    node.advance(50)
    world.allow_errors("stalled")
    filled = 0
    while not reader.events("stalled"):
        world.forget_blocks(5)
        world.db.execute("INSERT INTO known_gaps (first_block, last_block, found_at)"
                         " VALUES (5, 5, UTC_TIMESTAMP())")
        world.db.wait_block(5)
        world.db.wait_until("SELECT COUNT(*) FROM known_gaps WHERE first_block = 5",
                            lambda rows: rows == 0)
        filled += 1
    assert filled > 1
    node.heal()
    reader.wait_for("stall_over", timeout=40)
    world.db.wait_block(LAST + 50, timeout=40)
    world.expect(node.chain, (1, LAST + 50))


@pytest.mark.slow
def test_a_chain_that_stands_is_no_stall(world, manager):
    nodes = [world.node(irreversible=LAST) for _ in range(2)]
    reader = world.start(environment=manager.environment, **WATCHFUL)
    endpoint = Endpoint.of(reader)
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    reader.wait_for("chain_still", timeout=30)
    fed = manager.count("WATCHDOG=1")
    manager.wait_for("WATCHDOG=1", fed + 5, timeout=40)
    page = endpoint.get("/healthz")
    assert page.status == 200 and "the chain stands" in page.text
    assert endpoint.get("/readyz").status == 200
    for node in nodes:
        node.advance()
    reader.wait_for("chain_moves")
    world.db.wait_block(LAST + 1)
    assert not reader.events("stalled")
    world.expect(nodes[0].chain, (1, LAST + 1))


def test_without_any_node_from_the_beginning(world, manager):
    """No scan has begun, and yet it is said."""
    node = world.node(irreversible=LAST)
    node.refuse()
    reader = world.start(environment=manager.environment, **WATCHFUL)
    endpoint = Endpoint.of(reader)
    world.allow_errors("stalled")
    reader.wait_for("stalled", timeout=30)
    assert endpoint.get("/healthz").status == 503
    node.accept()
    reader.wait_for("stall_over", timeout=40)
    world.db.wait_blocks(LAST)
    world.expect(node.chain, (1, LAST))


def test_reloading_and_stopping(world, manager):
    world.node(irreversible=LAST)
    reader = world.start(environment=manager.environment)
    reader.wait_for("tail_started")
    manager.wait_for("READY=1")
    reader.signal(signal.SIGHUP)
    reloading = manager.wait_for("RELOADING=1")
    assert manager.wait_for("MONOTONIC_USEC=") == reloading + 1
    assert manager.wait_for("READY=1", 2) > reloading
    assert manager.count("STOPPING=1") == 0
    assert reader.stop() == 0
    stopping = manager.wait_for("STOPPING=1")
    assert "READY=1" not in manager.messages[stopping:]


def test_a_status_names_the_work(world, manager):
    world.node(irreversible=LAST)
    world.start(environment=manager.environment)
    manager.wait_for("STATUS=tailing")


def test_no_watchdog_without_its_time(world, manager):
    node = world.node(irreversible=LAST)
    del manager.environment["WATCHDOG_USEC"]
    reader = world.start(environment=manager.environment)
    reader.wait_for("tail_started")
    node.advance()
    world.db.wait_block(LAST + 1)
    assert reader.stop() == 0
    manager.wait_for("STOPPING=1")
    assert manager.count("WATCHDOG") == 0


@pytest.mark.slow
def test_nodes_that_went_back_are_waited_for(world, manager):
    """All nodes restart, one after the other: what they have is below what is stored."""
    nodes = [world.node(irreversible=LAST) for _ in range(2)]
    reader = world.start(environment=manager.environment, **WATCHFUL)
    endpoint = Endpoint.of(reader)
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    for node in nodes:
        node.irreversible = LAST - 20
    nodes[0].refuse()  # the other one alone moves on
    nodes[1].live(STALL_S / 3, until=LAST - 3)
    said = reader.wait_for("nodes_behind")
    assert f"block {LAST} is stored" in said.message
    fed = manager.count("WATCHDOG=1")
    manager.wait_for("WATCHDOG=1", fed + 4, timeout=60)
    page = endpoint.get("/healthz")
    assert page.status == 200 and "the nodes have blocks up to" in page.text
    nodes[1].still()
    nodes[1].irreversible = LAST + 3
    world.db.wait_blocks(LAST + 3)
    reader.wait_for("nodes_level")
    assert len(reader.events("nodes_behind")) == 1
    assert not reader.events("stalled") and not reader.events("chain_still")
    world.expect(nodes[1].chain, (1, LAST + 3))


@pytest.mark.slow
def test_nodes_that_went_back_and_stand_are_a_stall(world, manager):
    node = world.node(irreversible=LAST)
    reader = world.start(environment=manager.environment, **WATCHFUL)
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    node.irreversible = LAST - 20
    world.allow_errors("stalled")
    said = reader.wait_for("stalled", timeout=40)
    assert f"the nodes have blocks up to {LAST - 20}" in said.message
    node.advance(1)
    reader.wait_for("stall_over")
    node.irreversible = LAST
    reader.wait_for("nodes_level")
    world.expect(node.chain, (1, LAST))
