"""The order of deliveries, those that no bot is to have, replies, views, rights, sessions."""

import datetime
import json
import re

import pymysql
import pytest

from harness import servers
from harness.chain import TOP
from harness.deliveries import (LOST, REFUSED, Bot, block_id, comment, deliver, end_leases,
                                make_queue, number_of, open_delivery, store_block,
                                store_operation)


def blocks(rows):
    return [row["block"] for row in rows]


def state(world, block):
    return world.db.value("SELECT state FROM deliveries WHERE block = %s", block)


@pytest.fixture
def chain(queue):
    """The ten blocks are all there are, and wanted: the first gap would begin with block 11."""
    make_queue(queue.db, order_by="chain")
    queue.db.execute("INSERT INTO ranges (first_block, last_block, scanned_to) VALUES (1, NULL, 0)")
    return queue


@pytest.fixture
def accounts(queue):
    """Of alice's operations, in blocks 1, 2 and 4; bob's in 3; 5 and 6 of nobody."""
    make_queue(queue.db, order_by="account")
    queue.db.execute("DELETE FROM deliveries_open WHERE block > 6")
    queue.db.execute("UPDATE deliveries_open SET account = 'bob' WHERE block = 3")
    queue.db.execute("UPDATE deliveries_open SET account = NULL WHERE block IN (5, 6)")
    return queue


# ---- one at a time of an account

def test_the_oldest_of_each_account_first(accounts):
    bot, other = accounts.bot("bot"), accounts.bot("other")
    first, bobs, *nobodys = bot.claim(limit=100)
    assert blocks([first, bobs, *nobodys]) == [1, 3, 5, 6]
    assert other.claim(limit=100) == []
    bot.done(bobs)
    assert other.claim(limit=100) == []
    bot.done(first)
    second, = other.claim(limit=100)
    assert second["block"] == 2
    other.retry(second, 100)
    assert bot.claim(limit=100) == [], "it waits, and is unfinished"
    other_again = accounts.db.rows("SELECT delivery_id FROM deliveries_open WHERE block = 2")
    accounts.db.execute("UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6)"
                        " WHERE delivery_id = %s", other_again[0][0])
    second, = bot.claim(limit=100)
    bot.fail(second)
    assert blocks(bot.claim(limit=100)) == [4]


def test_something_older_comes_while_one_is_held(accounts):
    """By a replay, or put back: an account has one at work all the same."""
    bot = accounts.bot()
    accounts.db.execute("DELETE FROM deliveries_open WHERE block IN (3, 5, 6)")
    accounts.db.execute("UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6) + INTERVAL"
                        " 1 HOUR WHERE block = 4")
    one, = bot.claim()
    bot.done(one)
    two, = bot.claim()
    bot.call("queue_requeue", one["delivery_id"])
    assert bot.claim(limit=100) == []
    bot.done(two)
    assert blocks(bot.claim(limit=100)) == [1]


def test_a_frozen_bot_with_one_account(accounts):
    frozen, quick = accounts.bot("frozen"), accounts.bot("quick")
    quick.query("SET innodb_lock_wait_timeout = 1")
    row = frozen.claim()[0]
    end_leases(accounts.db)
    frozen.query("START TRANSACTION")
    frozen.done(row)
    for expected in (3, 5, 6):
        assert blocks(quick.claim()) == [expected]
    assert quick.claim() == []


# ---- in the order of the chain

def test_one_at_a_time_in_the_order_of_the_chain(chain):
    bot, other = chain.bot("bot"), chain.bot("other")
    for block in range(1, 4):
        row, = bot.claim(limit=100)
        assert row["block"] == block
        assert other.claim(limit=100) == []
        bot.done(row)
    row, = bot.claim()
    bot.retry(row, 100)
    assert other.claim() == []


def test_nothing_above_the_first_gap(chain):
    chain.forget_blocks(3)
    bot, seen = chain.bot(), []
    while rows := bot.claim():
        seen += blocks(rows)
        bot.done(rows[0])
    assert seen == [1, 2]
    # the hole is filled, with a delivery that was never there
    chain.db.execute("DELETE FROM deliveries_open WHERE block = 3")
    chain.db.execute("DELETE FROM delivered WHERE block = 3")
    deliver(chain.db, 3)
    while rows := bot.claim():
        seen += blocks(rows)
        bot.done(rows[0])
    assert seen == list(range(1, 11))


def test_a_gap_far_below_holds_up_the_chain(chain):
    chain.db.execute("DELETE FROM ranges")
    chain.db.execute("INSERT INTO ranges (first_block, last_block, scanned_to) VALUES (1, NULL, 10)")
    chain.db.execute("INSERT INTO known_gaps (first_block, last_block, found_at) VALUES"
                     " (1, 1, UTC_TIMESTAMP(6))")
    bot = chain.bot()
    assert bot.claim() == []
    chain.db.execute("DELETE FROM known_gaps")
    assert blocks(bot.claim()) == [1]


def test_put_back_while_a_later_one_is_held(chain):
    bot = chain.bot()
    one, = bot.claim()
    bot.done(one)
    two, = bot.claim()
    bot.call("queue_requeue", one["delivery_id"])
    assert bot.claim() == [], "two at once"
    bot.done(two)
    assert blocks(bot.claim()) == [1]


def test_in_the_order_of_the_chain_a_torn_one_is_waited_for(chain):
    chain.db.execute("DELETE FROM blockchain WHERE block = 1")
    bot = chain.bot()
    assert bot.claim() == [] and bot.claim() == []
    assert chain.db.value("SELECT attempts FROM deliveries_open WHERE block = 1") == 0
    store_operation(chain.db, 1)
    chain.db.execute("UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6)")
    assert blocks(bot.claim()) == [1]


# ---- those that no bot is to have

@pytest.mark.parametrize("order_by", ["arrival", "account", "chain"])
def test_another_block_took_its_number(queue, order_by):
    make_queue(queue.db, order_by=order_by)
    queue.db.execute("UPDATE blocks SET block_id = %s WHERE block = 1", block_id(1, fork=7))
    assert state(queue, 1) == "orphaned"
    # the same place is delivered anew, for the block that is there now
    anew = open_delivery(queue.db, 1, fork=7)
    row, = queue.bot().claim()
    assert queue.db.rows("SELECT state, is_orphaned, attempts, last_error FROM deliveries"
                         " WHERE delivery_id = %s", queue.ids[0]) == (("orphaned", 1, 0, None),)
    if order_by != "arrival":
        assert row["delivery_id"] == anew
    if order_by == "arrival":
        assert row["delivery_id"] in (anew, queue.ids[1])


def test_orphaned_while_it_is_claimed(queue):
    """It is marked; the bot that has it may end it."""
    bot = queue.bot()
    row, = bot.claim()
    queue.db.execute("UPDATE blocks SET block_id = %s WHERE block = 1", block_id(1, fork=7))
    assert queue.db.rows("SELECT state, is_orphaned FROM deliveries WHERE block = 1") \
        == (("claimed", 1),)
    assert number_of(bot.reply, row) == REFUSED
    bot.done(row)
    assert queue.db.rows("SELECT state, is_orphaned FROM deliveries WHERE block = 1") \
        == (("done", 1),)


@pytest.mark.parametrize("order_by", ["arrival", "account"])
@pytest.mark.parametrize("torn", ["blocks", "blockchain"])
def test_a_torn_one_is_not_handed_out_until_it_is_back(queue, order_by, torn):
    make_queue(queue.db, order_by=order_by)
    if order_by == "account":
        queue.db.execute("UPDATE deliveries_open SET account = CONCAT('a', block)")
    queue.db.execute(f"DELETE FROM {torn} WHERE block <= 3")
    bot = queue.bot()
    assert blocks(bot.claim()) == [4]
    assert sorted(blocks(bot.claim(limit=100))) == [5, 6, 7, 8, 9, 10]
    assert bot.claim() == []
    assert queue.db.rows("SELECT block, attempts, token FROM deliveries_open WHERE block <= 3"
                         " ORDER BY block") == ((1, 0, None), (2, 0, None), (3, 0, None))
    for block in (1, 2, 3):
        if torn == "blocks":
            store_block(queue.db, block)
        else:
            store_operation(queue.db, block)
    queue.db.execute("UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6) WHERE block <= 3")
    assert blocks(bot.claim(limit=100)) == [1, 2, 3]


# ---- replies

TEXTS = ["because", "\u00e4\u4e16\u754c \U0001f600\U0001f468\u200d\U0001f469", "a\nb\r\n\t'\"\\ %s",
         "x" * 60000]


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_reply(queue, text):
    bot = queue.bot()
    row, = bot.claim()
    bot.query("START TRANSACTION")
    bot.reply(row, text, title=text[:200], metadata=json.dumps({"app": text[:50]}))
    bot.done(row)
    bot.query("COMMIT")
    made = Bot(queue.connect).query("SELECT * FROM comments")[0]
    assert made.pop("comment_id") and made.pop("created_at")
    assert json.loads(made.pop("json_metadata")) == {"app": text[:50]}
    assert made == {"author": "the-bot", "permlink": f"re-ask-{1:036x}0000-0",
                    "parent_author": "alice", "parent_permlink": "a-post", "title": text[:200],
                    "body": text, "state": "pending", "attempts": 0, "not_before": None,
                    "error": None, "trx_id": None, "block": None,
                    "delivery_id": row["delivery_id"], "sent_at": None, "confirmed_at": None,
                    "options": None, "not_after": None, "priority": 0}


def test_who_answers_twice_enqueues_once(queue):
    bot = queue.bot()
    row, = bot.claim()
    bot.reply(row, "first")
    bot.reply(row, "second")
    end_leases(queue.db)
    again = [one for one in bot.claim(limit=100) if one["block"] == 1][0]
    bot.reply(again, "third")
    assert queue.db.rows("SELECT body FROM comments") == (("first",),)
    bot.reply(again, "as another", author="other-bot")
    assert queue.db.value("SELECT COUNT(*) FROM comments") == 2


@pytest.mark.parametrize("what", [
    dict(body=""), dict(body=None), dict(body="  "), dict(author="No-Name"), dict(author=""),
    dict(author=None), dict(author="ab"), dict(author="a" * 17), dict(title="x" * 257),
    dict(metadata="{")], ids=str)
def test_what_is_no_reply(queue, what):
    bot = queue.bot()
    row, = bot.claim()
    assert number_of(bot.reply, row, **what) == REFUSED
    assert queue.db.value("SELECT COUNT(*) FROM comments") == 0


def test_what_has_no_reply(queue):
    queue.db.execute("UPDATE blockchain SET operation = 'transfer' WHERE block = 1")
    queue.db.execute("UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR"
                     " WHERE block > 2")
    bot = queue.bot()
    transfer, gone = bot.claim(limit=2)
    queue.db.execute("DELETE FROM blockchain WHERE block = 2")
    assert number_of(bot.reply, transfer) == REFUSED
    assert number_of(bot.reply, gone) == REFUSED
    bot.done(gone)
    assert number_of(bot.reply, gone) == LOST


@pytest.mark.parametrize("payload", [
    comment("al-1.x23", "p" * 255), comment("alice", body="\\ud83d \\ud83d\\ude00 \\\\ud83d"),
    comment("alice", body="\u4e16\U0001f600")], ids=["long", "surrogates", "unicode"])
def test_parents_of_all_kinds(queue, payload):
    queue.db.execute("UPDATE blockchain SET payload = %s WHERE block = 1",
                     payload.replace("\\\\ud", "\\ud", 1))
    bot = queue.bot()
    row, = bot.claim()
    bot.reply(row)
    parent = json.loads(payload)
    assert queue.db.rows("SELECT parent_author, parent_permlink FROM comments") \
        == ((parent["author"], parent["permlink"]),)


# ---- views

def test_how_the_queues_are(queue):
    make_queue(queue.db, "empty", paused_at="2026-01-01")
    make_queue(queue.db, max_attempts=5)
    bot = queue.bot()
    rows = bot.claim(limit=5)
    bot.done(rows[0])
    bot.fail(rows[1])
    bot.retry(rows[2], 100)
    queue.db.execute("UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6) - INTERVAL 100"
                     " SECOND WHERE block = 10")
    shown = {row["queue"]: row for row in bot.query("SELECT * FROM queue_status")}
    age = shown["ask"].pop("oldest_age_s")
    assert 100 <= age < 160
    assert float(shown["ask"].pop("rate")) == pytest.approx(1 / 60, abs=1e-3)
    assert shown["ask"] == {"queue": "ask", "order_by": "arrival", "paused": 0, "ready": 5,
                            "waiting": 1, "claimed": 2, "failed": 1}
    assert shown["empty"] == {"queue": "empty", "order_by": "arrival", "paused": 1, "ready": 0,
                              "waiting": 0, "claimed": 0, "failed": 0, "oldest_age_s": None,
                              "rate": 0}
    end_leases(queue.db)
    assert bot.value("SELECT ready FROM queue_status WHERE queue = 'ask'") == 7
    states = bot.query("SELECT state, COUNT(*) AS n FROM deliveries GROUP BY state")
    assert {row["state"]: row["n"] for row in states} == {"ready": 8, "done": 1, "failed": 1}


def test_how_the_outbox_is(queue):
    bot = queue.bot()
    for row, final in zip(bot.claim(limit=6), ("pending", "pending", "sent", "confirmed", "failed", "held")):
        bot.reply(row)
        queue.db.execute("UPDATE comments SET state = %s, created_at = created_at - INTERVAL 50"
                         " SECOND WHERE delivery_id = %s", final, row["delivery_id"])
    shown, = bot.query("SELECT * FROM outbox_status")
    assert 50 <= shown.pop("oldest_age_s") < 110
    assert shown == {"author": "the-bot", "pending": 2, "sent": 1, "confirmed": 1, "failed": 1,
                     "held": 1}


# ---- rights and sessions

@pytest.fixture
def consumer(queue):
    """An account with the rights of a consumer in sql/grants.sql, and no others."""
    text = (TOP / "sql" / "grants.sql").read_text("utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    text = text.replace("USE steem", f"USE {queue.database}")
    text = re.sub(r"''steem_(\w+)''@''%''", rf"''{queue.database}_\1''@''localhost''", text)
    queue.server.execute(*filter(None, map(str.strip, text.split(";"))))
    name = f"{queue.database}_consumer"
    queue.server.execute(f"ALTER USER {name}@localhost IDENTIFIED BY '' ACCOUNT UNLOCK")
    return lambda **options: queue.bot(user=name, **options)


@pytest.mark.parametrize("order_by", ["arrival", "account", "chain"])
def test_a_consumer_can_do_all_of_it(queue, consumer, order_by):
    make_queue(queue.db, order_by=order_by)
    queue.db.execute("UPDATE deliveries_open SET attempts = 10 WHERE block = 1")
    queue.db.execute("UPDATE blocks SET block_id = %s WHERE block = 2", block_id(2, fork=7))
    bot = consumer()
    row, = bot.claim()
    assert row["block"] == 3
    bot.renew(row)
    bot.query("START TRANSACTION")
    bot.reply(row)
    bot.done(row)
    bot.query("COMMIT")
    operator = queue.bot("operator")  # root here; test_grants.py has the operator's rights
    operator.call("queue_requeue", row["delivery_id"])
    bot.fail(bot.claim()[0])
    bot.retry(bot.claim()[0], 0)
    bot.call("queue_release", bot.claim()[0]["delivery_id"],
             queue.db.value("SELECT MAX(token) FROM deliveries_open"), None)
    operator.call("queue_pause", "ask")
    operator.call("queue_resume", "ask")
    queue.db.wait_until("SELECT scanned_at < UTC_TIMESTAMP(6) - INTERVAL 1 SECOND FROM queues")
    bot.claim()
    assert queue.db.value("SELECT scanned_at > UTC_TIMESTAMP(6) - INTERVAL 1 SECOND FROM queues"), \
        "where claims begin to look did not move on"
    for view in ("queue_status", "outbox_status", "deliveries", "gaps", "reader_status"):
        bot.query(f"SELECT * FROM {view}")


@pytest.mark.parametrize("statement", [
    "DELETE FROM blocks", "UPDATE blockchain SET payload = ''", "DELETE FROM delivered",
    "INSERT INTO delivered VALUES (1, 1, 1, 1, 'ask', 1, 1)", "DELETE FROM queues",
    "INSERT INTO queues (queue, created_at) VALUES ('x', UTC_TIMESTAMP())",
    "DELETE FROM comments", "DROP PROCEDURE queue_claim", "DELETE FROM purges",
    "DELETE FROM comments_seen"])
def test_a_consumer_can_do_no_more(consumer, statement):
    with pytest.raises(pymysql.MySQLError, match="denied"):
        consumer().query(statement)


SESSIONS = {
    "modes": ("SET sql_mode = 'ONLY_FULL_GROUP_BY,ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,"
              "STRICT_ALL_TABLES,NO_ZERO_DATE,PAD_CHAR_TO_FULL_LENGTH,HIGH_NOT_PRECEDENCE'",),
    "no modes": ("SET sql_mode = ''",),
    "time zone": ("SET time_zone = '-11:00'",),
    "collation": ("SET collation_connection = utf8mb4_unicode_ci",),
    "switches": ("SET optimizer_switch = 'derived_merge=off,semijoin=off,materialization=off'",
                 "SET sql_select_limit = 1000"),
}
if servers.CHOSEN is servers.MariaDB:
    SESSIONS["oracle"] = ("SET sql_mode = 'ORACLE'",)
    SESSIONS["switches"] += ("SET join_cache_level = 8",)


@pytest.mark.parametrize("order_by", ["arrival", "account", "chain"])
@pytest.mark.parametrize("session", SESSIONS.values(), ids=SESSIONS)
def test_whatever_the_session_is(queue, session, order_by):
    make_queue(queue.db, order_by=order_by)
    queue.db.execute("UPDATE deliveries_open SET available_at = available_at - INTERVAL 60 SECOND,"
                     " attempts = 10 WHERE block = 1")
    bot, seen = queue.bot("b\u00f6t", session), []
    for step in range(9):
        row, = bot.claim(lease_s=60)
        seen.append(row["block"])
        left = row["lease_until"] - queue.db.value("SELECT UTC_TIMESTAMP(6)")
        assert datetime.timedelta(seconds=50) < left <= datetime.timedelta(seconds=60)
        bot.renew(row)
        bot.reply(row, "b\u00e4cause")
        (bot.fail if step == 8 else bot.done)(row)
    assert seen == list(range(2, 11))
    assert bot.query("SELECT * FROM queue_status") and bot.query("SELECT * FROM deliveries")
    assert queue.db.rows("SELECT DISTINCT worker, body FROM deliveries_ended e"
                         " JOIN comments c ON c.delivery_id = e.delivery_id") \
        == (("b\u00f6t", "b\u00e4cause"),)


def test_in_a_database_of_another_character_set(bare_world):
    """An administrator made it, before --migrate: the texts of bots are kept all the same."""
    world = bare_world
    world.server.execute(f"CREATE DATABASE {world.database} CHARACTER SET latin1")
    world.migrate()
    make_queue(world.db)
    for block in (1, 2, 3):
        deliver(world.db, block)
    bot, text = Bot(world.connect, "\u4e16"), "\u4e16\U0001f600"
    one, two, three = bot.claim(limit=3)
    bot.fail(one, text)
    bot.release(two, text)
    bot.reply(three, text, title=text)
    assert number_of(bot.reply, two) == LOST
    assert number_of(bot.reply, three, author="ABC") == REFUSED
    assert world.db.rows("SELECT last_error FROM deliveries_ended UNION ALL SELECT last_error FROM"
                         " deliveries_open WHERE block = 2 UNION ALL SELECT body FROM comments"
                         " UNION ALL SELECT title FROM comments") == ((text,),) * 4
    assert world.db.value("SELECT worker FROM deliveries_ended") == "\u4e16"


def test_a_row_that_became_visible_late_is_found(queue):
    """Its reader hung for a minute before it committed: claims look further back, now and then."""
    bot = queue.bot()
    bot.claim(limit=100)
    queue.db.execute("UPDATE queues SET scan_from = UTC_TIMESTAMP(6), scanned_at = UTC_TIMESTAMP(6)")
    late = deliver(queue.db, 50)[0]
    queue.db.execute("UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6) - INTERVAL 60 SECOND"
                     " WHERE delivery_id = %s", late)
    assert bot.claim() == []
    for _ in range(2000):
        queue.db.execute("UPDATE queues SET scanned_at = '2000-01-01'")
        if rows := bot.claim():
            break
    assert [row["delivery_id"] for row in rows] == [late]
