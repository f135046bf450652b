"""The database's calendar jumps ahead for seconds and comes back, while everything runs: times that were
written meanwhile lie in the future. They delay nothing, and nothing is removed because of them."""

import datetime
import re
import time

import pytest

from harness.chain import TOP, SyntheticChain
from harness.deliveries import Bot, deliver, ids, make_queue
from harness.moved import DAY_S
from harness.polling import poll

JUMPS = pytest.mark.parametrize("ahead_s", [3600, DAY_S, 400 * DAY_S])
SOON_S = 20  # everything goes on within this time, and not only after the length of the jump
AHEAD = "SELECT COUNT(*) FROM {} WHERE {} > UTC_TIMESTAMP(6) + INTERVAL 30 MINUTE"


def count_ahead(world, table, column):
    return world.db.value(AHEAD.format(table, column))


# ---- readers

@JUMPS
def test_the_claim_of_a_dead_reader(moved_world, ahead_s):
    world = moved_world
    node = world.node(irreversible=900)
    hang = node.fault("hang", block=set(range(400, 420)))
    world.server.move(ahead_s)
    dead = world.start(name="dead", fetch={"batch_size": 10, "connections": 1})
    node.wait_for(lambda: hang.count)
    assert world.db.wait_until("SELECT COUNT(*) FROM gap_claims")
    dead.kill()
    world.server.move(0)
    hang.clear()
    assert count_ahead(world, "gap_claims", "expires_at") == 1
    assert world.db.rows("SELECT alive, heartbeat_age_s FROM reader_status") == ((0, None),)
    assert '"heartbeat_age_s":null' in world.run("--status", "--json").stdout
    assert world.db.value("SELECT MAX(claim_expires_at) FROM gaps") is None
    began = time.monotonic()
    world.start(name="other").wait_for("tail_started", timeout=60)
    world.db.wait_blocks(900, SOON_S)
    assert time.monotonic() - began < SOON_S
    assert count_ahead(world, "gap_claims", "expires_at") == 0
    world.expect(node.chain, (1, 900))


def test_a_gap_that_was_tried_meanwhile(moved_world):
    """By the same reader, whose session began before the jump, and by one that began in it."""
    world = moved_world
    node = world.node(irreversible=50)
    nothing = node.fault("null", block={20})
    first = world.start(name="first")
    first.wait_for("tail_started", timeout=40)
    world.server.move(DAY_S)
    world.start(name="second").wait_for("tail_started", timeout=40)
    world.db.wait_until(AHEAD.format("known_gaps", "retry_at").replace("30 MINUTE", "0 MINUTE"))
    world.server.move(0)
    assert count_ahead(world, "known_gaps", "retry_at") == 1
    nothing.clear()
    world.db.wait_blocks(50, SOON_S)
    # Its start is corrected: else it would try each gap for ever without a pause.
    world.db.wait_until("SELECT MAX(started_at) <= UTC_TIMESTAMP(6) FROM readers")
    world.expect(node.chain, (1, 50))


def test_readers_go_on_through_jumps(moved_world):
    world = moved_world
    node = world.node(irreversible=300)
    for name in ("one", "two"):
        world.start(name=name).wait_for("tail_started", timeout=40)
    node.live(0.1)
    for ahead_s in (DAY_S, 0, 400 * DAY_S, -DAY_S, 0):
        world.server.move(ahead_s)
        world.db.wait_block(node.irreversible + 5, timeout=10)
    node.still()
    world.db.wait_block(node.irreversible)
    world.db.wait_until("SELECT COUNT(*) FROM reader_status WHERE alive", lambda alive: alive == 2)
    world.expect(node.chain, (1, node.irreversible))


def test_a_reader_is_forgotten_when_it_is_silent(moved_world):
    """And not for an old heartbeat: right after a jump, that of a live one is old."""
    world = moved_world
    node = world.node(irreversible=20)
    reader = world.start(name="some")
    reader.wait_for("tail_started", timeout=40)
    world.server.move(DAY_S)
    refused = world.run("--forget", "some", code=64)
    assert "is alive" in refused.stderr
    world.allow_errors(*(line.event for line in refused.events()))
    reader.kill()
    world.server.move(0)  # its heartbeat is a day ahead now
    assert "is forgotten" in world.run("--forget", "some", timeout=60).stdout
    assert world.db.value("SELECT COUNT(*) FROM readers") == 0
    world.expect(node.chain, (1, 20), gaps=False)


# ---- deliveries

@pytest.fixture
def bots(moved_world):
    made = [Bot(lambda: moved_world.server.connect(moved_world.database), f"bot-{i}")
            for i in range(2)]
    make_queue(moved_world.db)
    yield made
    for bot in made:
        bot.close()


def claim_within(bot, seconds=SOON_S, **options):
    """As a worker does: again and again, until something is there."""
    return poll(lambda: bot.claim(**options), timeout=seconds, interval=0.3,
                otherwise=lambda _: f"nothing to be claimed within {seconds} s")


@JUMPS
def test_what_was_delivered_meanwhile(moved_world, bots, ahead_s):
    world = moved_world
    world.server.move(ahead_s)
    bots[0].claim()  # a worker is there meanwhile: where claims begin to look is in the future
    node = world.node(irreversible=30)
    world.run("--once", filter=[{"operation": "comment", "queue": "ask"}])
    made = world.db.value("SELECT COUNT(*) FROM deliveries_open")
    world.server.move(0)
    assert count_ahead(world, "deliveries_open", "available_at") == made > 0
    assert len(claim_within(bots[0], limit=1000)) == made
    world.expect(node.chain, (1, 30), rules=[{"operation": "comment", "queue": "ask"}])


@pytest.mark.parametrize("way", ["claimed", "renewed"])
def test_a_lease_of_meanwhile(moved_world, bots, way):
    """It lasts its full length, since its bot may be alive."""
    world, (bot, other) = moved_world, bots
    delivery, = deliver(world.db, 1)
    if way == "claimed":
        world.server.move(DAY_S)
    row, = bot.claim(lease_s=6)
    world.server.move(DAY_S)
    bot.renew(row, 6)
    world.server.move(0)
    back = time.monotonic()
    assert count_ahead(world, "deliveries_open", "available_at") == 1
    assert world.db.value("SELECT state FROM deliveries") == "ready"
    again, = claim_within(other)
    assert again["delivery_id"] == delivery and again["attempts"] == 2
    assert time.monotonic() - back >= 5.9, "two bots had it at once"


def test_a_live_bot_keeps_its_lease_when_the_clock_comes_back(moved_world, bots):
    world, (bot, other) = moved_world, bots
    deliver(world.db, 1)
    world.server.move(DAY_S)
    row, = bot.claim(lease_s=5)
    world.server.move(0)
    for _ in range(4):
        until = time.monotonic() + 2
        while time.monotonic() < until:
            assert other.claim() == []
            time.sleep(0.2)
        bot.renew(row, 5)
    bot.done(row)
    assert world.db.value("SELECT COUNT(*) FROM deliveries_open") == 0


def test_a_wait_of_meanwhile(moved_world, bots):
    """A back-off, and a delay that the bot has asked for: a long one stays as long."""
    world, (bot, _) = moved_world, bots
    soon, later, back = (deliver(world.db, block)[0] for block in (1, 2, 3))
    rows = {row["delivery_id"]: row for row in bot.claim(limit=3, lease_s=600)}
    world.server.move(DAY_S)
    bot.retry(rows[soon], 2)
    bot.retry(rows[later], 3 * DAY_S)
    bot.release(rows[back])
    world.server.move(0)
    got = set()
    poll(lambda: got.update(ids(bot.claim(limit=10))) or got, lambda got: len(got) == 2,
         timeout=SOON_S, interval=0.3, otherwise=lambda got: f"only {got} could be claimed")
    assert got == {soon, back}
    assert world.db.value("SELECT available_at BETWEEN UTC_TIMESTAMP(6) + INTERVAL 71 HOUR AND"
                          " UTC_TIMESTAMP(6) + INTERVAL 73 HOUR FROM deliveries_open"
                          " WHERE delivery_id = %s", later)


def test_a_comment_that_was_refused_meanwhile(moved_world, bots):
    """A wait of 30 seconds does not become one of a day; a wait of three days stays one."""
    world, (bot, _) = moved_world, bots
    due, = re.findall(r"^-- what is due.*\n(SELECT comment_id[^;]*);",
                      (TOP / "doc" / "consumers.md").read_text("utf-8"), re.M)
    for permlink, ahead_s, delay_s in (("late", DAY_S, 30), ("wait", 0, 3 * DAY_S)):
        bot.call("outbox_add", "a-bot", permlink, "", "steem", "", "body", None)
        comment = world.db.value("SELECT MAX(comment_id) FROM comments")
        bot.call("outbox_sent", comment, "a" * 40, "2030-01-01")
        world.server.move(ahead_s)
        bot.call("outbox_retry", comment, "a" * 40, delay_s, "too fast")
        assert permlink not in [row["permlink"] for row in bot.query(due)]
        world.server.move(0)
        assert [row["permlink"] for row in bot.query(due)] == ["late"]


def test_a_long_delay_by_a_right_clock_is_left_alone(moved_world, bots):
    world, (bot, _) = moved_world, bots
    deliver(world.db, 1)
    row, = bot.claim()
    bot.retry(row, 300 * DAY_S)
    until = world.db.value("SELECT available_at FROM deliveries_open")
    for _ in range(12):
        assert bot.claim() == []
        world.db.execute("UPDATE queues SET scanned_at = '2000-01-01'")
    assert world.db.value("SELECT available_at FROM deliveries_open") == until


# ---- retention

RULES = [{"operation": "comment", "queue": "ask"}]
ENDED = "SELECT COUNT(*) FROM deliveries_ended"


def finish(world, days):
    world.db.execute(
        "INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx,"
        " virtual_op, block_crc, state, attempts, created_at, finished_at)"
        " SELECT delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op, block_crc, 'done',"
        " 1, created_at, UTC_TIMESTAMP(6) - INTERVAL %s DAY FROM deliveries_open", days)
    world.db.execute("DELETE FROM deliveries_open")


def ready_to_remove(world):
    """A reader that has made its first pass, and what it has left."""
    node = world.node(irreversible=200)
    settings = {"filter": RULES, "queue": {"keep_days": 7}}
    world.run("--once", **settings)
    finish(world, 1)
    kept = world.db.value(ENDED)
    world.db.execute("UPDATE deliveries_ended SET finished_at = finished_at - INTERVAL 30 DAY"
                     " ORDER BY delivery_id LIMIT 1")
    reader = world.start(**settings)
    reader.wait_for("tail_started", timeout=40)
    world.db.wait_until(ENDED, lambda count: count == kept - 1)
    return node, reader, kept - 1


def test_nothing_is_removed_while_the_clock_is_ahead(moved_world):
    world = moved_world
    node, reader, kept = ready_to_remove(world)
    assert kept > 0
    world.server.move(400 * DAY_S)
    for _ in range(2):  # a heartbeat is a look at the clock
        before = world.db.value("SELECT MAX(heartbeat_at) FROM readers")
        world.db.wait_until("SELECT MAX(heartbeat_at) FROM readers", lambda at: at > before)
    assert "the database's clock jumped by 345" in reader.wait_for("clock_doubted").message
    world.server.move(0)
    before = world.db.value("SELECT UTC_TIMESTAMP(6)")
    world.db.wait_until("SELECT MAX(heartbeat_at) FROM readers", lambda at: at > before)
    assert world.db.value(ENDED) == kept
    # What is over goes again.
    world.db.execute("UPDATE deliveries_ended SET finished_at = finished_at - INTERVAL 30 DAY"
                     " ORDER BY delivery_id LIMIT 1")
    world.db.wait_until(ENDED, lambda count: count == kept - 1, timeout=30)
    left = world.db.rows("SELECT block, trx_in_block, op_in_trx, virtual_op FROM deliveries_ended")
    world.expect(node.chain, (1, 200), rules=RULES, purged=True,
                 gone=lambda key: key not in {tuple(row) for row in left})


def test_a_reader_that_starts_while_the_clock_is_ahead(moved_world):
    """The reader has seen no other time of the database, but its host knows better."""
    world = moved_world
    node = world.node(irreversible=200)
    settings = {"filter": RULES, "queue": {"keep_days": 7}}
    world.run("--once", **settings)
    finish(world, 1)
    kept = world.db.value(ENDED)
    world.server.move(400 * DAY_S)
    reader = world.start(**settings)
    assert "this host's" in reader.wait_for("clock_doubted", timeout=40).message
    assert world.db.value(ENDED) == kept > 0
    world.expect(node.chain, (1, 200), rules=RULES)


def test_an_end_before_its_block_is_no_end(moved_world):
    """The clock was behind for a moment when it was written."""
    world = moved_world
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
    node = world.node(SyntheticChain(genesis=now - datetime.timedelta(seconds=900)), irreversible=200)
    settings = {"filter": RULES, "queue": {"keep_days": 7}}
    world.run("--once", **settings)
    finish(world, 400)
    world.db.execute("INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx,"
                     " virtual_op, block_crc, state, attempts, created_at, finished_at) VALUES"
                     " (1, 'ask', 0, 0, 0, 0, 0, 'done', 1, '2020-01-01', '2020-01-01')")
    kept = world.db.value(ENDED) - 1
    world.start(**settings).wait_for("deliveries_removed", timeout=40)
    assert world.db.value(ENDED) == kept > 0
    world.expect(node.chain, (1, 200), rules=RULES)


# ---- whose clock

@pytest.mark.parametrize("ahead_s, state", [(-DAY_S, "ready"), (DAY_S, "failed")])
def test_what_is_late_is_so_by_the_databases_clock(moved_world, ahead_s, state):
    world = moved_world
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
    hours = 2 if state == "ready" else 0
    genesis = now - datetime.timedelta(seconds=600 + 3600 * hours)
    node = world.node(SyntheticChain(genesis=genesis), irreversible=50)
    world.server.move(ahead_s)
    world.run("--once", filter=RULES, queue={"max_age_s": 3600})
    assert world.db.value("SELECT GROUP_CONCAT(DISTINCT state) FROM deliveries") == state
    world.server.move(0)
    world.expect(node.chain, (1, 50), rules=RULES)
