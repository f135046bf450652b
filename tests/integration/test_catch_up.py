"""From an empty database to the tip: every block of the range, every column of every operation."""

import pytest

from harness.chain import BusyChain, RecordedChain, SyntheticChain


def test_every_operation_type_from_an_empty_database(world):
    node = world.node(irreversible=400)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(400)
    world.expect(node.chain, (1, 400))


def test_nothing_above_the_irreversible_block_is_stored(world):
    node = world.node(irreversible=60, head=90)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(60)
    node.wait_for(lambda: node.count["get_dynamic_global_properties"] >= 3)
    world.expect(node.chain, (1, 60))


def test_the_real_chain_from_its_first_block(world, recorded):
    node = world.node(RecordedChain(), irreversible=1000, head=1000)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(1000)
    world.expect(node.chain, (1, 1000))


def test_the_real_chain_from_the_middle(world, recorded):
    node = world.node(RecordedChain(), irreversible=5000000, head=5000000)
    world.start(reader={"start_block": 4999981})
    world.db.wait_blocks(20)
    world.expect(node.chain, (4999981, 5000000))


@pytest.mark.parametrize("spelling", ["as_is", "proxy"])
def test_busy_blocks_of_the_real_chain(world, recorded, spelling):
    node = world.node(BusyChain(), irreversible=130, spelling=spelling)
    world.run("--once")
    world.expect(node.chain, (1, 130))


def test_start_block_zero_begins_at_the_irreversible_block(world):
    node = world.node(irreversible=5000)
    reader = world.start(reader={"start_block": 0})
    world.db.wait_block(5000)
    reader.wait_for("tail_started")
    node.advance(5)
    world.db.wait_block(5005)
    world.expect(node.chain, (5000, 5005))


def test_high_block_numbers(world):
    node = world.node(irreversible=4_294_000_050)
    world.run("--once", reader={"start_block": 4_294_000_001})
    world.expect(node.chain, (4_294_000_001, 4_294_000_050))


def test_a_start_block_that_is_still_to_come(world):
    node = world.node(irreversible=40)
    world.start(reader={"start_block": 50})
    node.wait_for(lambda: node.count["get_dynamic_global_properties"] >= 2)
    node.irreversible = 60
    world.db.wait_block(60)
    world.db.wait_blocks(11)
    world.expect(node.chain, (50, 60))


def test_the_smallest_limits_and_the_largest(world):
    node = world.node(irreversible=120)
    world.run("--once", fetch={"batch_size": 1, "connections": 1},
              write={"connections": 1, "batch_rows": 1, "batch_kib": 1}, reader={"start_block": 61})
    world.run("--once", fetch={"batch_size": 50, "connections": 16},
              write={"connections": 8, "batch_rows": 3000})
    world.expect(node.chain, (1, 120))


def test_a_lower_start_block_extends_a_higher_one_is_ignored(world):
    node = world.node(irreversible=120)
    world.run("--once", reader={"start_block": 60})
    world.audit(node.chain, (60, 120))
    world.run("--once", reader={"start_block": 40})
    world.audit(node.chain, (40, 120))
    world.run("--once", reader={"start_block": 0})
    world.audit(node.chain, (40, 120))
    ignored = world.run("--once", reader={"start_block": 100})
    assert any(line.level == "warning" and "start_block" in line.text for line in ignored.events())
    assert world.db.rows("SELECT first_block FROM ranges WHERE last_block IS NULL") == ((40,),)
    world.expect(node.chain, (40, 120))


def test_a_second_start_asks_for_nothing_again(world):
    node = world.node(irreversible=300)
    world.run("--once")
    asked = node.count["get_block"]
    world.run("--once")
    assert node.count["get_block"] - asked <= 5
    world.expect(node.chain, (1, 300))


def test_several_cells(world):
    node = world.node(SyntheticChain(plain=True), irreversible=3400)
    reader = world.start()
    reader.wait_for("tail_started", timeout=40)
    world.db.wait_blocks(3400)
    assert world.db.value("SELECT COUNT(*) FROM gap_claims") == 0
    world.expect(node.chain, (1, 3400))


def test_no_more_is_asked_for_than_memory_can_hold(world):
    node = world.node(irreversible=2000)
    hangs = node.fault("hang", method="get_block")
    world.start(fetch={"max_memory_mib": 16, "connections": 8, "batch_size": 50})
    node.wait_for(lambda: hangs.count >= 2)
    # Nobody knows yet how big these blocks are: 256 KiB each are set aside.
    assert node.count["get_block"] <= 64
    hangs.clear()
    world.db.wait_blocks(2000, 60)
    world.expect(node.chain, (1, 2000))
