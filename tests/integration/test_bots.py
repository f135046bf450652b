"""The wall between bots: sql/bot.sql, the table `bots`, and what an account may do through the procedures."""

import os
import pathlib
import re

import pymysql
import pytest
from test_grants import run_grants

from harness import servers
from harness.chain import TOP
from harness.deliveries import Bot, deliver, make_queue, number_of, tables
from harness.world import World

LOST, MISSING, REFUSED, NOT_ALLOWED = 31001, 31002, 31003, 31004
DENIED = {1044, 1142, 1143, 1227, 1370}
TRX = "a" * 40


def run_bot_file(world, account, queue, author, password=""):
    """Run the file with these names, as its text says, and open the account."""
    text = (TOP / "sql" / "bot.sql").read_text("utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    for old, new in (("USE steem", f"USE {world.database}"),
                     ("'''ask_bot''@''%'''", f"'''{account}''@''localhost'''"),
                     ("@queue = 'ask'", f"@queue = '{queue}'"),
                     ("@author = 'ask-bot'", f"@author = '{author}'")):
        assert text.count(old) == 1
        text = text.replace(old, new)
    world.server.execute(*filter(None, map(str.strip, text.split(";"))))
    world.server.execute(f"ALTER USER '{account}'@localhost IDENTIFIED BY '{password}'"
                         " ACCOUNT UNLOCK")


@pytest.fixture
def bots(lone_world):
    """Two queues, and two accounts, each for one of them and one author; and one for all."""
    world = lone_world
    made = []

    def connect(account):
        made.append(Bot(lambda: world.server.connect(world.database, user=account), account))
        return made[-1]
    for queue, first in (("ask", 1), ("pay", 101)):
        make_queue(world.db, queue)
        for block in range(first, first + 6):
            deliver(world.db, block, queue)
    run_bot_file(world, "ask_bot", "ask", "ask-bot")
    run_bot_file(world, "pay_bot", "pay", "pay-bot")
    run_bot_file(world, "all_bot", "*", "*")
    yield world, connect
    for one in made:
        one.close()


def refused(world, numbers, function, *arguments):
    before = tables(world.db)
    number = number_of(function, *arguments)
    assert number in numbers if isinstance(numbers, set) else number == numbers, number
    assert tables(world.db) == before


def test_a_bot_does_its_work_and_no_other(bots):
    world, connect = bots
    ask, pay = connect("ask_bot"), connect("pay_bot")
    for bot, queue, author in ((ask, "ask", "ask-bot"), (pay, "pay", "pay-bot")):
        row, = bot.claim(queue)
        bot.renew(row)
        bot.reply(row, author=author)
        bot.done(row)
        for end in (bot.retry, bot.release, bot.fail):
            row, = bot.claim(queue)
            end(row)
    refused(world, NOT_ALLOWED, ask.claim, "pay")
    row, = pay.claim("pay")
    # Even with the token, which a bot may find in the log of another.
    for procedure in (ask.renew, ask.done, ask.retry, ask.release, ask.fail):
        refused(world, NOT_ALLOWED, procedure, row)
    for author in ("ask-bot", "pay-bot"):
        refused(world, NOT_ALLOWED, ask.reply, row, "because", author)
    own, = ask.claim("ask")
    refused(world, NOT_ALLOWED, ask.reply, own, "because", "pay-bot")
    pay.done(row)
    refused(world, NOT_ALLOWED, ask.done, row)


def test_the_refusal_says_what_to_do(bots):
    _, connect = bots
    with pytest.raises(pymysql.MySQLError, match="account ask_bot may not use the queue pay: see"
                       " sql/bot.sql"):
        connect("ask_bot").claim("pay")


def test_no_snapshot_is_too_old_for_the_wall(bots):
    """The delivery was made after the bot's snapshot, which does not show its queue."""
    world, connect = bots
    ask, pay = connect("ask_bot"), connect("pay_bot")
    world.db.execute("GRANT SELECT ON queues TO ask_bot@localhost")
    ask.query("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    if world.server.execute("SHOW VARIABLES LIKE 'innodb_snapshot_isolation'"):
        ask.query("SET SESSION innodb_snapshot_isolation = OFF")  # else 1020 is the refusal
    ask.query("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    ask.query("SELECT COUNT(*) FROM queues")
    world.db.execute("DELETE FROM deliveries_open")
    deliver(world.db, 500, "pay")
    row, = pay.claim("pay")
    refused(world, NOT_ALLOWED, ask.done, row)


WAYS = [
    "SELECT * FROM deliveries_open", "SELECT * FROM bots", "SELECT * FROM comments",
    "UPDATE comments SET state = 'confirmed'", "INSERT INTO bots VALUES ('ask_bot', '*', '*')",
    "DELETE FROM deliveries_open", "CALL queue_pause('ask')", "CALL queue_resume('ask')",
    "CALL queue_requeue(1048576)", "CALL queue_end(1048576, 'x', 'done', NULL)",
    "CALL queue_advance('pay')", "CALL queue_allow('ask', NULL)", "CALL outbox_allow(1)",
    "CALL outbox_put('x', 'pay-bot', 'p', '', 'q', '', 'b', '{}', NULL)",
    "CALL queue_sort_out('pay', 'x', NOW(), 1)",
    "CALL queue_take('pay', 'w', 1, 0, 'x', NOW(), NOW(), 'arrival', 1, NOW(), @taken, @again)",
    "CALL queue_take_one(1048576, 'w', 'x', NOW(), NOW(), 1, 'x', @taken)"]


def test_there_is_no_other_way(bots):
    """Not past the procedures, and not through those that are for the others or the operator."""
    world, connect = bots
    bot = connect("ask_bot")

    def all_that_is_there():
        return (tables(world.db), world.db.rows("SELECT * FROM bots"),
                world.db.rows("SELECT queue, paused_at, scan_from FROM queues"))
    before = all_that_is_there()
    for statement in WAYS:
        # queue_advance swallows its errors.
        assert number_of(bot.query, statement) in DENIED | ({0} if "advance" in statement else set()), \
            statement
        assert all_that_is_there() == before, statement


def test_the_outbox_of_each_author(bots):
    world, connect = bots
    ask, pay = connect("ask_bot"), connect("pay_bot")
    add = ("outbox_add", "ask-bot", "p", "", "steem", "title", "body", None)
    ask.call(*add)
    ask.call(*add)
    comment = world.db.value("SELECT comment_id FROM comments")
    refused(world, NOT_ALLOWED, pay.call, *add)
    for call in (("outbox_sent", comment, TRX, "2030-01-01"), ("outbox_expire", "ask-bot"),
                 ("outbox_retry", comment, TRX, 1, "e"), ("outbox_fail", comment, TRX, "e")):
        refused(world, NOT_ALLOWED, pay.call, *call)
    refused(world, MISSING, ask.call, "outbox_sent", comment + 1, TRX, "2030-01-01")
    refused(world, REFUSED, ask.call, "outbox_sent", comment, "no id", "2030-01-01")
    ask.call("outbox_sent", comment, TRX, "2030-01-01")
    refused(world, LOST, ask.call, "outbox_sent", comment, TRX, "2030-01-01")
    refused(world, 0, ask.call, "outbox_retry", comment, "b" * 40, 1, "not this one")
    ask.call("outbox_retry", comment, TRX, 30, "too fast")
    assert world.db.rows("SELECT state, error, not_before > UTC_TIMESTAMP() + INTERVAL 20 SECOND"
                         " FROM comments") == (("pending", "too fast", 1),)
    ask.call("outbox_sent", comment, TRX, "2000-01-01")
    ask.call("outbox_expire", "ask-bot")
    assert world.db.value("SELECT state FROM comments") == "pending"
    ask.call("outbox_sent", comment, TRX, "2030-01-01")
    ask.call("outbox_fail", comment, TRX, "no")
    assert world.db.rows("SELECT state, attempts, error FROM comments") == (("failed", 3, "no"),)


@pytest.mark.parametrize("clock", ["UNIX_TIMESTAMP() + 864000", "1000000000"])
def test_a_clock_of_the_sessions_own_is_not_believed(bots, clock):
    """SET timestamp: by a clock that is ahead, the leases of all others would be over."""
    world, connect = bots
    run_bot_file(world, "thief", "ask", "thief")
    honest, thief = connect("ask_bot"), connect("thief")
    held = honest.claim("ask", limit=4, lease_s=600)

    def ahead_s(row):
        return world.db.value("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), available_at)"
                              " FROM deliveries_open WHERE delivery_id = %s", row["delivery_id"])
    thief.query(f"SET timestamp = {clock}")
    rows = thief.claim("ask", limit=6, lease_s=60)
    assert len(rows) == 2 and not {row["delivery_id"] for row in rows} & {
        row["delivery_id"] for row in held}
    assert 30 < ahead_s(rows[0]) <= 60
    for end, least, most in ((thief.renew, 10, 30), (thief.release, -30, 0)):
        thief.query(f"SET timestamp = {clock}")
        end(rows[0])
        assert least <= ahead_s(rows[0]) <= most
    thief.query(f"SET timestamp = {clock}")
    thief.retry(rows[1], 40)
    assert 10 <= ahead_s(rows[1]) <= 40
    for row in held:
        honest.done(row)


@pytest.mark.parametrize("number", ["18446744073709551615", "taken"])
def test_a_number_that_the_session_chose_is_refused(bots, number):
    """SET insert_id: a taken one would swallow the comment, the highest one those of all others."""
    world, connect = bots
    ask, pay = connect("ask_bot"), connect("pay_bot")
    pay.call("outbox_add", "pay-bot", "first", "", "steem", "title", "body", None)
    if number == "taken":
        number = world.db.value("SELECT comment_id FROM comments")
    row, = ask.claim("ask")
    ask.query(f"SET insert_id = {number}")
    refused(world, REFUSED, ask.call, "outbox_add", "ask-bot", "p", "", "steem", "title", "body", None)
    refused(world, REFUSED, ask.reply, row, "because", "ask-bot")
    pay.call("outbox_add", "pay-bot", "second", "", "steem", "title", "body", None)
    assert world.db.rows("SELECT permlink FROM comments ORDER BY comment_id") == (("first",), ("second",))


def test_a_comment_that_is_not_there_holds_nobody_up(bots):
    """The search locks the gap where the row would stand, which is the place of the next delivery."""
    _, connect = bots
    ask, pay = connect("ask_bot"), connect("pay_bot")
    ask.query("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    ask.query("START TRANSACTION")
    assert number_of(ask.call, "outbox_sent", 7, TRX, "2030-01-01") == MISSING
    pay.query("SET SESSION innodb_lock_wait_timeout = 1")
    pay.call("outbox_add", "pay-bot", "p", "", "steem", "title", "body", None)


def test_a_comment_that_is_there_already_holds_nobody_up(bots):
    """A bot that answers twice, and stands still in its transaction: others' comments go in beside it."""
    world, connect = bots
    ask, pay = connect("ask_bot"), connect("pay_bot")
    run_bot_file(world, "aaa_bot", "pay", "aaa")
    add = ("outbox_add", "ask-bot", "p", "", "steem", "title", "body", None)
    ask.call(*add)
    ask.query("START TRANSACTION")
    ask.call(*add)
    for bot, author in ((connect("aaa_bot"), "aaa"), (pay, "pay-bot")):
        bot.query("SET SESSION innodb_lock_wait_timeout = 1")
        bot.call("outbox_add", author, "p", "", "steem", "title", "body", None)
    assert world.db.value("SELECT COUNT(*) FROM comments") == 3


def test_all_queues_and_a_right_that_is_taken_back(bots):
    world, connect = bots
    bot = connect("all_bot")
    row, = bot.claim("pay")
    bot.reply(row, author="anybody")
    world.db.execute("DELETE FROM bots WHERE account = 'all_bot'")
    for call in (bot.done, bot.renew):
        refused(world, NOT_ALLOWED, call, row)


def test_names_of_accounts(bots):
    """An '@' in the name, another case, and an anonymous account."""
    world, connect = bots
    for account in ("ask_bot@localhost", "Ask_Bot", "ask_bot@"):
        world.server.execute(f"CREATE USER '{account}'@localhost",
                             f"GRANT EXECUTE ON {world.database}.* TO '{account}'@localhost")
        refused(world, NOT_ALLOWED, connect(account).claim, "ask")
    run_bot_file(world, "ask_bot@localhost", "ask", "ask-bot")
    assert connect("ask_bot@localhost").claim("ask")
    refused(world, NOT_ALLOWED, connect("Ask_Bot").claim, "ask")
    world.server.execute("CREATE USER ''@localhost")
    assert number_of(connect, "all_bot2") in DENIED


@pytest.fixture
def strict_world(request, tmp_path):
    """A server that asks for good passwords; its plugin is in the package that scripts/test unpacks."""
    plugins = pathlib.Path(os.environ.get("CLUSTER_TOOLS", "/"), "usr/lib/mysql/plugin")
    if not servers.available() or not (plugins / "simple_password_check.so").exists():
        pytest.skip(f"no server, or no simple_password_check.so in {plugins} (package mariadb-server)")
    server = servers.Server(options=[f"--plugin-dir={plugins}", "--plugin-load-add=simple_password_check",
                                     "--plugin-maturity=unknown"]).start()
    made = World(server, tmp_path)
    request.node.world = made
    yield made
    made.close()
    server.close()


@servers.only_mariadb  # MySQL's policy is a component, with other rules
def test_a_password_policy_is_satisfied(strict_world):
    world = strict_world
    with pytest.raises(pymysql.MySQLError, match="1819"):
        world.server.execute("CREATE USER policy@localhost ACCOUNT LOCK")
    world.migrate()
    run_grants(world)
    run_bot_file(world, "policy_bot", "ask", "ask-bot", "Good-enough-1")
    assert world.server.execute("SELECT COUNT(*) FROM mysql.user WHERE user = 'policy_bot'") == ((1,),)
    for account in ("steem_queue", f"{world.database}_reader", f"{world.database}_operator"):
        with pytest.raises(pymysql.MySQLError, match="denied|locked"):
            world.server.connect(world.database, user=account)


# ---- sessions

NAMES = ["latin1", "gbk", "utf8mb3", "utf8mb4 COLLATE utf8mb4_unicode_ci",
         "utf8mb4 COLLATE utf8mb4_general_ci", "utf8mb4 COLLATE utf8mb4_bin", "ascii", "binary"]
SESSIONS = [[f"SET NAMES {names}"] for names in NAMES] + [
    ["SET NAMES utf8mb4", setting] for setting in (
        "SET SESSION sql_mode = ''", "SET SESSION sql_mode = 'ANSI,NO_BACKSLASH_ESCAPES'",
        "SET SESSION sql_safe_updates = 1", "SET SESSION sql_select_limit = 1", "SET autocommit = 0",
        "SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SET SESSION time_zone = '+09:00'",
        "SET collation_connection = utf8mb4_unicode_520_ci")]


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: re.sub(r"\W+", "-", session[-1]))
def test_views_and_procedures_in_any_session(world, session):
    for queue, order, first in (("ask", "arrival", 1), ("acc", "account", 101), ("cha", "chain", 201)):
        make_queue(world.db, queue, order_by=order)
        for block in range(first, first + 4):
            deliver(world.db, block, queue, payload='{"author":"alice","permlink":"p","body":"ä€😀"}')
    bot = Bot(world.connect, "any", session)
    can_hold_all = "utf8mb4" in session[0] or "binary" in session[0]
    try:
        for queue in ("ask", "acc", "cha"):
            if not can_hold_all:
                refused(world, REFUSED, bot.claim, queue)
                bot.query("SET NAMES utf8mb4")
                row, = bot.claim(queue)
                for setting in session:
                    bot.query(setting)
                refused(world, REFUSED, bot.reply, row)
            else:
                row, = bot.claim(queue)
                payload = row["payload"]
                assert "ä€😀" in (payload.decode() if isinstance(payload, bytes) else payload)
            assert bot.value("SELECT COUNT(*) FROM deliveries WHERE state = 'claimed'"
                             f" AND queue = '{queue}' AND worker = 'any'") == 1
            assert bot.value("SELECT COUNT(*) FROM deliveries WHERE state IN ('ready', 'claimed')"
                             f" AND queue = '{queue}'") == 4
            assert bot.value(f"SELECT ready FROM queue_status WHERE queue = '{queue}'") == 3
            bot.renew(row)
            if can_hold_all:
                bot.reply(row, "ä€😀")
            bot.done(row)
            bot.query("COMMIT")
            assert bot.value("SELECT COUNT(*) FROM deliveries WHERE state = 'done'"
                             f" AND queue = '{queue}'") == 1
        assert bot.query("SELECT * FROM gaps WHERE claimed_by = 'x' OR reason = 'y'") == []
        assert bot.query("SELECT * FROM reader_status WHERE state = 'x' OR name = 'y'") == []
        if can_hold_all:
            assert bot.value("SELECT pending FROM outbox_status WHERE author = 'the-bot'") == 3
            assert world.db.rows("SELECT DISTINCT body FROM comments") == (("ä€😀",),)
        bot.call("queue_pause", "ask")
        bot.call("queue_resume", "ask")
        if "safe_updates" in session[-1]:
            assert bot.value("SELECT @@sql_safe_updates") == 1
    finally:
        bot.close()


def test_utf8_sent_as_latin1_is_seen(queue):
    """The server is told latin1, or ignores what it is told, and the bytes are UTF-8."""
    bot = queue.bot()
    row, = bot.claim()
    for body in ("hällo", "ä€😀", "€", "naïve ☃"):
        mangled = body.encode().decode("cp1252", "replace")
        if "\ufffd" not in mangled:
            refused(queue, REFUSED, bot.reply, row, mangled)
    bot.reply(row, "Ä is a letter, ¿and â is, too? 😀")
