"""Mutual exclusion and completeness of the queue on a Galera cluster of three: eight bots on
different members, killed and frozen, clocks that disagree, and a member that is killed.

With QUEUE_SECONDS=600 it is a long run; QUEUE_SEED tries another one.
"""

import contextlib

import pytest

from harness import galera
from harness.deliveries import Bot, deliver, make_queue
from harness.troubled import SEED, Troubled, seconds_of
from test_cluster import bare_cluster_world, cluster, cluster_world  # noqa: F401, pylint: disable=W0611

CLOCKS = [0, 2, -2]  # what each member's clock is ahead, in seconds: four apart, of five allowed
pytestmark = [pytest.mark.xdist_group("queue_cluster"), pytest.mark.timeout_s(seconds_of(0) + 150)]


def test_each_delivery_is_with_one_bot_at_a_time_and_ends_once(cluster_world):
    world, seconds = cluster_world, seconds_of(14)
    dies = world.cluster.members[2]
    conflicts = ("wsrep_local_cert_failures", "wsrep_local_bf_aborts")
    bots = Troubled(world, [member.port for member in world.cluster.members], SEED,
                    user=galera.USER)
    with world.cluster.clocks(*CLOCKS):
        bots.run(seconds, [(seconds * 0.3, dies.kill),
                           (seconds * 0.6, lambda: world.cluster.rejoin(dies, wait=False))])
    wrong, counts = bots.check()
    world.cluster.heal()
    print({name: world.cluster.status_sum(name) for name in conflicts})
    assert not wrong, "\n".join(wrong)
    assert counts["killed"] > 2 and counts["frozen"] > 5 and counts["done"] > 100
    assert counts["done"] + counts["failed"] == counts["deliveries"]
    rows = set()
    for member in world.cluster.members:
        with contextlib.closing(world.at(member)) as tables:
            tables.execute("SET SESSION wsrep_sync_wait = 15")
            rows.add(tables.rows("CHECKSUM TABLE deliveries_ended, deliveries_open, effects"))
    assert len(rows) == 1, "the members differ"


@pytest.mark.parametrize("ahead_s, is_free", [(4, False), (8, True)])
def test_how_far_clocks_may_disagree(cluster_world, ahead_s, is_free):
    """A lease of 2 s holds against a member whose clock is 4 s ahead, by the 5 s of grace, and not
    against one that is 8 s ahead: doc/consumers.md says that clocks are to be kept by NTP."""
    world = cluster_world
    make_queue(world.db)
    deliver(world.db, 1)
    first, second = (Bot(lambda at=at: world.cluster.members[at].connect(world.database), f"bot-{at}",
                         ("SET SESSION wsrep_sync_wait = 15",)) for at in (0, 1))
    with world.cluster.clocks(0, ahead_s):
        row, = first.claim(lease_s=2)
        assert bool(second.claim()) == is_free
        if not is_free:
            first.done(row)


def test_claimed_through_one_member_and_ended_through_another(cluster_world):
    """As by a bot whose member died. It waits for what the others have committed before."""
    world = cluster_world
    make_queue(world.db)
    for block in range(1, 21):
        deliver(world.db, block)
    bots = [Bot(lambda at=at: world.cluster.members[at].connect(world.database), f"bot-{at}",
                ("SET SESSION wsrep_sync_wait = 15",)) for at in range(3)]
    for turn in range(20):
        row, = bots[turn % 3].claim()
        bots[(turn + 1) % 3].done(row)
    assert world.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE state = 'done'") == 20


def test_all_members_hand_out_at_once_and_nothing_twice(cluster_world):
    """Where each member's locks are its own, the commit decides. What conflicts is taken later."""
    world = cluster_world
    make_queue(world.db)
    for block in range(1, 61):
        deliver(world.db, block)
    bots = [Bot(lambda at=at: world.cluster.members[at].connect(world.database), f"bot-{at}")
            for at in range(3)]
    seen, empty = [], 0
    while empty < 10:
        for bot in bots:
            rows = bot.claim(limit=2)
            empty = 0 if rows else empty + 1
            seen += [row["delivery_id"] for row in rows]
    assert len(seen) == len(set(seen)) == 60
