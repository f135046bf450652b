"""--once: fills gaps, catches up, says by its exit code whether anything is missing."""

import pytest


def test_it_ends_at_the_tip(world):
    node = world.node(irreversible=200)
    world.run("--once")
    assert world.db.value("SELECT COUNT(*) FROM readers") == 0
    assert world.db.value("SELECT COUNT(*) FROM gap_claims") == 0
    node.advance(30)
    world.run("--once")
    world.expect(node.chain, (1, 230))


def test_it_fills_what_was_torn(world):
    node = world.node(irreversible=200)
    world.run("--once")
    world.forget_blocks(3, 100, 101)
    world.run("--once")
    world.expect(node.chain, (1, 200))


def test_something_stays_missing(world):
    node = world.node(irreversible=100)
    node.fault("null", block={70})
    world.run("--once", code=69, timeout=80)
    world.expect(node.chain, (1, 100), missing={70}, gaps=False)


def test_a_dry_run_writes_nothing(world):
    world.node(irreversible=100)
    said = world.run("--once", "--dry-run")
    assert "100" in said.stdout + said.stderr
    for table in ("blocks", "blockchain", "ranges", "readers", "known_gaps", "gap_claims"):
        assert world.db.value(f"SELECT COUNT(*) FROM {table}") == 0, table


def test_the_names_of_once_do_not_disturb_a_daemon(world):
    node = world.node(irreversible=100)
    daemon = world.start()
    daemon.wait_for("tail_started")
    world.db.wait_blocks(100)
    world.run("--once")
    assert daemon.is_running
    assert world.db.rows("SELECT name FROM readers") == (("reader",),)
    node.advance(2)
    world.db.wait_block(102)
    world.expect(node.chain, (1, 102))


@pytest.mark.timeout_s(150)
def test_it_waits_for_the_claims_of_others(world):
    node = world.node(irreversible=100)
    world.run("--once")
    world.forget_blocks(50, 60)
    hang = node.fault("hang", block={50, 60}, times=1)
    first = world.start("--once", fetch={"timeout_ms": 60000})
    node.wait_for(lambda: hang.count == 1)
    second = world.start("--once")
    second.wait_for("gap_found")
    hang.release()
    assert first.wait_exit(40) == 0 and second.wait_exit(60) == 0
    world.expect(node.chain, (1, 100))


@pytest.mark.slow
@pytest.mark.timeout_s(150)
def test_no_node_in_time(world):
    node = world.node(irreversible=100)
    node.refuse()
    world.run("--once", code=69, timeout=120)
    node.accept()
    world.run("--once")
    world.expect(node.chain, (1, 100))
