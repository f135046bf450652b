"""The confirmer: a comment of the outbox that is read from the chain is confirmed there."""

import contextlib
import time

from harness import operations
from harness.chain import SyntheticChain
from harness.world import HASTY

BOT = "answer-bot"
INSERT = ("INSERT INTO comments (author, permlink, parent_author, parent_permlink, body,"
          " json_metadata, state, error, created_at)"
          " VALUES (%s, %s, 'alice', 'question', 'canned', '{}', %s, %s, UTC_TIMESTAMP(6))")
CONFIRMED = "SELECT COUNT(*) FROM comments WHERE state = 'confirmed'"
SEEN = "SELECT COUNT(*) FROM comments_seen"
# Comments whose block is stored, and of which nothing says so; and the other way round.
LOST = """SELECT COUNT(*) FROM comments c JOIN blocks b ON c.permlink = CONCAT('re-', b.block)
          LEFT JOIN comments_seen s ON s.author = c.author AND s.permlink = c.permlink
          WHERE c.state <> 'confirmed' AND s.block IS NULL AND b.is_irreversible = 1"""
UNTRUE = """SELECT COUNT(*) FROM comments c LEFT JOIN blocks b ON b.block = c.block
            WHERE ((c.state = 'confirmed') <> (b.block IS NOT NULL AND b.is_irreversible = 1)
            OR c.permlink <> CONCAT('re-', c.block))"""


def comment(permlink, author=BOT, body="canned", **more):
    """One operation of a chain."""
    return ("comment", operations.emit({
        "parent_author": "alice", "parent_permlink": "question", "author": author,
        "permlink": permlink, "title": "", "body": body, "json_metadata": "{}", **more}))


def answers(*numbers):
    """A chain where each of these blocks has the answer of its number."""
    return SyntheticChain(extra={number: [comment(f"re-{number}")] for number in numbers})


def put(world, permlink, author=BOT, state="pending", error=None):
    world.db.execute(INSERT, author, permlink, state, error)


def place(chain, number, permlink):
    """Block and trx id of a comment, as the chain has them."""
    found = [op for op in chain.block(number).operations if f'"{permlink}"' in op.payload]
    assert len(found) == 1
    return number, found[0].trx_id


def wait_confirmed(world, count, timeout=20):
    world.db.wait_until(CONFIRMED, lambda n: n == count, timeout)
    world.db.wait_until(SEEN, lambda n: n == 0)


def tail(world, chain, irreversible=20, **options):
    """A node, and a reader that follows it."""
    node = world.node(chain, irreversible=irreversible)
    reader = world.start(**options)
    reader.wait_for("tail_started")
    world.db.wait_blocks(irreversible)
    return node, reader


def test_it_has_block_and_trx_id_of_the_chain(world):
    chain = answers(22, 25)
    node, reader = tail(world, chain)
    for permlink, state in (("re-22", "pending"), ("re-25", "sent"), ("re-99", "pending")):
        put(world, permlink, state=state)
    put(world, "re-22", author="other-bot")
    node.advance(6)
    wait_confirmed(world, 2)
    rows = world.db.rows("SELECT permlink, state, block, trx_id, confirmed_at IS NULL"
                         " FROM comments WHERE author = %s ORDER BY permlink", BOT)
    assert rows == (("re-22", "confirmed", *place(chain, 22, "re-22"), 0),
                    ("re-25", "confirmed", *place(chain, 25, "re-25"), 0),
                    ("re-99", "pending", None, None, 1))
    assert world.db.value("SELECT state FROM comments WHERE author = 'other-bot'") == "pending"
    reader.wait_for("comments_confirmed")
    world.db.wait_blocks(26)
    world.expect(chain, (1, 26))


def test_many_authors(world):
    """Far more bots than a commit looks up one by one; names next to each other."""
    names = sorted(f"bot{number:02d}" for number in range(75)) + ["bot0", "bot", "zz"]
    extra = {20 + number: [comment(f"re-{20 + number}", author=name)]
             for number, name in enumerate(names, 1)}
    node, _ = tail(world, SyntheticChain(extra=extra))
    for number, name in enumerate(names, 1):
        put(world, f"re-{20 + number}", author=name)
        put(world, "another", author=name)
    node.advance(len(names) + 2)
    wait_confirmed(world, len(names))
    assert world.db.value(UNTRUE + " AND c.permlink <> 'another'") == 0
    world.db.wait_blocks(22 + len(names))
    world.expect(node.chain, (1, 22 + len(names)))


def test_what_the_filter_drops_is_confirmed_too(world):
    rules = [{"operation": "transfer"}]
    node, _ = tail(world, answers(22), filter=rules)
    put(world, "re-22")
    node.advance(4)
    wait_confirmed(world, 1)
    assert world.db.value("SELECT COUNT(*) FROM blockchain WHERE operation = 'comment'") == 0
    world.db.wait_blocks(24)
    world.expect(node.chain, (1, 24), rules=rules)


def test_one_that_was_given_up_is_confirmed_all_the_same(world):
    """It was broadcast, the answer was lost, and the sender took it for failed."""
    node, _ = tail(world, answers(22))
    put(world, "re-22", state="failed", error="no node took it")
    node.advance(4)
    wait_confirmed(world, 1)
    assert world.db.value("SELECT error FROM comments") is None
    world.db.wait_blocks(24)
    world.expect(node.chain, (1, 24))


def test_the_first_block_counts(world):
    """An edit has the same name; also where both are read before either is confirmed."""
    chain = SyntheticChain(extra={number: [comment("re-22", body=f"canned {number}")]
                                  for number in (22, 24, 30)})
    node, _ = tail(world, chain)
    put(world, "re-22")
    node.advance(15)
    wait_confirmed(world, 1)
    assert world.db.rows("SELECT block, trx_id FROM comments") == (place(chain, 22, "re-22"),)
    world.db.wait_blocks(35)
    world.expect(chain, (1, 35))


def test_names_that_need_care(world):
    """Escapes in the payload, a permlink beyond ASCII, one that is no string, one too long."""
    odd = {21: "größe-%27", 22: 'quote"back\\slash', 23: "x" * 256}
    extra = {number: [comment(permlink)] for number, permlink in odd.items()}
    extra[24] = [("comment", operations.emit({"author": BOT, "permlink": 5})),
                 ("comment", operations.emit({"author": BOT})),
                 ("comment", operations.emit({"author": BOT, "permlink": "y" * 3000})),
                 ("delete_comment", operations.emit({"author": BOT, "permlink": "z"}))]
    node, _ = tail(world, SyntheticChain(extra=extra))
    for permlink in (*odd.values(), "5", "", "z"):
        put(world, permlink)
    node.advance(10)
    wait_confirmed(world, len(odd))
    rows = world.db.rows("SELECT block, permlink FROM comments WHERE state = 'confirmed'")
    assert dict(rows) == odd
    world.db.wait_blocks(30)
    world.expect(node.chain, (1, 30))


def test_a_bot_that_holds_the_row_holds_up_nobody(world):
    chain = answers(22, 26)
    node, reader = tail(world, chain)
    put(world, "re-22")
    put(world, "re-26")
    with contextlib.closing(world.connect()) as bot, bot.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("UPDATE comments SET attempts = attempts + 1"
                       " WHERE author = %s AND permlink = 're-22'", (BOT,))
        node.live(0.05)
        for number in range(22, 62, 4):
            world.db.wait_block(number)
        node.still()
        world.db.wait_until(CONFIRMED, lambda n: n == 1)  # the other one is not held up either
        assert world.db.value(SEEN) == 1
        assert world.db.value("SELECT state FROM comments WHERE permlink = 're-22'") == "pending"
        bot.commit()
    wait_confirmed(world, 2)
    assert world.db.rows("SELECT attempts, block, trx_id FROM comments"
                         " WHERE permlink = 're-22'") == ((1, *place(chain, 22, "re-22")),)
    assert not reader.events("commit_retry") and not reader.events("confirm_failed")
    world.db.wait_blocks(node.irreversible)
    world.expect(chain, (1, node.irreversible))


def test_a_bot_that_adds_to_the_outbox_holds_up_nobody(world):
    """An open transaction with a row for the very comment that is read."""
    node, reader = tail(world, answers(22))
    put(world, "re-99")
    with contextlib.closing(world.connect()) as bot, bot.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(INSERT, (BOT, "re-22", "pending", None))
        node.advance(10)
        world.db.wait_block(30)
        bot.rollback()
    assert not reader.events("commit_retry")
    world.expect(node.chain, (1, 30))


def test_a_broadcaster_that_stands_still_holds_up_nobody(world):
    """outbox_expire looks for comments that readers saw, where readers insert: it must lock nothing."""
    node, reader = tail(world, answers(22))
    put(world, "re-22", state="sent")
    put(world, "re-23", state="sent")
    world.db.execute("UPDATE comments SET not_before = '2000-01-01'")
    with contextlib.closing(world.connect()) as bot, bot.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("BEGIN")
        cursor.execute("CALL outbox_expire(%s)", (BOT,))
        cursor.execute("SELECT COUNT(*) FROM comments WHERE state = 'pending'")
        assert cursor.fetchall() == ((2,),)
        node.advance(10)
        world.db.wait_block(30)
        assert world.db.value(SEEN) == 1
        bot.rollback()
    wait_confirmed(world, 1)
    assert not reader.events("commit_retry")
    world.expect(node.chain, (1, 30))


def test_killed_between_the_block_and_the_confirmation(world):
    """A row that a bot holds keeps the confirmation from coming; the reader dies meanwhile."""
    chain = answers(22)
    node, reader = tail(world, chain)
    put(world, "re-22")
    with contextlib.closing(world.connect()) as bot, bot.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM comments FOR UPDATE")
        node.advance(5)
        world.db.wait_until(SEEN, lambda n: n == 1)
        reader.kill()
    assert world.db.value(CONFIRMED) == 0
    world.start(name="another")
    wait_confirmed(world, 1)
    assert world.db.rows("SELECT block, trx_id FROM comments") == (place(chain, 22, "re-22"),)
    world.db.wait_blocks(25)
    world.expect(chain, (1, 25))


def test_killed_many_times(world):
    """At every moment each comment of a stored block is confirmed, or noted."""
    last = 500
    chain = answers(*range(1, last + 1))
    node = world.node(chain, irreversible=last)
    node.fault("delay", method="get_block", seconds=0.02)
    for number in range(1, last + 1):
        put(world, f"re-{number}")
    for step in range(1, 6):
        reader = world.start(fetch={"batch_size": 5, "connections": 4}, write={"batch_rows": 50})
        world.db.wait_blocks(step * 60)
        reader.kill()
        assert world.db.value(LOST) == 0
    node.heal()
    world.start()
    wait_confirmed(world, last)
    assert world.db.value(UNTRUE) == 0
    world.expect(chain, (1, last))


def test_two_readers(world):
    """Both read all, each confirms what it sees; nothing is confirmed wrongly, or twice."""
    last = 220
    chain = answers(*range(20, last))
    node = world.node(chain, irreversible=20)
    for number in range(20, last):
        put(world, f"re-{number}")
    readers = [world.start(name=name) for name in ("one", "two")]
    for reader in readers:
        reader.wait_for("tail_started")
    node.live(0.02)
    world.db.wait_block(last - 1, timeout=40)
    node.still()
    wait_confirmed(world, last - 20)
    assert world.db.value(UNTRUE) == 0
    world.db.wait_blocks(node.irreversible)
    world.expect(chain, (1, node.irreversible))


def test_a_comment_at_the_head_is_not_confirmed(world):
    """Only when its block is irreversible; what a fork takes back is not."""
    before = SyntheticChain(fork=(34, "b"), extra={35: [comment("re-35")], 36: [comment("re-0")]})
    after = SyntheticChain(extra={35: [comment("re-35")]})
    node = world.node(before, irreversible=32, head=39)
    put(world, "re-35")
    put(world, "re-0")
    world.start(reader=HASTY)
    world.db.wait_blocks(39)
    assert world.db.value(SEEN) == 0 and world.db.value(CONFIRMED) == 0
    node.chain = after
    node.irreversible = 37
    wait_confirmed(world, 1)
    assert world.db.rows("SELECT permlink, block, trx_id FROM comments WHERE state = 'confirmed'") \
        == (("re-35", *place(after, 35, "re-35")),)
    world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 1",
                        lambda count: count == 37)
    world.expect(after, (1, 37), forks=[before], reversible=[(38, 39)])


def test_a_reversible_row_that_is_confirmed(world):
    """The block stands there already, with its comment; no operation is written again."""
    chain = SyntheticChain(extra={35: [comment("re-35")]})
    node = world.node(chain, irreversible=32, head=39)
    put(world, "re-35")
    world.start(reader=HASTY)
    world.db.wait_blocks(39)
    node.irreversible = 36
    wait_confirmed(world, 1)
    world.expect(chain, (1, 36), reversible=[(37, 39)])


def test_commands_confirm_what_they_read(world):
    """Also without a daemon: before --once or --backfill ends."""
    chain = answers(5, 25)
    node = world.node(chain, irreversible=20)
    put(world, "re-5")
    put(world, "re-25")
    world.run("--once", reader={"start_block": 10})
    assert world.db.value(CONFIRMED) == 0
    node.advance(10)
    world.run("--once", reader={"start_block": 10})
    assert world.db.value(CONFIRMED) == 1 and world.db.value(SEEN) == 0
    world.run("--backfill", "1-9", reader={"start_block": 10})
    assert world.db.value(CONFIRMED) == 2 and world.db.value(SEEN) == 0
    world.expect(chain, (1, 30))


def test_what_was_read_before_it_stood_in_the_outbox(world):
    """A row that came too late: --backfill --refilter reads the block again."""
    chain = answers(12)
    world.node(chain, irreversible=20)
    world.run("--once")
    put(world, "re-12")
    world.run("--activate-filter", filter=[{"operation": "vote"}])
    world.run("--backfill", "12", "--refilter", filter=[{"operation": "vote"}])
    assert world.db.value(CONFIRMED) == 1
    world.expect(chain, (1, 20), rules_at=lambda n: [{"operation": "vote"}] if n == 12 else None)


def test_a_long_list_with_locked_rows_in_it(world):
    """More than one step of the task; a row that is held, and one that is gone."""
    last = 260
    chain = answers(*range(1, last + 1))
    world.node(chain, irreversible=last)
    for number in range(1, last + 1):
        put(world, f"re-{number}")
    world.db.execute("INSERT INTO comments_seen VALUES ('aaa', 'gone', 1, NULL, UTC_TIMESTAMP(6))")
    with contextlib.closing(world.connect()) as bot, bot.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM comments WHERE author = %s"
                       " AND permlink IN ('re-100', 're-2') FOR UPDATE", (BOT,))
        world.start()
        world.db.wait_blocks(last)
        world.db.wait_until(CONFIRMED, lambda n: n == last - 2)
        world.db.wait_until(SEEN, lambda n: n == 2)
        heartbeat = world.db.value("SELECT heartbeat_at FROM readers")
        world.db.wait_until("SELECT heartbeat_at FROM readers", lambda at: at > heartbeat, 12)
    began = time.monotonic()
    wait_confirmed(world, last)
    assert time.monotonic() - began < 12
    world.expect(chain, (1, last))
