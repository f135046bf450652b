"""Retention: --purge, queue.keep_days, and what must survive them."""

import contextlib
import re
import signal
import threading

import pytest

from harness.chain import SyntheticChain
from harness.world import HASTY

LAST = 300
RULES = [{"queue": "all"}, {"operation": "comment", "queue": "ask"}]
OPERATIONS = "SELECT COUNT(*) FROM blockchain"
BELOW = OPERATIONS + " WHERE block < %s"
OPEN_BELOW = "SELECT COUNT(*) FROM deliveries_open WHERE block < %s"
NEEDED = """SELECT DISTINCT block, trx_in_block, op_in_trx, virtual_op FROM deliveries_open
            UNION SELECT block, trx_in_block, op_in_trx, virtual_op FROM deliveries_ended"""
# Deliveries that wait for an operation that is not there.
STRANDED = """SELECT COUNT(*) FROM deliveries_open w LEFT JOIN blockchain o ON o.block = w.block
              AND o.trx_in_block = w.trx_in_block AND o.op_in_trx = w.op_in_trx
              AND o.virtual_op = w.virtual_op WHERE o.block IS NULL"""


def finish(world, where="1", days=0, state="done"):
    """As if bots had ended these deliveries, so many days ago."""
    world.db.execute(
        "INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx,"
        " virtual_op, block_crc, state, attempts, created_at, finished_at)"
        " SELECT delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op, block_crc, %s,"
        " 1, created_at, UTC_TIMESTAMP(6) - INTERVAL %s DAY FROM deliveries_open"
        f" WHERE {where}", state, days)
    world.db.execute("DELETE o FROM deliveries_open o JOIN deliveries_ended e USING (delivery_id)")


def needed(world):
    return {tuple(row) for row in world.db.rows(NEEDED)}


def purged(world, before):
    """For the audit: what a purge has removed."""
    stays = needed(world)
    return {"purged": True, "gone": lambda key: key[0] < before and key not in stays}


def verify(world, *more, code=0, ranges=f"1-{LAST}", **options):
    return world.run("--verify", ranges, *more, code=code, **options)


def whole(world, **options):
    """Verified in every way, and no gap."""
    for more in ((), ("--offline",), ("--deep",)):
        assert "0 partial" in verify(world, *more, **options).stdout
    assert "nothing is missing" in world.run("--gaps", "--check", **options).stdout


# ---- --purge

def test_operations_go_and_blocks_stay(world):
    node = world.node(irreversible=LAST)
    world.run("--once")
    dry = world.run("--purge", "101", "--dry-run").stdout
    below = world.db.value(BELOW, 101)
    assert f"would remove {below} operations" in dry and world.db.value(BELOW, 101) == below > 0
    assert world.db.value("SELECT COUNT(*) FROM purges") == 0
    done = world.run("--purge", "101").stdout
    assert re.fullmatch(rf"removed {below} operations, 0 orphans and 0 deliveries of blocks below"
                        r" 101", done)
    assert world.db.value(BELOW, 101) == 0
    assert world.db.rows("SELECT before_block, finished_at IS NULL FROM purges") == ((101, 0),)
    whole(world)
    assert world.run("--purge", "101").stdout.startswith("removed 0 operations")
    world.expect(node.chain, (1, LAST), **purged(world, 101))


def test_what_a_delivery_needs_stays(world):
    """Open ones stay with their operations; those that have ended go."""
    node = world.node(irreversible=LAST)
    world.run("--once", filter=RULES)
    finish(world, "MOD(block, 3) <> 0 OR queue = 'ask'")
    waiting = world.db.rows("SELECT * FROM deliveries_open ORDER BY delivery_id")
    ended = world.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE block < 250")
    stays = world.db.value("SELECT COUNT(*) FROM deliveries_open WHERE block < 250")
    gone = world.db.value(BELOW, 250) - stays
    facts = world.db.rows("SELECT * FROM delivered")
    dry = world.run("--purge", "250", "--dry-run", filter=RULES).stdout
    assert f"would remove {gone} operations, 0 orphans and {ended} deliveries" in dry
    done = world.run("--purge", "250", filter=RULES).stdout
    assert f"removed {gone} operations, 0 orphans and {ended} deliveries" in done
    assert world.db.rows("SELECT * FROM deliveries_open ORDER BY delivery_id") == waiting
    assert world.db.value(BELOW, 250) == stays > 100 and world.db.value(STRANDED) == 0
    assert world.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE block < 250") == 0
    assert world.db.rows("SELECT * FROM delivered") == facts
    whole(world, filter=RULES)
    world.expect(node.chain, (1, LAST), rules=RULES, **purged(world, 250))


def test_one_operation_of_a_big_block_stays(world):
    """A block with more operations than one statement removes; one of them is waited for."""
    extra = {50: [("custom_json", '{"required_auths":[],"required_posting_auths":["bob"],'
                                  f'"id":"x","json":"{number}"}}') for number in range(4500)]}
    node = world.node(SyntheticChain(extra=extra), irreversible=60)
    world.run("--once", filter=RULES)
    finish(world, "NOT (block = 50 AND op_in_trx IN (5, 2400, 4499) AND trx_in_block = 1)")
    world.run("--purge", "60", filter=RULES)
    assert world.db.value(BELOW, 60) == world.db.value(OPEN_BELOW, 60) == 3
    world.expect(node.chain, (1, 60), rules=RULES, **purged(world, 60))


def test_orphans_go_too(world):
    before = SyntheticChain(fork=(34, "b"))
    node = world.node(before, irreversible=32, head=39)
    reader = world.start(reader=HASTY)
    world.db.wait_blocks(39)
    node.chain = SyntheticChain()
    node.irreversible = 39
    world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 1",
                        lambda count: count == 39)
    reader.stop()
    count = world.db.value("SELECT COUNT(*) FROM orphans WHERE block < 36")
    assert 0 < count < world.db.value("SELECT COUNT(*) FROM orphans")
    done = world.run("--purge", "36").stdout
    assert f" operations, {count} orphans" in done
    assert world.db.value("SELECT COUNT(*) FROM orphans WHERE block < 36") == 0
    assert world.db.value("SELECT COUNT(*) FROM orphans") > 0
    world.expect(node.chain, (1, 39), forks=[before], **purged(world, 36))


def test_what_is_refused(world):
    node = world.node(irreversible=LAST)
    world.run("--once")
    for block in (LAST + 1, 4000000000):
        refused = world.run("--purge", str(block), code=64)
        assert f"the newest irreversible block of the database is {LAST}" in refused.stderr
    for text in ("5-9", "0", "x", "-1", "4294967296", ""):
        world.run("--purge", text, code=64)
    world.run("--purge", "5", "--json", code=64)
    assert world.db.value("SELECT COUNT(*) FROM purges") == 0
    world.run("--purge", str(LAST))
    world.expect(node.chain, (1, LAST), **purged(world, LAST))


def test_refiltering_brings_operations_back(world):
    """Under the same rules too; nothing is delivered twice, and the other blocks are not asked for."""
    node = world.node(irreversible=LAST)
    world.run("--once", filter=RULES)
    finish(world)
    facts = world.db.rows("SELECT * FROM delivered")
    world.run("--purge", "200", filter=RULES)
    assert world.db.value(BELOW, 200) == 0
    asked = node.count["get_block"]
    world.run("--backfill", "50-250", "--refilter", filter=RULES)
    assert node.count["get_block"] - asked < 160
    world.audit(node.chain, (1, LAST), rules=RULES, purged=True, gone=lambda key: key[0] < 50)
    whole(world, filter=RULES)
    asked = node.count["get_block"]
    world.run("--backfill", "50-250", "--refilter", filter=RULES)
    assert node.count["get_block"] - asked <= 5
    other = [*RULES, {"operation": "vote"}]
    world.run("--activate-filter", filter=other)
    world.run("--backfill", "1-49", "--refilter", filter=other)
    assert world.db.rows("SELECT * FROM delivered") == facts
    assert world.db.value("SELECT COUNT(*) FROM deliveries_open") == 0
    world.expect(node.chain, (50, LAST), allow_missing=[(1, 49)],
                 rules_at=lambda n: other if n < 50 else RULES, purged=True)


def test_what_is_torn_below_a_purge_is_read_again(world):
    node = world.node(irreversible=LAST)
    world.run("--once")
    world.run("--purge", "200")
    world.forget_blocks(100, 101)
    world.run("--once")
    world.expect(node.chain, (1, LAST), purged=True,
                 gone=lambda key: key[0] < 200 and key[0] not in (100, 101))


def test_verify_still_finds_what_is_wrong(world):
    """Below a purge what is there must be right; above it nothing may be missing."""
    world.node(irreversible=LAST)
    world.run("--once")
    world.db.execute("UPDATE blockchain SET payload = 'x' WHERE block = 100 LIMIT 1")
    world.run("--purge", "100")
    world.db.execute("INSERT INTO blockchain VALUES (50, 77, 0, 0, NULL, '2020-01-01', 'vote',"
                     " NULL, '{}')")
    world.db.execute("DELETE FROM blockchain WHERE block = 201 LIMIT 1")
    found = verify(world, "--deep", code=65).stdout
    assert re.search(r"altered +50 ", found) and re.search(r"altered +100 ", found)
    assert re.search(r"partial +201 ", found)
    assert "2 altered" in found and "1 partial" in found


def test_interrupted_and_run_again(world):
    """A lock on an old row holds it up; it ends with 75, and the rest is removed later."""
    node = world.node(irreversible=LAST)
    world.run("--once")
    with contextlib.closing(world.connect()) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM blockchain WHERE block = 298 FOR UPDATE")
        purge = world.start("--purge", "299", "--log-level", "debug")
        world.db.wait_until(BELOW, lambda left: left < 400, args=(298,))
        purge.signal(signal.SIGTERM)
        assert purge.wait_exit(30) == 75
    assert world.db.value("SELECT finished_at IS NULL FROM purges") == 1
    whole(world)
    world.run("--purge", "299")
    assert world.db.value(BELOW, 299) == 0
    assert world.db.value("SELECT finished_at IS NULL FROM purges") == 0
    world.expect(node.chain, (1, LAST), **purged(world, 299))


def test_killed_and_run_again(world):
    node = world.node(irreversible=LAST)
    world.run("--once", filter=RULES)
    finish(world, "queue = 'ask' OR MOD(block, 2) = 0")
    everything = world.db.value(OPERATIONS)
    for step in range(1, 4):
        purge = world.start("--purge", str(LAST), filter=RULES)
        world.db.wait_until(OPERATIONS, lambda left, most=everything - 150 * step: left <= most)
        purge.kill()
        assert world.db.value(STRANDED) == 0
        whole(world, filter=RULES)
    world.run("--purge", str(LAST), filter=RULES)
    world.expect(node.chain, (1, LAST), rules=RULES, **purged(world, LAST))


# ---- workers and readers meanwhile

class Workers:
    """Bots on one queue: each takes deliveries, reads their payload, and ends or requeues them."""

    def __init__(self, world, count=3):
        self.world, self.stopping, self.errors, self.ended = world, threading.Event(), [], 0
        self.threads = [threading.Thread(target=self._work, args=(number,), daemon=True)
                        for number in range(count)]
        for thread in self.threads:
            thread.start()

    def _work(self, number):
        try:
            with contextlib.closing(self.world.connect()) as connection, \
                    connection.cursor() as cursor:
                while not self.stopping.is_set():
                    self._turn(number, cursor)
        except Exception as error:  # pylint: disable=broad-except
            self.errors.append(repr(error))

    def _turn(self, number, cursor):
        cursor.execute("CALL queue_claim('ask', %s, 5, 60)", (f"bot{number}",))
        rows = cursor.fetchall()
        for row in rows:
            if not row[13]:
                self.errors.append(f"{row} has no payload")
            cursor.execute("CALL queue_done(%s, %s)", (row[0], row[1]))
            self.ended += 1
            if row[0] % 3 == number % 3:
                with contextlib.suppress(Exception):  # the purge was first
                    cursor.execute("CALL queue_requeue(%s)", (row[0],))
        if not rows:
            self.stopping.wait(0.02)

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(20)
        assert not self.errors, self.errors[:3]


def test_beside_workers_and_a_tailing_reader(world):
    """Each delivery has its operation at every moment; nobody waits long for anybody."""
    last = 900
    node = world.node(irreversible=last)
    reader = world.start(filter=RULES)
    reader.wait_for("tail_started", timeout=40)
    world.db.wait_blocks(last)
    finish(world, "queue = 'all' AND MOD(block, 5) <> 0")
    workers = Workers(world)
    node.live(0.1)
    for before in (200, 500, 880):
        world.run("--purge", str(before), filter=RULES, timeout=60)
        assert world.db.value(STRANDED) == 0
        world.db.wait_block(node.irreversible, timeout=5)
    workers.stop()
    node.still()
    world.db.wait_block(node.irreversible)
    assert workers.ended > 300 and world.db.value(STRANDED) == 0
    assert not reader.events("commit_retry")
    stays = needed(world)
    verify(world, "--offline", ranges=f"1-{node.irreversible}", filter=RULES)
    verify(world, "--deep", ranges=f"1-{node.irreversible}", filter=RULES)
    assert world.db.value(BELOW, 880) <= len([key for key in stays if key[0] < 880])
    for key in stays:
        assert world.db.value("SELECT COUNT(*) FROM blockchain WHERE block = %s AND trx_in_block ="
                              " %s AND op_in_trx = %s AND virtual_op = %s", *key) == 1


def test_a_requeue_that_meets_a_purge(world):
    """Whoever is first: no delivery is left without its operation."""
    node = world.node(irreversible=LAST)
    world.run("--once", filter=RULES)
    finish(world)
    one = world.db.value("SELECT MIN(delivery_id) FROM deliveries_ended WHERE queue = 'ask'")
    with contextlib.closing(world.connect()) as bot, bot.cursor() as cursor:
        cursor.execute("SET autocommit = 0")
        cursor.execute("CALL queue_requeue(%s)", (one,))
        world.run("--purge", "250", filter=RULES)
        bot.commit()
    assert world.db.value(OPEN_BELOW, 250) == 1 and world.db.value(STRANDED) == 0
    assert world.db.value(BELOW, 250) == 1
    world.expect(node.chain, (1, LAST), rules=RULES, **purged(world, 250))


# ---- queue.keep_days

@pytest.mark.timeout_s(180)
def test_deliveries_go_after_their_days(world):
    """With their operations, where no other delivery needs them; all else stays."""
    node = world.node(irreversible=LAST)
    settings = {"filter": RULES, "queue": {"keep_days": 7}}
    world.run("--once", **settings)
    finish(world, "queue = 'all' AND block < 150", days=8)
    finish(world, "queue = 'all' AND block >= 150", days=6)
    finish(world, "queue = 'ask' AND block < 50", days=8, state="failed")
    finish(world, "queue = 'ask' AND block BETWEEN 50 AND 99", days=6)
    facts = world.db.rows("SELECT * FROM delivered")
    waiting = world.db.value("SELECT COUNT(*) FROM deliveries_open")
    reader = world.start(**settings)
    reader.wait_for("tail_started")
    world.db.wait_until("SELECT COUNT(*) FROM deliveries_ended WHERE finished_at <"
                        " UTC_TIMESTAMP(6) - INTERVAL 7 DAY", lambda count: count == 0, 60)
    assert re.search(r"(\d+) deliveries that ended more than 7 days ago",
                     reader.wait_for("deliveries_removed").message)
    assert world.db.value("SELECT COUNT(*) FROM deliveries_ended") > 0
    assert world.db.value("SELECT COUNT(*) FROM deliveries_open") == waiting > 0
    assert world.db.rows("SELECT * FROM delivered") == facts
    stays = needed(world)
    assert {key for key in stays if key[0] < 150} and world.db.value(BELOW, 150) > 0
    whole(world, **settings)
    node.advance(5)
    world.db.wait_block(LAST + 5)
    world.expect(node.chain, (1, LAST + 5), rules=RULES, purged=True,
                 gone=lambda key: key[0] < 150 and key not in stays)


def test_what_was_stored_without_a_queue_stays(world):
    """keep_days is about what was delivered; history and other rules' operations stay."""
    rules = [{"operation": "vote"}, {"operation": "comment", "queue": "ask"}]
    node = world.node(irreversible=LAST)
    settings = {"filter": rules, "queue": {"keep_days": 1}, "reader": {"start_block": 100}}
    world.run("--once", **settings)
    world.run("--backfill", "50-99", **settings)
    finish(world, days=3)
    world.start(**settings).wait_for("deliveries_removed")
    delivered = {tuple(row) for row in world.db.rows(
        "SELECT block, trx_in_block, op_in_trx, virtual_op FROM delivered")}
    assert delivered
    world.expect(node.chain, (50, LAST), rules=rules, undelivered=[(50, 99)], purged=True,
                 gone=lambda key: key in delivered)


def test_an_orphaned_delivery_takes_no_operation_of_the_chain_with_it(world):
    """Its place is that of another block's operation now."""
    before = SyntheticChain(fork=(34, "b"))
    node = world.node(before, irreversible=32, head=39)
    settings = {"filter": RULES, "queue": {"keep_days": 1}}
    reader = world.start(reader=HASTY, **settings)
    world.db.wait_blocks(39)
    node.chain = SyntheticChain()
    node.irreversible = 39
    world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 1",
                        lambda count: count == 39)
    count = world.db.value("SELECT COUNT(*) FROM deliveries WHERE is_orphaned = 1")
    finish(world, "delivery_id IN (SELECT delivery_id FROM deliveries WHERE is_orphaned = 1)",
           days=3, state="orphaned")
    assert world.db.value("SELECT COUNT(*) FROM deliveries_ended") == count > 0
    world.db.wait_until("SELECT COUNT(*) FROM deliveries_ended", lambda left: left == 0, 60)
    assert " 0 operations with them" in reader.wait_for("deliveries_removed").message
    world.expect(node.chain, (1, 39), rules=RULES, forks=[before], purged=True)


@pytest.mark.timeout_s(240)  # removing takes a fifth of the time, so a slow machine is slow five times
def test_many_at_once_while_the_tail_goes_on(world):
    """Thousands go in small commits; blocks and heartbeats are not held up. Two readers are at it,
    at different queues of one operation: both must not leave it to the other."""
    last = 400
    rules = [{"queue": f"q{number}"} for number in range(4)]
    node = world.node(irreversible=last)
    settings = {"filter": rules, "queue": {"keep_days": 1}}
    world.run("--once", **settings)
    finish(world, days=3)
    many = world.db.value("SELECT COUNT(*) FROM deliveries_ended")
    readers = [world.start(name=name, **settings) for name in ("one", "two")]
    for reader in readers:
        reader.wait_for("tail_started")
    node.live(0.1)
    while world.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE block <= %s", last) > 0:
        world.db.wait_block(node.irreversible, timeout=5)
    removed = [re.match(r"(\d+) deliveries .* (\d+) operations", line.message).groups()
               for reader in readers
               for line in [reader.wait_for("deliveries_removed", timeout=30)]]
    assert sum(int(count) for count, _ in removed) == many > 6000
    assert sum(int(count) for _, count in removed) == many // 4
    node.still()
    assert world.db.value("SELECT MIN(heartbeat_at) > UTC_TIMESTAMP(6) - INTERVAL 8 SECOND"
                          " FROM readers")
    world.db.wait_block(node.irreversible)
    world.expect(node.chain, (1, node.irreversible), rules=rules, purged=True,
                 gone=lambda key: key[0] <= last)


@pytest.mark.timeout_s(180)
def test_a_bot_that_holds_an_ended_delivery_keeps_it(world):
    """It is about to put it back: what it needs stays, and nothing waits for it."""
    node = world.node(irreversible=100)
    settings = {"filter": RULES, "queue": {"keep_days": 1}}
    world.run("--once", **settings)
    finish(world, days=3)
    one = world.db.value("SELECT MIN(delivery_id) FROM deliveries_ended WHERE queue = 'ask'")
    with contextlib.closing(world.connect()) as bot, bot.cursor() as cursor:
        cursor.execute("SET autocommit = 0")
        cursor.execute("CALL queue_requeue(%s)", (one,))
        reader = world.start(**settings)
        world.db.wait_until("SELECT COUNT(*) FROM deliveries_ended", lambda left: left == 1, 60)
        bot.commit()
    assert not reader.events("retention_failed") and not reader.events("commit_retry")
    assert world.db.rows("SELECT delivery_id FROM deliveries_open") == ((one,),)
    assert world.db.value(STRANDED) == 0 and world.db.value(OPERATIONS) == 1
    world.db.wait_until("SELECT COUNT(*) FROM deliveries_ended", lambda left: left == 0)
    stays = needed(world)
    world.expect(node.chain, (1, 100), rules=RULES, purged=True,
                 gone=lambda key: key not in stays)
