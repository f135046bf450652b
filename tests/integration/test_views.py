"""The view `gaps` against a simple model of it, over many made-up states of the tables."""

import random

import pytest

from harness import auditor

TOP = 60


@pytest.mark.parametrize("seed", range(6))
def test_the_view_is_known_gaps_and_what_lies_above_the_scan(world, seed):
    dice = random.Random(seed)
    for _ in range(15):
        for table in ("blocks", "known_gaps", "ranges", "readers"):
            world.db.execute(f"DELETE FROM {table}")
        make_state(world, dice)


def make_state(world, dice):
    """One state: stored blocks, known gaps that do not overlap them, a point of the scan."""
    first = dice.randrange(1, 10)
    scanned_to = dice.choice([first - 1, dice.randrange(first - 1, TOP + 5)])
    top = dice.randrange(0, TOP)
    density = dice.choice([0, 0.2, 0.8, 1])
    known = {n for n in range(1, top + 1) if dice.random() < 0.15}
    stored = {n for n in range(first, top + 1) if n not in known and dice.random() < density}
    world.db.execute("INSERT INTO ranges (first_block, last_block, scanned_to)"
                     " VALUES (%s, NULL, %s)", first, scanned_to)
    world.db.execute("INSERT INTO readers (name, session, state, irreversible_block, version,"
                     " started_at, heartbeat_at) VALUES ('r', 's', 'tailing', %s, '1',"
                     " UTC_TIMESTAMP(), UTC_TIMESTAMP() - INTERVAL 1 DAY)", top)
    for number in sorted(stored):
        world.db.execute("INSERT INTO blocks (block, block_id, previous, timestamp,"
                         " operations, stored_operations, filter_id, reader_id, committed_at)"
                         " VALUES (%s, '', '', UTC_TIMESTAMP(), 0, 0, 1, 1,"
                         " UTC_TIMESTAMP())", number)
    for first_known, last_known in pieces(known):
        world.db.execute("INSERT INTO known_gaps (first_block, last_block, found_at)"
                         " VALUES (%s, %s, UTC_TIMESTAMP())", first_known, last_known)
    due = known | {n for n in range(scanned_to + 1, top + 1) if n not in stored}
    shown = auditor.gaps(world.db.connection)
    assert shown == due, (f"first {first}, scanned to {scanned_to}, top {top}, stored"
                          f" {auditor.spans(stored)}, known {auditor.spans(known)}:"
                          f" shows {auditor.spans(shown)}, should {auditor.spans(due)}")


def pieces(numbers):
    """A set as closed ranges."""
    found = []
    for number in sorted(numbers):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found
