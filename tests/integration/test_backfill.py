"""--backfill: a range, both ends included, beside everything else."""

import signal

import pytest


@pytest.fixture
def begun(world):
    """A database that follows the chain from block 500 on."""
    world.node(irreversible=600)
    world.run("--once", reader={"start_block": 500})
    return world


def backfill(world, text, *more, **options):
    return world.run("--backfill", text, *more, reader={"start_block": 500}, **options)


@pytest.mark.parametrize("text, ranges", [
    ("100-120", [(100, 120)]),
    ("100-100", [(100, 100)]),
    ("100+21", [(100, 120)]),
    ("1-3,100+2,300-301,400", [(1, 3), (100, 101), (300, 301), 400]),
    ("400-520", [(400, 520)]),
    ("510-520", []),
    ("10-20,15-30,31-32", [(10, 32)]),
])
def test_ranges_with_both_ends(begun, text, ranges):
    backfill(begun, text)
    begun.expect(begun.nodes[0].chain, (500, 600), *ranges)


@pytest.mark.parametrize("text", ["", "x", "9-5", "0-5", "-5", "5-", "1-2,", "1-x", "5+0",
                                  "1-99999999999", "5--6", "590-700", "700-800", "600+100"])
def test_an_impossible_range_is_refused(begun, text):
    refused = backfill(begun, text, code=64)
    assert refused.stderr.strip()
    begun.expect(begun.nodes[0].chain, (500, 600))


def test_the_range_stays_wanted_until_it_is_complete(begun):
    node = begun.nodes[0]
    hang = node.fault("hang", block=range(251, 260))  # block 249 vouches for those below it
    first = begun.start("--backfill", "201-260", reader={"start_block": 500},
                        fetch={"batch_size": 10, "connections": 1, "timeout_ms": 30000})
    node.wait_for(lambda: hang.count)
    begun.db.wait_blocks(101 + 40)
    first.signal(signal.SIGTERM)
    assert first.wait_exit() == 75
    stored = begun.db.value("SELECT COUNT(*) FROM blocks WHERE block < 500")
    assert 40 <= stored < 60
    assert begun.db.value("SELECT COUNT(*) FROM ranges WHERE last_block = 260") == 1
    hang.clear()
    asked = node.count["get_block"]
    backfill(begun, "201-260")
    assert node.count["get_block"] - asked <= 60 - stored + 5
    begun.expect(node.chain, (500, 600), (201, 260))


def test_a_killed_backfill_is_completed_by_a_running_reader(begun):
    node = begun.nodes[0]
    hang = node.fault("hang", block=range(250, 260))
    first = begun.start("--backfill", "201-260", reader={"start_block": 500},
                        fetch={"batch_size": 10, "connections": 1, "timeout_ms": 30000})
    node.wait_for(lambda: hang.count)
    first.kill()
    begun.expire_claims()
    hang.clear()
    daemon = begun.start(reader={"start_block": 500})
    daemon.wait_for("tail_started")
    begun.db.wait_blocks(101 + 60, timeout=60)
    begun.expect(node.chain, (500, 600), (201, 260))


def test_a_reader_and_a_backfill_of_the_same_name(begun):
    node = begun.nodes[0]
    daemon = begun.start(reader={"start_block": 500})
    daemon.wait_for("tail_started")
    node.live(0.2)
    backfill(begun, "1-300")
    last = node.still()
    begun.db.wait_block(last)
    assert daemon.is_running
    begun.expect(node.chain, (1, 300), (500, last))


def test_a_dry_run_writes_nothing(begun):
    backfill(begun, "100-120", "--dry-run")
    assert begun.db.value("SELECT COUNT(*) FROM ranges") == 1
    begun.expect(begun.nodes[0].chain, (500, 600))


def test_a_hole_in_the_range_is_an_exit_code(begun):
    begun.nodes[0].fault("null", block={110})
    backfill(begun, "100-120", code=69, timeout=80)
    begun.expect(begun.nodes[0].chain, (500, 600), (100, 120), missing={110})
