"""--rewind: what a node claimed or gave above the truth is taken back, and the chain is read again."""

import contextlib
import re
import signal

import pytest

from harness import operations
from harness.chain import TOPMOST, SyntheticChain
from harness.deliveries import LOST, Bot, ids, look_from_the_beginning, number_of, state

GOOD, LAST = 100, 150  # up to GOOD the stored rows are the chain's
RULES = [{"queue": "all"}, {"operation": "comment", "queue": "ask"}]
SAID = re.compile(r"took back (\d+) blocks, (\d+) operations, (\d+) open deliveries and (\d+)"
                  r" confirmed comments and actions above block (\d+)(?:; (\d+) was recorded as irreversible)?")
ABOVE = "SELECT COUNT(*) FROM {} WHERE block > %s"
HELD_UP = ("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND time >= 1"
           " AND command IN ('Query', 'Execute') AND id <> CONNECTION_ID()")
TABLES = ("blocks", "blockchain", "orphans", "ranges", "known_gaps", "gap_claims", "readers",
          "bookkeeping", "delivered", "deliveries_open", "deliveries_ended", "comments",
          "comments_seen", "purges")


def everything(world):
    """All tables, but for who reads and what changed how often."""
    return {name: sorted(map(repr, world.db.rows(f"SELECT * FROM {name}"))) for name in TABLES}


def rewind(world, block=GOOD, *more, code=0, **options):
    """Run it; the numbers that it says."""
    done = world.run("--rewind", str(block), *more, code=code, **options)
    if code:
        return done
    return [int(number or 0) for number in SAID.fullmatch(done.stdout.strip()).groups()]


def poisoned(world, wrong=None, rules=RULES):
    """A node that is right up to GOOD and then on a branch of its own; its blocks are stored."""
    wrong = wrong or SyntheticChain(fork=(GOOD + 1, "wrong"))
    liar = world.node(wrong, irreversible=GOOD)
    world.run("--once", filter=rules)
    liar.irreversible = LAST
    world.run("--once", filter=rules)
    assert world.db.value(ABOVE.format("blocks"), GOOD) == LAST - GOOD
    return liar, wrong


def heal(world, liar, true, last=LAST, rules=RULES, **sections):
    """From now on the node is honest; a normal start reads all again."""
    liar.chain, liar.irreversible = true, last
    reader = world.start(filter=rules, **sections)
    reader.wait_for("tail_started")
    world.db.wait_until("SELECT MAX(block) FROM blocks", lambda found: found == last)
    world.db.wait_until("SELECT COUNT(*) FROM gaps", lambda found: found == 0)
    liar.advance(5)
    world.db.wait_block(last + 5)
    reader.stop()
    return last + 5


def sane(world, block=GOOD):
    """What the tables say after a rewind."""
    for name in "blocks", "blockchain", "deliveries_open", "comments_seen":
        assert world.db.value(ABOVE.format(name), block) == 0, name
    assert world.db.value("SELECT COALESCE(MAX(GREATEST(irreversible_block, head_block,"
                          " last_block)), 0) FROM readers") <= block
    assert world.db.value("SELECT irreversible_block FROM bookkeeping") <= block
    assert world.db.value("SELECT COUNT(*) FROM known_gaps WHERE last_block > %s", block) == 0
    assert world.db.value("SELECT COUNT(*) FROM gap_claims WHERE first_block > %s", block) == 0
    assert world.db.value("SELECT COUNT(*) FROM ranges WHERE last_block > %s", block) == 0
    first, scanned_to = world.db.rows(
        "SELECT first_block, scanned_to FROM ranges WHERE is_open = 1")[0]
    assert first <= block + 1 and scanned_to <= block
    assert world.db.value("SELECT COUNT(*) FROM gaps WHERE last_block > %s", block) == 0
    assert world.db.value("SELECT COALESCE(MAX(irreversible_block), 0) FROM reader_status") <= block


@contextlib.contextmanager
def bot_of(world, name="bot"):
    bot = Bot(lambda: world.server.connect(world.database), name)
    yield bot
    bot.close()


def test_a_branch_of_its_own_with_queues(world):
    """False deliveries are open, held and done; the true ones come once, the false ones are over."""
    true = SyntheticChain()
    liar, wrong = poisoned(world, rules=RULES[1:])
    with bot_of(world) as bot:
        rows = bot.claim("ask", 1000, 600)
        false = [row for row in rows if row["block"] > GOOD]
        honest = [row for row in rows if row["block"] <= GOOD]
        assert len(false) > 6 and len(honest) > 2
        bot.done(false[0])
        bot.fail(false[1])
        bot.release(false[2])
        bot.done(honest[0])
        before = world.db.value("SELECT COUNT(*) FROM blockchain WHERE block > %s", GOOD)
        blocks, moved, cancelled, _, block, irreversible = rewind(world)
        assert (blocks, moved, block, irreversible) == (LAST - GOOD, before, GOOD, LAST)
        assert cancelled == len(false) - 2
        sane(world)
        assert world.db.value("SELECT COUNT(*) FROM orphans") == before
        # What had ended is kept, the others are over; who holds one cannot end it.
        states = [state(world.db, row["delivery_id"]) for row in false]
        assert states == ["done", "failed"] + ["orphaned"] * (len(false) - 2)
        assert number_of(bot.done, false[3]) == LOST
        look_from_the_beginning(world.db)
        assert not bot.claim("ask", 1000)
        bot.done(honest[1])
        # Run again, it finds nothing.
        assert rewind(world) == [0, 0, 0, 0, GOOD, 0]
        last = heal(world, liar, true, rules=RULES[1:])
        look_from_the_beginning(world.db)
        fresh = bot.claim("ask", 1000)
        due = world.db.value("SELECT COUNT(*) FROM blockchain WHERE block > %s", GOOD)
        assert len(fresh) == due > 6 and not {*ids(fresh)} & {*ids(rows)}
        assert all(row["block"] > GOOD for row in fresh)
    world.expect(true, (1, last), forks=[wrong], rules=RULES[1:])


def test_true_blocks_that_go_too_are_delivered_again_if_nobody_did_them(world):
    """BLOCK is lower than it had to be: the same blocks come back under the same ids."""
    true = SyntheticChain()
    node = world.node(true, irreversible=LAST)
    world.run("--once", filter=RULES)
    with bot_of(world) as bot:
        done = [row for row in bot.claim("ask", 1000, 600) if row["block"] > GOOD]
        for row in done[::2]:
            bot.done(row)
        places = {tuple(row[name] for name in ("block", "trx_in_block", "op_in_trx"))
                  for row in done[1::2]}
        waiting = world.db.value("SELECT COUNT(*) FROM deliveries_open WHERE queue = 'all'")
        assert rewind(world)[2] > len(places) > 3
        last = heal(world, node, true)
        look_from_the_beginning(world.db)
        again = [row for row in bot.claim("ask", 1000) if row["block"] <= LAST]
        assert {tuple(row[name] for name in ("block", "trx_in_block", "op_in_trx"))
                for row in again} == places and len(again) == len(places)
        assert not {*ids(again)} & {*ids(done)}
        for row in again:
            bot.done(row)
        assert world.db.value("SELECT COUNT(*) FROM deliveries_open WHERE queue = 'all' AND"
                              " block <= %s", LAST) == waiting
    # The rows that came back stand in orphans as well, as of any block that was gone for a while.
    world.db.execute("DELETE FROM orphans")
    world.expect(true, (1, last), rules=RULES)


def test_the_last_number_that_there_is(world):
    """A sole node claims block 4294967295 at a first start, and has blocks up there."""
    true = SyntheticChain()
    liar = world.node(SyntheticChain(fork=(GOOD + 1, "wrong")), irreversible=GOOD)
    first = TOPMOST + 60
    liar.head = liar.irreversible = first
    liar.fault("null", method="get_block", block=range(GOOD + 1, TOPMOST))
    reader = world.start(filter=RULES, reader={"start_block": 0},
                         replay={"before_tail": 1})
    world.db.wait_block(first)
    liar.head = liar.irreversible = 4294967295
    world.db.wait_block(4294967290)
    reader.kill()
    # As a reader that believed the claim would have left it.
    world.db.execute("UPDATE readers SET irreversible_block = 4294967295, head_block = 4294967295")
    world.db.execute("UPDATE bookkeeping SET irreversible_block = 4294967295")
    world.db.execute("INSERT INTO known_gaps (first_block, last_block, found_at) VALUES"
                     " (4294967295, 4294967295, NOW()) ON DUPLICATE KEY UPDATE last_block ="
                     " last_block")
    world.db.execute("INSERT INTO purges VALUES (4294967295, NOW(), NOW())")
    world.db.execute("DELETE FROM gap_claims")
    liar.heal()
    liar.chain, liar.irreversible, liar.head = true, GOOD, GOOD + 17
    said = rewind(world)
    assert said[0] > 20 and said[5] == 4294967295
    sane(world)
    assert world.db.rows("SELECT before_block FROM purges") == ((GOOD + 1,),)
    last = heal(world, liar, true, reader={"start_block": 0})
    assert world.db.value("SELECT COUNT(*) FROM deliveries WHERE block > %s AND state <> 'orphaned'",
                          last) == 0
    world.db.execute("DELETE FROM orphans")  # numbers that the true chain has no block for
    world.expect(true, (GOOD + 1, last), rules=RULES)


def outbox(world, *rows):
    for permlink, fields in rows:
        world.db.execute("INSERT INTO comments (author, permlink, parent_author, parent_permlink,"
                         " body, json_metadata, created_at) VALUES ('bot', %s, 'b', 'b', 'b', '{}',"
                         " UTC_TIMESTAMP(6))", permlink)
        for name, value in fields.items():
            world.db.execute(f"UPDATE comments SET {name} = %s WHERE permlink = %s", value, permlink)


def test_the_outbox_sends_nothing_twice(world):
    """Sent comments that only the false blocks held, and that the true chain holds elsewhere."""
    def of(permlink):
        return operations.made("comment", author="bot", permlink=permlink)
    true = SyntheticChain(extra={50: [of("early")], 140: [of("sent")], 145: [of("unsent")]})
    wrong = SyntheticChain(fork=(GOOD + 1, "wrong"), below=true, extra={
        120: [of("sent")], 121: [of("unsent")], 122: [of("never")], 123: [of("seen")]})
    liar = world.node(wrong, irreversible=GOOD)
    trx = "ab" * 20
    sent = {"state": "sent", "trx_id": trx, "sent_at": "2016-03-24 16:06:00",
            "not_before": "2016-03-24 16:07:00", "attempts": 1}
    outbox(world, ("early", sent), ("sent", sent), ("unsent", {}), ("never", sent), ("seen", sent))
    world.run("--once", filter=RULES)
    liar.irreversible = LAST
    reader = world.start(filter=RULES)
    world.db.wait_until("SELECT COUNT(*) FROM comments WHERE state = 'confirmed'",
                        lambda count: count == 5)
    reader.stop()
    # One was seen, and not applied yet.
    world.db.execute("UPDATE comments SET state = 'sent', block = NULL WHERE permlink = 'seen'")
    world.db.execute("INSERT INTO comments_seen VALUES ('bot', 'seen', 123, %s, NOW())", trx)
    assert rewind(world)[3] == 3
    sane(world)
    found = {row[0]: row[1:] for row in world.db.rows(
        "SELECT permlink, state, block, confirmed_at IS NULL, error FROM comments")}
    assert found["early"][:3] == ("confirmed", 50, 0)
    for permlink in "sent", "unsent", "never":
        assert found[permlink][:3] == ("sent", None, 1)
        assert "was taken back" in found[permlink][3]
    assert found["seen"][:2] == ("sent", None)
    with bot_of(world) as bot:
        bot.call("outbox_expire", "bot")
        assert world.db.value("SELECT COUNT(*) FROM comments WHERE state = 'pending'") == 0
        last = heal(world, liar, true)
        world.db.wait_until("SELECT COUNT(*) FROM comments WHERE state = 'confirmed'",
                            lambda count: count == 3)
        # By the chain's time the moment of the rewind has come, too.
        world.db.execute("UPDATE comments SET not_before = '2016-03-24 16:00:00'")
        bot.call("outbox_expire", "bot")
    assert dict(world.db.rows("SELECT permlink, state FROM comments")) == {
        "early": "confirmed", "sent": "confirmed", "unsent": "confirmed", "never": "pending",
        "seen": "pending"}
    assert world.db.value("SELECT block FROM comments WHERE permlink = 'sent'") == 140
    world.expect(true, (1, last), forks=[wrong], rules=RULES)


@pytest.mark.parametrize("table", ["readers", "deliveries_open", "blocks", "comments"])
def test_killed_at_any_moment_and_run_again(world, table):
    """A lock on a row of this table holds it up; there it is killed."""
    true = SyntheticChain()
    extra = {GOOD + 20: [operations.made("comment", author="bot", permlink="a")]}
    wrong = SyntheticChain(fork=(GOOD + 1, "wrong"), extra=extra)
    outbox(world, ("a", {}))
    liar, _ = poisoned(world, wrong)
    world.db.execute("UPDATE comments SET state = 'confirmed', block = %s", GOOD + 20)
    with contextlib.closing(world.connect()) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        if table == "readers":
            cursor.execute("UPDATE bookkeeping SET changes = changes + 1")
        else:
            cursor.execute(f"SELECT * FROM {table} WHERE block > %s ORDER BY 1 LIMIT 1 FOR UPDATE",
                           (GOOD,))
        first = world.start("--rewind", str(GOOD))
        world.db.wait_until(HELD_UP)
        first.signal(signal.SIGKILL)
        first.wait_exit()
        other.rollback()
    assert world.db.value(ABOVE.format("blocks"), GOOD) == (0 if table == "comments" else 50)
    rewind(world)
    sane(world)
    assert world.db.value("SELECT state FROM comments") == "sent"
    assert world.db.value("SELECT COUNT(DISTINCT block) FROM orphans") > 30
    last = heal(world, liar, true)
    world.expect(true, (1, last), forks=[wrong], rules=RULES)


def test_interrupted_it_says_so(world):
    liar, wrong = poisoned(world)
    with contextlib.closing(world.connect()) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM blocks WHERE block = %s FOR UPDATE", (GOOD + 1,))
        first = world.start("--rewind", str(GOOD))
        world.db.wait_until(HELD_UP)
        first.signal(signal.SIGTERM)
        assert first.wait_exit() == 75
        other.rollback()
    assert "run the same command again" in first.wait_for("interrupted").message
    rewind(world)
    last = heal(world, liar, SyntheticChain())
    world.expect(liar.chain, (1, last), forks=[wrong], rules=RULES)


def test_many_steps_from_the_top(world):
    """Killed again and again; each time the rows below are whole, and the view `gaps` shows no hole."""
    wrong = SyntheticChain(fork=(GOOD + 1, "wrong"), plain=True)
    liar = world.node(wrong, irreversible=1300)
    world.run("--once", filter=RULES)
    before = world.db.value("SELECT COUNT(*) FROM blocks")
    # What is held up is one small step: those above it are committed.
    with contextlib.closing(world.connect()) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM blocks WHERE block = 900 FOR UPDATE")
        killed = world.start("--rewind", str(GOOD))
        world.db.wait_until(HELD_UP)
        killed.kill()
        other.rollback()
    assert 900 <= world.db.value("SELECT MAX(block) FROM blocks") < 900 + 200
    for _ in range(2):
        there = world.db.value("SELECT COUNT(*) FROM blocks")
        killed = world.start("--rewind", str(GOOD))
        world.db.wait_until("SELECT COUNT(*) FROM blocks",
                            lambda found, n=there: found < n or found == GOOD)
        killed.kill()
        left, top, operations_left, orphans = world.db.rows(
            "SELECT (SELECT COUNT(*) FROM blocks), (SELECT MAX(block) FROM blocks),"
            " (SELECT COUNT(*) FROM blockchain), (SELECT COUNT(*) FROM orphans)")[0]
        assert GOOD <= left == top == operations_left <= before and orphans == before - left
        assert world.db.value("SELECT COUNT(*) FROM gaps") == 0
    rewind(world)
    sane(world)
    assert world.db.value("SELECT COUNT(*) FROM orphans") == 1200
    assert world.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE state = 'orphaned'") == 1200
    liar.chain = SyntheticChain(plain=True)
    world.run("--once", filter=RULES)
    world.expect(liar.chain, (1, 1300), forks=[wrong], rules=RULES)


def test_a_living_reader_is_named_and_nothing_is_done(world):
    liar, wrong = poisoned(world)
    world.allow_errors("failed")
    reader = world.start(name="one", filter=RULES)
    reader.wait_for("tail_started")
    refused = rewind(world, code=64)
    assert "reader one is alive: stop it first" in refused.wait_for("failed").message
    assert world.db.value(ABOVE.format("blocks"), GOOD) == LAST - GOOD
    # A dry run only counts.
    assert "would take back 50 blocks" in world.run("--rewind", str(GOOD), "--dry-run").stdout
    reader.stop()
    rewind(world)
    last = heal(world, liar, SyntheticChain())
    world.expect(liar.chain, (1, last), forks=[wrong], rules=RULES)


def test_a_reader_that_starts_meanwhile_stops_it(world):
    liar, wrong = poisoned(world)
    world.allow_errors("failed")
    with contextlib.closing(world.connect()) as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM blocks WHERE block = %s FOR UPDATE", (GOOD + 1,))
        first = world.start("--rewind", str(GOOD))
        world.db.wait_until(HELD_UP)
        world.db.execute("INSERT INTO readers (name, session, state, version, started_at,"
                         " heartbeat_at) VALUES ('late', 'x', 'starting', 'x', NOW(), NOW())")
        other.rollback()
    assert first.wait_exit() == 64
    assert "reader late is alive" in first.wait_for("failed").message
    world.db.execute("DELETE FROM readers WHERE name = 'late'")
    rewind(world)
    last = heal(world, liar, SyntheticChain())
    world.expect(liar.chain, (1, last), forks=[wrong], rules=RULES)


@pytest.mark.slow
def test_a_frozen_reader_ends_when_it_goes_on(world):
    liar, wrong = poisoned(world)
    frozen = world.start(name="frozen", filter=RULES)
    frozen.wait_for("tail_started")
    frozen.freeze()
    rewound = world.start("--rewind", str(GOOD))
    assert rewound.wait_exit(40) == 0
    assert "frozen" in rewound.wait_for("watching").message
    frozen.thaw()
    assert frozen.wait_exit(40) == 69
    assert "--rewind took the row" in frozen.wait_for("ended").message
    last = heal(world, liar, SyntheticChain())
    world.expect(liar.chain, (1, last), forks=[wrong], rules=RULES)


def test_a_dry_run_writes_nothing(world):
    poisoned(world)
    before = everything(world)
    said = world.run("--rewind", str(GOOD), "--dry-run").stdout.strip()
    assert everything(world) == before
    assert said.startswith("would take back 50 blocks, ") and said.endswith(
        f"above block {GOOD}; {LAST} was recorded as irreversible; nothing was written")
    counts = [int(number) for number in re.findall(r"\d+", said)]
    assert rewind(world) == counts


def test_ranges_are_cut(world):
    """Closed ones end at the block; the open one begins right behind it, unless it began before."""
    world.node(irreversible=300)
    world.run("--once", filter=RULES, reader={"start_block": 280})
    world.run("--backfill", "10-20,50-90,100-110", filter=RULES, reader={"start_block": 280})
    rewind(world, 60)
    assert world.db.rows("SELECT first_block, last_block, scanned_to FROM ranges ORDER BY 1") == (
        (10, 20, None), (50, 60, None), (61, None, 60))
    world.run("--once", filter=RULES, reader={"start_block": 280})
    world.db.execute("DELETE FROM orphans")
    world.expect(world.nodes[0].chain, (10, 20), (50, 300), rules=RULES,
                 undelivered=[(10, 20), (50, 60)])


def test_a_reader_s_account_may_not(world):
    """It fails before anything is changed, and says which account can."""
    poisoned(world)
    world.allow_errors("failed")
    user = f"{world.database}_r"
    world.server.execute(f"CREATE USER {user}@localhost",
                         f"GRANT SELECT, INSERT, UPDATE ON {world.database}.* TO {user}@localhost")
    before = everything(world)
    refused = rewind(world, code=77, database={"user": user})
    assert "--user NAME" in refused.wait_for("failed").message
    assert everything(world) == before
    done = world.run("--rewind", str(GOOD), "--user", "root", database={"user": user})
    assert SAID.fullmatch(done.stdout.strip())
    sane(world)
