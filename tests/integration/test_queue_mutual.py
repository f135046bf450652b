"""Mutual exclusion and completeness of the queue on one server: eight bots, killed and frozen.

With QUEUE_SECONDS=600 it is a long run; QUEUE_SEED tries another one.
"""

import re

import pytest

from harness.troubled import SEED, Troubled, seconds_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout_s(seconds_of(0) + 120)]


def run(world, seconds):
    return Troubled(world, [world.server.socket], SEED).run(seconds).check()


def mutate(world, procedure, pattern, replacement):
    """Change the text of a procedure."""
    body = world.db.rows(f"SHOW CREATE PROCEDURE {procedure}")[0][2]
    changed, times = re.subn(pattern, replacement, body, flags=re.S)
    assert times, "the mutation has no place any more"
    world.db.execute(f"DROP PROCEDURE {procedure}")
    world.db.execute(re.sub(r"DEFINER=\S+ ", "", changed))


def assert_seen(world, seconds, *words):
    """The check says one of these words of a run; on a busy machine, of one of a few runs."""
    for _ in range(5):
        wrong, _ = run(world, seconds)
        if any(word in line for line in wrong for word in words):
            return
        world.db.execute("DROP TABLE effects")
        for table in ("blocks", "blockchain", "queues", "delivered", "deliveries_open", "deliveries_ended",
                      "comments"):
            world.db.execute(f"DELETE FROM {table}")
    pytest.fail(f"none of {words} in {wrong}")


def test_each_delivery_is_with_one_bot_at_a_time_and_ends_once(world):
    seconds = seconds_of(8)
    wrong, counts = run(world, seconds)
    assert not wrong, "\n".join(wrong)
    assert counts["killed"] > 2 and counts["frozen"] > 5 and counts["done"] > 100
    assert counts["done"] + counts["failed"] == counts["deliveries"]


def test_the_check_sees_claims_without_a_guard(world):
    mutate(world, "queue_take", r"w\.available_at BETWEEN p_from AND p_now", "w.available_at >= p_from")
    assert_seen(world, 2, "held twice at once")


def test_the_check_sees_stale_tokens_that_are_taken(world):
    """Bots are frozen for longer than their lease; then they end what is another's."""
    mutate(world, "queue_end", r"AND (w\.)?token = p_token", "")
    mutate(world, "queue_retry", r"AND token = p_token", "")
    assert_seen(world, 8, "a stale token ended it", "its effect is another claim's")
