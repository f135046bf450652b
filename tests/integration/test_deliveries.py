"""Deliveries: what a rule with a queue keeps is put there with its block, once, come what may."""

import datetime
import signal

import pytest

from harness.chain import SyntheticChain
from harness.deliveries import LOST, MISSING, Bot, number_of
from harness.world import HASTY

ASK = {"operation": "comment", "body_prefix": "!ask", "queue": "ask"}
RULES = [ASK, {"operation": "transfer", "queue": "pay"}, {"account": "alice", "queue": "alice"},
         {"operation": "vote"}]
EVERYTHING = [{"queue": "all"}, ASK]
OPEN = "SELECT COUNT(*) FROM deliveries_open"
DELIVERED = "SELECT COUNT(*) FROM delivered"
LAST = 300


def finish(world, share=2):
    """As if bots had done each second delivery."""
    world.db.execute(
        "INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx,"
        " virtual_op, block_crc, state, attempts, created_at, finished_at)"
        " SELECT delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op, block_crc, 'done',"
        " 1, created_at, UTC_TIMESTAMP(6) FROM deliveries_open"
        f" WHERE MOD(CRC32(delivery_id), {share}) = 0")
    world.db.execute("DELETE o FROM deliveries_open o JOIN deliveries_ended e USING (delivery_id)")


@pytest.mark.parametrize("rules", [[ASK], RULES, EVERYTHING], ids=["one", "several", "everything"])
def test_each_operation_in_each_of_its_queues(world, rules):
    node = world.node(irreversible=LAST)
    world.run("--once", filter=rules)
    queues = {rule["queue"] for rule in rules if "queue" in rule}
    assert {row[0] for row in world.db.rows("SELECT queue FROM queues")} == queues
    assert {row[0] for row in world.db.rows("SELECT DISTINCT queue FROM deliveries")} == queues
    world.expect(node.chain, (1, LAST), rules=rules)


def test_virtual_operations_are_delivered_too(world):
    rules = [{"operation": "producer_reward", "queue": "rewards"}]
    world.node(irreversible=LAST)
    world.run("--once", filter=rules, reader={"virtual_operations": True})
    assert world.db.value("SELECT COUNT(*) FROM deliveries WHERE virtual_op = 0") == 0
    assert world.db.value(OPEN) == world.db.value("SELECT COUNT(*) FROM blockchain") > 0


def test_replayed_holes_deliver_what_never_was(world):
    node = world.node(irreversible=LAST)
    world.run("--once", filter=EVERYTHING)
    before = world.db.rows("SELECT * FROM delivered ORDER BY delivery_id")
    finish(world)
    world.forget_blocks(*range(50, 60), *range(100, 120, 3))
    world.forget_blocks(200, 201, operations=False)
    # These two were never read: all of them is gone.
    world.forget_blocks(210, 211)
    for table in "delivered", "deliveries_open", "deliveries_ended":
        world.db.execute(f"DELETE FROM {table} WHERE block IN (210, 211)")
    node.advance(10)
    world.run("--once", filter=EVERYTHING)
    after = world.db.rows("SELECT * FROM delivered WHERE block <= %s ORDER BY delivery_id", LAST)
    assert after == before
    world.expect(node.chain, (1, LAST + 10), rules=EVERYTHING)


def test_readers_together_and_killed(world):
    node = world.node(irreversible=600)
    node.fault("delay", method="get_block", seconds=0.02)
    for step in range(1, 5):
        readers = [world.start(name=f"r{which}", filter=RULES, fetch={"batch_size": 5},
                               write={"batch_rows": 50}) for which in range(3)]
        world.db.wait_blocks(step * 100)
        for reader in readers:
            reader.kill()
        finish(world, 3)
        world.expire_claims()
    node.heal()
    world.run("--once", filter=RULES, name="last")
    world.expect(node.chain, (1, 600), rules=RULES)


def test_history_wakes_bots_only_on_demand(world):
    node = world.node(irreversible=LAST)
    settings = {"filter": EVERYTHING, "reader": {"start_block": 250}}
    world.run("--once", **settings)
    live = world.db.value(OPEN)
    world.run("--backfill", "100-260", **settings)
    assert world.db.value(OPEN) == live
    world.audit(node.chain, (100, LAST), rules=EVERYTHING, undelivered=[(100, 249)])
    world.run("--backfill", "150-200", "--deliver", **settings)
    world.audit(node.chain, (100, LAST), rules=EVERYTHING, undelivered=[(100, 149), (201, 249)])
    asked = node.count["get_block"]
    world.run("--backfill", "150-200", "--deliver", **settings)
    assert node.count["get_block"] - asked <= 5
    # A part of it is stored, another not yet.
    shown = world.run("--backfill", "50-120", "--deliver", "--dry-run", **settings).stdout
    assert "would read again blocks 100-120 (21)\n" in shown
    assert "71 blocks would be fetched" in shown
    world.run("--backfill", "50-120", "--deliver", **settings)
    world.expect(node.chain, (50, LAST), rules=EVERYTHING, undelivered=[(121, 149), (201, 249)])


def test_history_for_a_queue_that_comes_later(world):
    """Blocks stored before its rule was there: --deliver alone says that it leaves them alone."""
    node = world.node(irreversible=60)
    world.run("--once", filter=[{"name": "all"}, ASK])
    late = [{"name": "all"}, ASK, {"operation": "transfer", "queue": "late"}]
    world.run("--activate-filter", filter=late)
    alone = world.run("--backfill", "1-60", "--deliver", filter=late)
    assert "--refilter" in alone.wait_for("deliver_scope").message
    assert world.db.value("SELECT COUNT(*) FROM delivered WHERE queue = 'late'") == 0
    both = world.run("--backfill", "1-60", "--deliver", "--refilter", filter=late)
    assert not both.events("deliver_scope")
    assert world.db.value("SELECT COUNT(*) FROM delivered WHERE queue = 'late'") > 0
    world.expect(node.chain, (1, 60), rules=late)


def test_an_interrupted_delivery_of_history_is_run_again(world):
    node = world.node(irreversible=LAST)
    settings = {"filter": EVERYTHING, "reader": {"start_block": 250}}
    world.run("--once", **settings)
    hang = node.fault("hang", block=range(180, 190))
    first = world.start("--backfill", "101-190", "--deliver", name="first",
                        fetch={"batch_size": 10, "connections": 1, "timeout_ms": 30000},
                        **settings)
    node.wait_for(lambda: hang.count)
    world.db.wait_blocks(51 + 40)
    first.signal(signal.SIGTERM)
    assert first.wait_exit() == 75
    hang.clear()
    # A running reader completes the range: it is history to it.
    daemon = world.start(name="daemon", **settings)
    world.db.wait_blocks(51 + 90)
    daemon.stop()
    world.run("--backfill", "101-190", "--deliver", **settings)
    world.expect(node.chain, (101, 190), (250, LAST), rules=EVERYTHING)


def test_deliver_needs_a_queue_and_a_backfill(world):
    world.node(irreversible=LAST)
    refused = world.run("--backfill", "1-5", "--deliver", code=64)
    assert "no rule of the filter" in refused.stderr
    assert "--backfill" in world.run("--once", "--deliver", code=64).stderr


def test_a_lower_start_makes_history_wanted_and_delivered(world):
    """Also by a reader that runs already and knows only the old open range."""
    node = world.node(irreversible=LAST)
    running = world.start(name="old", filter=EVERYTHING, reader={"start_block": 250})
    running.wait_for("tail_started")
    world.run("--once", name="new", filter=EVERYTHING, reader={"start_block": 100})
    world.db.wait_blocks(LAST - 99)
    world.expect(node.chain, (100, LAST), rules=EVERYTHING)


def test_refilter_delivers_to_a_new_queue(world):
    node = world.node(irreversible=LAST)
    world.run("--once", filter=[ASK])
    finish(world)
    refused = world.run("--once", filter=EVERYTHING, code=78)
    world.allow_errors(*(line.event for line in refused.events()))
    world.run("--activate-filter", filter=EVERYTHING)
    assert world.db.value("SELECT COUNT(*) FROM queues") == 2
    world.run("--backfill", "1-200", "--refilter", filter=EVERYTHING)
    world.expect(node.chain, (1, LAST), rules_at=lambda n: EVERYTHING if n <= 200 else [ASK])


def test_what_is_read_too_late_wakes_nobody(world):
    late, soon = 100, 200
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
    # Block 150 is an hour old.
    genesis = now - datetime.timedelta(seconds=3600 + 3 * 150)
    node = world.node(SyntheticChain(genesis=genesis), irreversible=soon)
    world.run("--once", filter=EVERYTHING, queue={"max_age_s": 3600})
    blocks = world.db.rows("SELECT state, MIN(block), MAX(block) FROM deliveries GROUP BY state")
    states = {state: (first, last) for state, first, last in blocks}
    assert set(states) == {"failed", "ready"}
    assert states["failed"][0] < late < states["failed"][1] <= states["ready"][0]
    assert "max_age_s" in world.db.value("SELECT last_error FROM deliveries_ended LIMIT 1")
    world.db.execute("CALL queue_requeue((SELECT MIN(delivery_id) FROM deliveries_ended))")
    assert world.db.value("SELECT COUNT(*) FROM deliveries_open WHERE block < %s", late) == 1
    world.expect(node.chain, (1, soon), rules=EVERYTHING)


def test_an_orphan_is_cancelled_and_its_block_delivered(world):
    settings = {"filter": EVERYTHING, "reader": HASTY}
    node = world.node(irreversible=32, head=39)
    world.start(**settings)
    world.db.wait_blocks(39)
    claimed = world.db.rows("CALL queue_claim('all', 'bot', 1000, 600)")
    orphans = {row[0] for row in claimed if row[5] >= 34}
    assert orphans
    node.chain = SyntheticChain(fork=(34, "b"))
    node.irreversible = 39
    world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 1",
                        lambda count: count >= 39)
    marked = {row[0] for row in world.db.rows(
        "SELECT delivery_id FROM deliveries WHERE is_orphaned = 1 AND queue = 'all'")}
    assert marked == orphans
    # Those not yet claimed are nobody's any more, the new block's are.
    fresh = world.db.rows("CALL queue_claim('ask', 'bot', 1000, 600)")
    assert not world.db.value("SELECT COUNT(*) FROM deliveries WHERE queue = 'ask' AND"
                              " state = 'ready'")
    assert all(row[5] <= 39 for row in fresh)
    world.expect(node.chain, (1, 39), rules=EVERYTHING, forks=(SyntheticChain(),))


@pytest.mark.parametrize("rule, words", [
    ({"queue": "Ask"}, "lower-case"),
    ({"queue": "a" * 33}, "32"),
    ({"queue": ""}, "queue"),
])
def test_a_bad_name_is_a_mistake(world, rule, words):
    refused = world.run("--check-config", filter=[dict(rule, operation="comment")], code=78)
    assert words in refused.stderr


def test_at_most_64_queues(world):
    rules = [{"operation": "vote", "queue": f"q{number}"} for number in range(65)]
    assert "64 queues" in world.run("--check-config", filter=rules, code=78).stderr
    world.run("--check-config", filter=rules[:64])


def test_a_rule_for_all_that_is_stored_beside_queues(world):
    rules = [{"name": "all"}, ASK]
    node = world.node(irreversible=100)
    world.run("--once", filter=rules)
    world.expect(node.chain, (1, 100), rules=rules)


def test_a_bot_that_holds_its_queue_holds_up_no_start(world):
    """It has called queue_pause() in a transaction, and stands still."""
    node = world.node(irreversible=20)
    world.run("--once", filter=[ASK])
    with world.connect() as frozen, frozen.cursor() as cursor:
        frozen.begin()
        cursor.execute("CALL queue_pause('ask')")
        node.advance(10)
        world.run("--once", filter=[ASK])
    world.expect(node.chain, (1, 30), rules=[ASK])


STALE = {"queue_done": ("x",), "queue_fail": ("x", "e"), "queue_retry": ("x", None, "e"),
         "queue_release": ("x", "e"), "queue_renew": ("x", 30),
         "reply": ("x", "answer-bot", None, "a body", None), "queue_requeue": ()}


@pytest.mark.parametrize("procedure", STALE)
@pytest.mark.parametrize("max_age_s", [0, 1], ids=["open", "late"])
def test_a_bot_that_was_refused_and_stands_still_holds_up_no_reader(world, procedure, max_age_s):
    """Under REPEATABLE READ its search has locked the place where readers insert: not for long."""
    node = world.node(irreversible=40)
    settings = {"filter": EVERYTHING, "queue": {"max_age_s": max_age_s}}
    world.run("--once", **settings)
    frozen = Bot(world.connect, session=("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                                         "SET autocommit = 0"))
    newest = world.db.value("SELECT MAX(delivery_id) FROM delivered")
    frozen.query("INSERT INTO comments (author, permlink, parent_author, parent_permlink, body,"
                 " json_metadata, created_at) VALUES ('bot', 'p', '', 'x', 'b', '{}', NOW())")
    number = number_of(frozen.call, procedure, newest + 10 ** 12, *STALE[procedure])
    assert number == (MISSING if procedure == "queue_requeue" else LOST)
    node.advance(10)
    world.run("--once", **settings)
    # What it had written is gone with its transaction, and cannot be committed any more.
    frozen.query("COMMIT")
    assert world.db.value("SELECT COUNT(*) FROM comments") == 0
    frozen.connection.close()
    world.expect(node.chain, (1, 50), rules=EVERYTHING)
