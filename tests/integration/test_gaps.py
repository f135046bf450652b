"""Holes: found, shown, filled. A block nobody gives stays visible and stops nothing."""

import json

import pytest

LAST = 300
PLACES = [1, 2, 37, 100, 101, 102, 180, 250, 299, LAST]


def listed(reader):
    """What --gaps --json printed, as a set of blocks."""
    found = json.loads(reader.stdout)
    numbers = set()
    for gap in found["gaps"]:
        numbers.update(range(gap["first_block"], gap["last_block"] + 1))
        assert gap["missing"] == gap["last_block"] - gap["first_block"] + 1
    assert found["missing"] == len(numbers)
    return numbers


@pytest.mark.parametrize("operations", [True, False], ids=["with operations", "rows alone"])
def test_ten_torn_holes_are_listed_shown_and_replayed(filled, operations):
    node = filled.nodes[0]
    filled.forget_blocks(*PLACES, operations=operations)
    assert listed(filled.run("--gaps", "--json")) == set(PLACES)
    filled.audit_gaps(PLACES)
    asked = node.count["get_block"]
    reader = filled.start()
    reader.wait_for("gap_found")
    filled.db.wait_blocks(LAST)
    reader.wait_for("tail_started")
    assert reader.events("gap_replayed")
    assert node.count["get_block"] - asked <= 60, "replay asked for far more than was missing"
    filled.expect(node.chain, (1, LAST))


def test_the_plain_listing_names_every_hole(filled):
    filled.forget_blocks(20, 21, 22, 90)
    text = filled.run("--gaps").stdout
    assert "20" in text and "22" in text and "90" in text
    with pytest.raises(ValueError):
        json.loads(text)
    filled.run("--gaps", "--check", code=1)
    filled.run("--once")
    filled.run("--gaps", "--check", code=0)
    assert listed(filled.run("--gaps", "--json")) == set()
    filled.expect(filled.nodes[0].chain, (1, LAST))


def test_everything_but_one_block_is_gone(filled):
    filled.forget_blocks(*set(range(1, LAST + 1)) - {77})
    filled.run("--once")
    filled.expect(filled.nodes[0].chain, (1, LAST))


def test_an_emptied_table_is_filled_again(filled):
    filled.db.execute("DELETE FROM blocks")
    filled.db.execute("DELETE FROM blockchain")
    filled.run("--once")
    filled.expect(filled.nodes[0].chain, (1, LAST))


def test_a_block_that_no_node_gives_stays_a_gap_and_the_tail_goes_on(filled):
    node = filled.nodes[0]
    filled.forget_blocks(50, 51, 52, 120)
    never = node.fault("null", block={51})
    reader = filled.start()
    reader.wait_for("tail_started", timeout=40)
    filled.db.wait_blocks(LAST - 1)
    node.advance(3)
    filled.db.wait_block(LAST + 3)
    filled.audit_gaps([51])
    reason = filled.db.wait_until("SELECT reason FROM gaps WHERE first_block = 51")
    assert reason
    never.clear()
    filled.db.wait_block(51, timeout=60)
    filled.expect(node.chain, (1, LAST + 3))


def test_a_gap_that_stays_is_the_same_after_the_end(filled):
    node = filled.nodes[0]
    filled.forget_blocks(51, 200)
    node.fault("null", block={51})
    filled.run("--once", code=69, timeout=60)
    filled.expect(node.chain, (1, LAST), missing={51})


def test_the_view_shows_the_end_also_when_all_readers_are_dead(world):
    node = world.node(irreversible=100)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(100)
    world.db.wait_until("SELECT MAX(irreversible_block) FROM readers", lambda n: n == 100)
    reader.kill()
    world.forget_blocks(98, 99, 100)
    world.run("--gaps")
    world.expect(node.chain, (1, 100), missing=[(98, 100)])
