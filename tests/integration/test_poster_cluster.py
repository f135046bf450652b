"""Once in effect, on a Galera cluster of three: a member dies and comes back, clocks disagree, posters die."""

import contextlib
import json

import pymysql
import pytest

from harness import effects, galera
from harness.network import Network
from harness.poster import Outbox, custom_json, poster_program, transfer, vote
from harness.soak_poster import OPEN
from test_cluster import bare_cluster_world, cluster, cluster_world  # noqa: F401, pylint: disable=W0611

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout_s(240)]
ACCOUNTS = ("bot-one", "bot-two")
CLOCKS = (0, 2, -2)
ROWS, BACKLOG = 120, 20
ASK = ("INSERT IGNORE INTO actions (account, action_key, operations, authority, created_at)"
       " VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6))")
ENDED_S = 120


def ask(world, number):
    """One more action, by the member whose turn it is; what conflicts or is cut off is asked again."""
    account = ACCOUNTS[number % 2]
    op = (custom_json(account, f"[{number}]"), transfer(account, "alice", memo=f"for {number}"),
          vote(account, permlink=f"post-{number}"))[number % 3]
    authority = "active" if op[0] == "transfer" else "posting"
    for tries in range(30):
        member = world.cluster.members[(number + tries) % 3]
        with contextlib.suppress(pymysql.MySQLError):
            with contextlib.closing(world.at(member)) as tables:
                tables.execute(ASK, account, f"key-{number}", json.dumps([op]), authority)
                return
    raise AssertionError("no member took it")


def what_is_open(world, network):
    """Of each transaction without an outcome: its row, and where the chain has it."""
    rows = world.db.rows(
        "SELECT t.trx_id, t.ref_block, t.expiration, t.answer, a.state, a.trx_id = t.trx_id, s.block,"
        " (SELECT COUNT(*) FROM blocks b WHERE b.block > t.ref_block AND b.is_irreversible = 1)"
        " FROM signed_trxs t LEFT JOIN actions a ON a.action_id = t.action_id"
        " LEFT JOIN trxs_seen s ON s.trx_id = t.trx_id WHERE t.outcome IS NULL")
    senders = world.db.rows("SELECT account, token, poster, lease_until, rests_until, paused_at FROM senders")
    waiting = world.db.rows("SELECT state, account, COUNT(*), MIN(action_id) FROM actions GROUP BY 1, 2")
    return "\n".join([*(f"{row}, landed in {network.landed.get(row[0])}" for row in rows),
                      *map(str, senders), *map(str, waiting), f"seen {world.db.rows('SELECT * FROM trxs_seen')}"])


def test_each_action_takes_effect_once_or_not_at_all(cluster_world):
    if poster_program() is None:
        pytest.skip("steem-poster is not built")
    world = cluster_world
    network = Network(comments=[("alice", f"post-{number}") for number in range(ROWS)])
    nodes = [world.join(network, shape=shape) for shape in ("new", "old")]
    for place, (node, what) in enumerate(zip(nodes, ("lost_answer", "withheld"))):
        node.fault(what, method="broadcast_transaction", chance=0.2, seed=place)
    outbox = Outbox(world)
    entries = [entry for account in ACCOUNTS for entry in
               (outbox.entry(account), outbox.entry(account, "active", allow=["transfer"]))]

    def poster(place):
        return outbox.start(entries=entries, name=f"poster-{place}", database={
            "hosts": world.cluster.hosts(place), "user": galera.USER, "name": world.database})

    dies = world.cluster.members[2]
    with world.cluster.clocks(*CLOCKS):
        for place in (1, 2):
            world.reader_at(place).wait_for("tail_started", 60)
        posters = [poster(place) for place in (0, 2)]
        network.live(0.15)
        for number in range(ROWS):
            ask(world, number)
            if number == ROWS // 4:
                dies.kill()
            elif number == ROWS // 2:
                posters[0].kill()
                posters.append(poster(0))
                world.cluster.rejoin(dies, wait=False)
            due = number - BACKLOG
            network.wait_for(lambda due=due: len(network.landed) >= due, 60)
        for node in nodes:
            node.heal()
        try:
            world.db.wait_until(OPEN, lambda count: count == 0, ENDED_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{what_is_open(world, network)}") from error
    network.still()
    world.cluster.heal()
    world.db.wait_block(network.irreversible, 60)
    counts = effects.audit(world.db.connection, network, ACCOUNTS)
    print(counts)
    assert counts["rows"] == counts["confirmed"] == ROWS
    for made in world.readers:
        world.allow_errors(*(line.event for line in made.events()))
