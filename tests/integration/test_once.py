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


def test_a_start_above_the_chain_is_said(world):
    """A digit too many: nothing would be stored for years, without a word."""
    node = world.node(irreversible=50)
    run = world.run("--once", reader={"start_block": 5000})
    assert run.events("start_block_ahead", containing="5000")
    run = world.run("--once", reader={"start_block": 1})
    assert not run.events("start_block_ahead")
    world.expect(node.chain, (1, 50))


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


# ---- nodes that went back below what is stored, as they do when they restart

def went_back(world, to, missing=()):
    """A hundred blocks are stored but for `missing`, which a scan has seen; the node went back."""
    node = world.node(irreversible=100)
    world.run("--once")
    if missing:
        world.forget_blocks(*missing)
        for block in missing:
            world.db.execute("INSERT INTO known_gaps (first_block, last_block, found_at)"
                             " VALUES (%s, %s, UTC_TIMESTAMP(6))", block, block)
    node.irreversible = to
    return node


def test_nodes_behind_what_is_stored_are_no_failure(world):
    node = went_back(world, 90)
    world.run("--once")
    world.expect(node.chain, (1, 100))


def test_a_gap_above_all_nodes_stays_and_is_said(world):
    node = went_back(world, 90, missing=(50, 95))
    reader = world.run("--once", code=69, timeout=15)
    assert reader.events("nodes_behind", containing="up to 90")
    assert world.db.value("SELECT GROUP_CONCAT(first_block) FROM known_gaps") == "95"
    assert world.db.value("SELECT COUNT(*) FROM blocks") == 99
    node.irreversible = 100
    world.run("--once")
    world.expect(node.chain, (1, 100))


def test_a_gap_above_all_nodes_does_not_keep_a_tail_from_its_start(world):
    node = went_back(world, 90, missing=(95,))
    reader = world.start()
    reader.wait_for("tail_started", timeout=15)
    assert world.db.value("SELECT COUNT(*) FROM gap_claims") == 0
    node.irreversible = 103
    world.db.wait_blocks(103, 30)
    world.db.wait_until("SELECT COUNT(*) FROM gaps", lambda count: count == 0)
    assert not reader.events("replay_stuck")
    world.expect(node.chain, (1, 103))


def test_a_backfill_up_to_what_is_stored_is_no_wrong_use(world):
    node = went_back(world, 90, missing=(50, 95))
    world.allow_errors("ended")
    assert "irreversible" in world.run("--backfill", "1-101", code=64).stderr
    world.run("--backfill", "40-60")
    reader = world.run("--backfill", "1-100", code=69, timeout=15)
    assert reader.events("nodes_behind", containing="1 blocks above")
    assert world.db.value("SELECT COUNT(*) FROM blocks") == 99
    node.irreversible = 100
    world.run("--backfill", "1-100")
    world.expect(node.chain, (1, 100))


def test_blocks_above_all_nodes_are_not_read_again_and_that_is_said(world):
    rules = [{"operation": "vote"}]
    node = went_back(world, 90)
    world.run("--activate-filter", filter=rules)
    reader = world.run("--backfill", "1-100", "--refilter", filter=rules, code=69, timeout=15)
    assert reader.events("nodes_behind", containing="10 blocks above")
    node.irreversible = 100
    world.run("--backfill", "1-100", "--refilter", filter=rules)
    world.expect(node.chain, (1, 100), rules=rules)
