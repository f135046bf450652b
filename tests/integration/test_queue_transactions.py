"""The queue's procedures in transactions: what commits, what waits for whom."""

import threading

import pymysql
import pytest

from harness.deliveries import (LOST, MISSING, REFUSED, deliver, deliver_many, end_leases, ids,
                                look_from_the_beginning, number_of, open_delivery, state,
                                store_block, store_operation, tables)

READ_COMMITTED = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED"
IN_A_TRANSACTION = 1568  # no SET TRANSACTION there


def has_transaction(bot):
    return number_of(bot.query, "SET TRANSACTION READ WRITE") == IN_A_TRANSACTION


@pytest.mark.parametrize("ending", ["done", "retry", "release", "fail", "reply"])
def test_rolled_back_it_is_still_claimed(queue, ending):
    bot = queue.bot()
    row, = bot.claim()
    before = tables(queue.db)
    bot.query("START TRANSACTION")
    getattr(bot, ending)(row)
    assert has_transaction(bot) and tables(queue.db) == before, "it committed"
    bot.query("ROLLBACK")
    assert tables(queue.db) == before
    bot.done(row)
    assert state(queue.db, row["delivery_id"]) == "done"


def test_done_goes_with_what_the_bot_writes(queue):
    queue.db.execute("CREATE TABLE answers (id BIGINT PRIMARY KEY)")
    bot = queue.bot()
    row, = bot.claim()
    bot.query("START TRANSACTION")
    bot.query("INSERT INTO answers VALUES (%s)", row["delivery_id"])
    bot.reply(row)
    bot.done(row)
    assert queue.db.value("SELECT COUNT(*) FROM answers") == 0
    bot.query("COMMIT")
    assert queue.db.value("SELECT COUNT(*) FROM answers") == 1
    assert queue.db.value("SELECT COUNT(*) FROM comments") == 1
    assert state(queue.db, row["delivery_id"]) == "done"


@pytest.mark.parametrize("ending", ["queue_done", "queue_requeue"])
def test_in_autocommit_it_is_all_or_nothing(queue, ending):
    """The second of its statements fails: the first leaves nothing, and no transaction open."""
    bot = queue.bot()
    row, = bot.claim()
    arguments = (row["delivery_id"], row["token"])
    if ending == "queue_requeue":
        bot.done(row)
        arguments = arguments[:1]
    table = "deliveries_open" if ending == "queue_done" else "deliveries_ended"
    queue.db.execute(f"CREATE TRIGGER no BEFORE DELETE ON {table} FOR EACH ROW"
                     " SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31999")
    before = tables(queue.db)
    assert number_of(bot.call, ending, *arguments) == 31999
    assert tables(queue.db) == before and not has_transaction(bot)
    queue.db.execute("DROP TRIGGER no")
    bot.call(ending, *arguments)
    assert not has_transaction(bot)


def test_a_claim_commits_what_the_caller_had_open(queue):
    queue.db.execute("CREATE TABLE answers (id BIGINT PRIMARY KEY)")
    bot = queue.bot()
    bot.query("START TRANSACTION")
    bot.query("INSERT INTO answers VALUES (1)")
    row, = bot.claim()
    bot.query("ROLLBACK")
    assert queue.db.value("SELECT COUNT(*) FROM answers") == 1
    assert state(queue.db, row["delivery_id"]) == "claimed"


@pytest.mark.parametrize("session", [(), (READ_COMMITTED,)], ids=["repeatable", "committed"])
@pytest.mark.parametrize("case", ["rows", "empty", "unknown", "paused", "bounds"])
def test_without_autocommit_a_claim_leaves_nothing_open(queue, session, case):
    """No snapshot that grows old while the bot sleeps; and where claims begin to look moves on."""
    bot = queue.bot(session=session, autocommit=False)
    bot.query("SELECT COUNT(*) FROM blocks")
    if case == "paused":
        queue.db.execute("UPDATE queues SET paused_at = UTC_TIMESTAMP(6)")
    if case == "empty":
        queue.db.execute("DELETE FROM deliveries_open")
    arguments = {"unknown": ("nobody",), "bounds": ("ask", 0)}.get(case, ())
    expected = {"unknown": MISSING, "bounds": REFUSED}.get(case, 0)
    assert number_of(bot.claim, *arguments) == expected
    assert queue.db.value("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE"
                          " trx_mysql_thread_id = %s", bot.connection.thread_id()) == 0
    assert not has_transaction(bot)
    if case in ("rows", "empty"):
        assert queue.db.value("SELECT scanned_at > '2001-01-01' FROM queues") == 1


@pytest.mark.parametrize("isolation", ["READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ",
                                       "SERIALIZABLE"])
@pytest.mark.parametrize("autocommit", [True, False])
def test_at_every_isolation(queue, isolation, autocommit):
    level = f"SET SESSION TRANSACTION ISOLATION LEVEL {isolation}"
    bots = [queue.bot(f"bot-{i}", (level,), autocommit=autocommit) for i in range(3)]
    seen = []
    while rows := [row for bot in bots for row in bot.claim(limit=2)]:
        seen += ids(rows)
        for bot in bots:
            for row in rows:
                if queue.db.value("SELECT worker FROM deliveries_open WHERE delivery_id = %s",
                                  row["delivery_id"]) == bot.name:
                    bot.done(row)
            bot.connection.commit()
    assert sorted(seen) == queue.ids
    assert queue.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE state = 'done'") == 10


@pytest.mark.parametrize("ending", ["done", "retry", "release", "fail", "renew", "reply"])
def test_a_caller_whose_snapshot_is_older_than_the_claim(queue, ending):
    """One connection claims, another one, with a transaction open before, ends.

    A server with innodb_snapshot_isolation (the default from MariaDB 11.8 on) refuses that with 1020;
    the whole transaction again, as doc/consumers.md says, does it.
    """
    late = queue.bot("late", autocommit=False)
    late.query("SELECT COUNT(*) FROM deliveries_open")
    store_block(queue.db, 50)
    store_operation(queue.db, 50)
    new = open_delivery(queue.db, 50, age_s=100)
    row, = queue.bot().claim()
    assert row["delivery_id"] == new
    try:
        getattr(late, ending)(row)
    except pymysql.err.OperationalError as error:
        assert error.args[0] == 1020 and queue.db.value("SELECT @@innodb_snapshot_isolation") == 1
        late.connection.rollback()
        getattr(late, ending)(row)
    late.connection.commit()


def test_a_frozen_bot_holds_up_nobody(queue):
    """It hangs in its transaction while its leases end. All others' claims go on at once."""
    frozen, quick = queue.bot("frozen"), queue.bot("quick")
    quick.query("SET innodb_lock_wait_timeout = 1")
    rows = frozen.claim(limit=6)
    end_leases(queue.db)
    frozen.query("START TRANSACTION")
    for row in rows:
        frozen.done(row)
    assert ids(quick.claim(limit=3)) == queue.ids[6:9]
    assert ids(quick.claim(limit=100)) == queue.ids[9:]
    assert quick.claim() == []
    frozen.query("ROLLBACK")
    look_from_the_beginning(queue.db)
    assert ids(quick.claim(limit=100)) == queue.ids[:6]
    assert number_of(frozen.done, rows[0]) == LOST


def test_a_clock_that_was_put_back(queue):
    """What came before is found at once, and not when the clock is where it was."""
    bot = queue.bot()
    for row in bot.claim(limit=10):
        bot.done(row)
    # as a clock that was an hour ahead has left them
    queue.db.execute("UPDATE queues SET scan_from = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR,"
                     " scanned_at = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR")
    delivery, = deliver(queue.db, 50)
    assert ids(bot.claim()) == [delivery]
    assert queue.db.value("SELECT scan_from < UTC_TIMESTAMP() FROM queues") == 1


def test_more_than_a_thousand_locked_rows_at_the_head(queue):
    """Several frozen bots with large batches: what is behind is found all the same."""
    deliver_many(queue.db, 2005, first=100)
    frozen = [queue.bot(f"frozen-{i}") for i in range(2)]
    rows = [row for bot in frozen for row in bot.claim(limit=1000)]
    end_leases(queue.db)
    for bot, held in zip(frozen, (rows[:1000], rows[1000:])):
        bot.query("START TRANSACTION")
        for row in held:
            bot.done(row)
    quick = queue.bot("quick")
    assert len(quick.claim()) == 1


def test_a_bot_that_locks_the_row_of_its_queue(queue):
    """As one that pauses the queue in a transaction, and freezes."""
    frozen, quick = queue.bot("frozen"), queue.bot("quick")
    quick.query("SET innodb_lock_wait_timeout = 1")
    frozen.query("START TRANSACTION")
    frozen.call("queue_pause", "ask")
    assert ids(quick.claim()) == queue.ids[:1]
    quick.retry(quick.claim()[0])
    frozen.query("ROLLBACK")


def test_a_claim_locks_neither_blocks_nor_operations(queue):
    """A reader that is writing them is not waited for, nor does it wait."""
    holder = queue.bot("reader")
    holder.query("START TRANSACTION")
    for table in ("blocks", "blockchain", "delivered"):
        holder.query(f"SELECT * FROM {table} FOR UPDATE")
    bot = queue.bot(session=("SET innodb_lock_wait_timeout = 1",))
    rows = bot.claim(limit=2)
    assert ids(rows) == queue.ids[:2]
    bot.query("START TRANSACTION")
    bot.reply(rows[0])
    bot.done(rows[0])
    holder.query("ROLLBACK")
    holder.query("SET innodb_lock_wait_timeout = 1")
    holder.query("SELECT * FROM blocks FOR UPDATE")
    holder.query("SELECT * FROM blockchain FOR UPDATE")
    bot.query("COMMIT")


def test_many_at_once_get_each_delivery_once(queue):
    deliver_many(queue.db, 600, first=100)
    bots = [queue.bot(f"bot-{i}") for i in range(6)]
    seen, errors = [], []

    def work(bot):
        try:
            while rows := bot.claim(limit=7):
                seen.extend(ids(rows))
                for row in rows:
                    bot.done(row)
        except pymysql.MySQLError as error:
            errors.append(error)
    threads = [threading.Thread(target=work, args=(bot,)) for bot in bots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and len(seen) == len(set(seen)) == 610
    assert queue.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE state = 'done'"
                          " AND attempts = 1") == 610
