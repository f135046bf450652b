"""Mutual exclusion and completeness of the queue on one server: eight bots, killed and frozen.

With QUEUE_SECONDS=600 it is a long run; QUEUE_SEED tries another one.
"""

import re

import pytest

from harness.troubled import SEED, Troubled, seconds_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout_s(seconds_of(0) + 120)]


def run(world, seconds):
    return Troubled(world, [world.server.socket], [0], SEED).run(seconds).check()


def mutate(world, procedure, pattern, replacement):
    """Change the text of a procedure."""
    body = world.db.rows(f"SHOW CREATE PROCEDURE {procedure}")[0][2]
    changed, times = re.subn(pattern, replacement, body, flags=re.S)
    assert times, "the mutation has no place any more"
    world.db.execute(f"DROP PROCEDURE {procedure}")
    world.db.execute(re.sub(r"DEFINER=\S+ ", "", changed))


def test_each_delivery_is_with_one_bot_at_a_time_and_ends_once(world):
    seconds = seconds_of(8)
    wrong, counts = run(world, seconds)
    assert not wrong, "\n".join(wrong)
    assert counts["killed"] > 2 and counts["frozen"] > 5 and counts["done"] > 100
    assert counts["done"] + counts["failed"] == counts["deliveries"]


def test_the_check_sees_claims_without_a_guard(world):
    mutate(world, "queue_take", r"w\.available_at BETWEEN p_from AND p_now", "w.available_at >= p_from")
    wrong, _ = run(world, 2)
    assert any("held twice at once" in line for line in wrong)


def test_the_check_sees_stale_tokens_that_are_taken(world):
    """Bots are frozen for longer than their lease; then they end what is another's."""
    mutate(world, "queue_end", r"AND (w\.)?token = p_token", "")
    mutate(world, "queue_retry", r"AND token = p_token", "")
    wrong, _ = run(world, 8)
    assert any("a stale token ended it" in line or "its effect is another claim's" in line
               for line in wrong), wrong
