"""The views and procedures in sessions of every character set and collation.

Whoever migrates, whatever the database's own collation, whatever a bot says with SET NAMES: no text
of ours meets one of the session's that the server cannot compare it with.
"""

import datetime

import pymysql
import pytest

from harness import deliveries

UTF8MB4 = ["general_ci", "bin", "unicode_ci", "unicode_520_ci", "turkish_ci", "0900_ai_ci", "uca1400_ai_ci"]
NAMES = [f"utf8mb4 COLLATE utf8mb4_{name}" for name in UTF8MB4] + [
    "latin1 COLLATE latin1_swedish_ci", "latin1 COLLATE latin1_german2_ci", "latin1 COLLATE latin1_bin",
    "ascii COLLATE ascii_general_ci", "binary", "utf8mb3 COLLATE utf8mb3_unicode_ci",
    "gbk COLLATE gbk_chinese_ci", "sjis COLLATE sjis_japanese_ci", "koi8r COLLATE koi8r_general_ci"]
UNKNOWN = 1273
TRX, TEXT = "ab" * 20, {"char", "varchar", "text", "mediumtext", "longtext", "enum"}


def fill(queue, bot):
    """A delivery in each state, and a comment; the delivery that is claimed."""
    queue.db.execute("INSERT INTO ranges (first_block, last_block, scanned_to) VALUES (1, NULL, 5)")
    queue.db.execute("INSERT INTO known_gaps (first_block, last_block, found_at, reason)"
                     " VALUES (3, 4, UTC_TIMESTAMP(), 'no node gives it')")
    queue.db.execute("INSERT INTO readers (name, session, state, irreversible_block, version, started_at,"
                     " heartbeat_at) VALUES ('reader', 's', 'tailing', 20, '1', UTC_TIMESTAMP(), UTC_TIMESTAMP())")
    rows = bot.claim(limit=4)
    bot.call("sender_pause", "the-bot", "no key")
    bot.reply(rows[0])
    bot.done(rows[0])
    bot.fail(rows[1])
    bot.retry(rows[2], 60)
    return rows[3]


def read(bot, view, column):
    """Each text is compared, joined to others, ordered and grouped, as a session does with its own words."""
    value = bot.value(f"SELECT {column} FROM {view} WHERE {column} IS NOT NULL")
    value = value.decode() if isinstance(value, bytes) else value
    if value is None:
        return
    bot.query(f"SET @word = '{value}'")
    for where in (f"{column} = '{value}'", f"{column} IN ('{value}', 'x')", f"{column} LIKE '{value}%'",
                  f"CONCAT({column}, 'x') = '{value}x'", f"COALESCE({column}, 'none') = '{value}'",
                  f"{column} = @word", f"{column} = CONVERT(@word USING utf8mb4) COLLATE utf8mb4_unicode_ci"):
        assert bot.query(f"SELECT * FROM {view} WHERE {where}"), f"{view}: none WHERE {where}"
    assert bot.query(f"SELECT {column}, COUNT(*) FROM {view} GROUP BY {column} ORDER BY {column}")


def test_every_view(queue):
    fill(queue, queue.bot())
    columns = queue.db.rows(
        "SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c"
        " JOIN information_schema.views v USING (table_schema, table_name) WHERE table_schema = DATABASE()")
    assert len({view for view, *_ in columns}) == 6
    wrong = []
    for names in NAMES:
        bot = queue.bot()
        if deliveries.number_of(bot.query, f"SET NAMES {names}") == UNKNOWN:
            continue
        for view, column, kind in columns:
            try:
                if kind in TEXT:
                    read(bot, view, column)
            except (AssertionError, pymysql.MySQLError) as error:
                wrong.append(f"{names}, {view}.{column}: {error}")
    assert not wrong, "\n".join(wrong)


def call_actions(bot, row):
    bot.held("vote", row, "the-bot", "alice", "a-post", -5000)
    bot.held("transfer", row, "the-bot", "alice", "0.001 STEEM", "née \U0001f600")
    bot.held("custom_json", row, "the-bot", "ünicode", '{"a":"\U0001f600"}')
    bot.held("act", row, "the-bot", '[["delete_comment",{"author":"the-bot","permlink":"é\U0001f600"}]]')
    bot.call("outbox_act", "the-bot", "key", '[["vote",{"voter":"the-bot","author":"bob","permlink":"p","weight":1}]]')
    bot.call("outbox_add", "the-bot", "with-options", "", "life", "", "body", None)
    bot.call("outbox_options", "the-bot", "with-options", '{"percent_steem_dollars":0,"extensions":[[0,'
             '{"beneficiaries":[{"account":"alice","weight":1},{"account":"bob","weight":2}]}]]}')
    first, second = [row["action_id"] for row in bot.query("SELECT action_id FROM actions ORDER BY 1 LIMIT 2")]
    bot.call("outbox_cancel", "action", first)
    bot.call("outbox_requeue", "action", first)
    assert deliveries.number_of(bot.call, "outbox_requeue", "action", second) == deliveries.LOST
    bot.call("sender_pause", "the-bot", "née \U0001f600")
    bot.call("sender_resume", "the-bot")
    assert deliveries.number_of(bot.held, "vote", row, "the-bot", "No Name", "p", 1) == deliveries.REFUSED
    assert bot.value("SELECT COUNT(*) FROM actions WHERE state = 'pending'") == 5
    assert "\U0001f600" in bot.value("SELECT operations FROM actions WHERE operations LIKE '%transfer%'")


def call_each(bot):
    """Every procedure for bots and operators, with what each is there for."""
    rows = bot.claim(limit=6)
    assert len(rows) == 6 and rows[0]["payload"].startswith("{")
    done, failed, retried, released, other, _ = rows
    bot.renew(done)
    bot.reply(done, "because \U0001f600", title="té", metadata='{"a":"\U0001f600"}')
    bot.done(done)
    bot.fail(failed, "never \U0001f600")
    bot.retry(retried, None, "née")
    bot.release(released, "né")
    bot.call("queue_requeue", failed["delivery_id"])
    bot.call("queue_pause", "ask")
    bot.call("queue_resume", "ask")
    for number in range(3):
        bot.call("outbox_add", "the-bot", f"post-{number}", "", "life", "té", "bödy \U0001f600", "{}")
    mine = [row["comment_id"] for row in bot.query("SELECT comment_id FROM comments ORDER BY 1")]
    for comment in mine:
        bot.call("outbox_sent", comment, TRX, datetime.datetime(2016, 1, 1))
    bot.call("outbox_retry", mine[0], TRX, 5, "busy")
    bot.call("outbox_fail", mine[1], TRX, "never")
    bot.call("outbox_expire", "the-bot")
    call_actions(bot, other)
    assert bot.value("SELECT body FROM comments WHERE comment_id = %s", mine[0]) == "because \U0001f600"
    assert [deliveries.number_of(bot.done, other), deliveries.number_of(bot.done, failed)] == [
        0, deliveries.LOST]
    assert deliveries.number_of(bot.claim, "nobody") == deliveries.MISSING
    assert deliveries.number_of(bot.reply, rows[5], "yes", "No Name") == deliveries.REFUSED


@pytest.mark.parametrize("name", UTF8MB4)
def test_every_procedure(queue, name):
    bot = queue.bot()
    if deliveries.number_of(bot.query, f"SET NAMES utf8mb4 COLLATE utf8mb4_{name}") == UNKNOWN:
        pytest.skip("another server's collation")
    queue.db.execute("UPDATE blockchain SET payload = %s",
                     deliveries.comment("alice", body="!ask @").replace("@", r"\ud83d"))
    call_each(bot)
