"""The contract of the queue's procedures, by SQL: claims, leases, tokens, endings, order.

Deliveries are made by SQL here, as readers write them; test_deliveries.py looks at the readers.
"""

import datetime

import pytest

from harness.deliveries import (LOST, MISSING, REFUSED, end_leases, ids, look_from_the_beginning,
                                make_queue, number_of, open_delivery, state, tables)


def ended(world, delivery):
    """(state, attempts, last_error)"""
    return world.db.rows("SELECT state, attempts, last_error FROM deliveries_ended"
                         " WHERE delivery_id = %s", delivery)[0]


def wait_out(world, delivery):
    """Until the time of its lease has gone by."""
    world.db.wait_until("SELECT available_at <= UTC_TIMESTAMP(6) FROM deliveries_open"
                        " WHERE delivery_id = %s", args=(delivery,))


# ---- claims

def test_a_claim_gives_all_a_bot_needs(queue):
    row, = queue.bot("worker-7").claim(lease_s=60)
    now = queue.db.value("SELECT UTC_TIMESTAMP(6)")
    assert len(row.pop("token")) == 32
    assert datetime.timedelta(seconds=50) < row.pop("lease_until") - now \
        <= datetime.timedelta(seconds=60)
    assert row.pop("payload").startswith('{"parent_author":"","parent_permlink":"ask"')
    assert row == {"delivery_id": 1 << 20, "attempts": 1, "queue": "ask", "block": 1,
                   "trx_in_block": 0, "op_in_trx": 0, "virtual_op": 0,
                   "trx_id": f"{1:036x}0000", "timestamp": datetime.datetime(2016, 3, 24, 16),
                   "operation": "comment", "account": "alice"}
    assert queue.db.rows("SELECT state, worker, attempts FROM deliveries WHERE block = 1") \
        == (("claimed", "worker-7", 1),)


def test_first_in_first_out_and_no_more_than_asked(queue):
    bot = queue.bot()
    assert ids(bot.claim(limit=3)) == queue.ids[:3]
    assert ids(bot.claim(limit=4)) == queue.ids[3:7]
    assert ids(bot.claim(limit=1000)) == queue.ids[7:]
    assert bot.claim(limit=1000) == []


@pytest.mark.parametrize("limit, lease_s", [(0, 30), (1001, 30), (-1, 30), (None, 30),
                                            (1, 0), (1, 86401), (1, -5), (1, None)])
def test_bounds_of_a_claim(queue, limit, lease_s):
    assert number_of(queue.bot().claim, limit=limit, lease_s=lease_s) == REFUSED
    assert queue.db.value("SELECT COUNT(*) FROM deliveries_open WHERE token IS NOT NULL") == 0


def test_an_unknown_queue(queue):
    bot = queue.bot()
    assert number_of(bot.claim, "nobody") == MISSING
    assert number_of(bot.call, "queue_pause", "nobody") == MISSING
    assert number_of(bot.call, "queue_resume", "nobody") == MISSING
    assert number_of(bot.call, "queue_requeue", 12345) == MISSING


def test_queues_do_not_mix(queue):
    make_queue(queue.db, "tell")
    other = open_delivery(queue.db, 1, queue="tell")
    bot = queue.bot()
    assert ids(bot.claim("tell", 100)) == [other]
    assert ids(bot.claim("ask", 100)) == queue.ids


def test_a_paused_queue_gives_nothing_and_what_is_claimed_goes_on(queue):
    bot = queue.bot()
    row, = bot.claim()
    bot.call("queue_pause", "ask")
    since = queue.db.value("SELECT paused_at FROM queues")
    bot.call("queue_pause", "ask")
    assert queue.db.value("SELECT paused_at FROM queues") == since
    assert bot.claim() == []
    bot.renew(row)
    bot.done(row)
    bot.call("queue_resume", "ask")
    assert ids(bot.claim()) == queue.ids[1:2]


def test_a_lease_that_runs_out_gives_the_row_to_another(queue):
    first, second = queue.bot("a"), queue.bot("b")
    row, = first.claim(lease_s=1)
    assert ids(second.claim(limit=100)) == queue.ids[1:]
    wait_out(queue, row["delivery_id"])
    again, = second.claim()
    assert again["delivery_id"] == row["delivery_id"] and again["attempts"] == 2
    assert again["token"] != row["token"]


def test_another_server_waits_five_seconds_longer(queue):
    """Its clock may be ahead of ours; of a delivery that was given back, no clock says anything."""
    bot = queue.bot()
    bot.claim(limit=3)
    queue.db.execute("UPDATE deliveries_open SET granted_by = 'another', available_at ="
                     " UTC_TIMESTAMP(6) - INTERVAL 4 SECOND WHERE token IS NOT NULL AND block < 3")
    queue.db.execute("UPDATE deliveries_open SET granted_by = 'another', available_at ="
                     " UTC_TIMESTAMP(6) - INTERVAL 6 SECOND WHERE token IS NOT NULL AND block = 2")
    look_from_the_beginning(queue.db)
    assert ids(bot.claim(limit=2)) == [queue.ids[1], queue.ids[3]]
    queue.db.execute("UPDATE deliveries_open SET token = NULL WHERE block = 1")
    assert ids(bot.claim()) == queue.ids[:1]


def test_renewed_it_stays(queue):
    bot = queue.bot()
    row, = bot.claim(lease_s=1)
    bot.renew(row, 100)
    assert queue.db.value("SELECT available_at > UTC_TIMESTAMP(6) + INTERVAL 90 SECOND FROM"
                          " deliveries_open WHERE block = 1")
    for lease_s in (0, 86401, None):
        assert number_of(bot.renew, row, lease_s) == REFUSED
    bot.renew(row, 100)
    bot.renew(row, 100)


# ---- tokens

ENDINGS = ("done", "retry", "release", "fail", "renew", "reply")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_stale_token_changes_nothing(queue, ending):
    slow, quick = queue.bot("slow"), queue.bot("quick")
    row, = slow.claim()
    end_leases(queue.db)
    assert ids(quick.claim()) == ids([row])
    before = tables(queue.db)
    assert number_of(getattr(slow, ending), row) == LOST
    assert tables(queue.db) == before


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("token", ["", "x" * 32, None])
def test_no_token_is_no_token(queue, ending, token):
    bot = queue.bot()
    row, = bot.claim()
    before = tables(queue.db)
    assert number_of(getattr(bot, ending), {**row, "token": token}) == LOST
    assert number_of(getattr(bot, ending), {**row, "delivery_id": queue.ids[5]}) == LOST
    assert number_of(getattr(bot, ending), {**row, "delivery_id": 77}) == LOST
    assert tables(queue.db) == before


def test_a_token_holds_until_somebody_else_has_one(queue):
    """Late, but first: nobody else has begun."""
    bot = queue.bot()
    row, = bot.claim()
    end_leases(queue.db)
    bot.renew(row)
    assert bot.claim()[0]["delivery_id"] == queue.ids[1]
    end_leases(queue.db)
    bot.done(row)
    assert state(queue.db, row["delivery_id"]) == "done"


@pytest.mark.parametrize("ending, ends_as", [("done", "done"), ("fail", "failed")])
def test_ended_twice_with_one_token_is_once(queue, ending, ends_as):
    bot = queue.bot()
    row, = bot.claim()
    getattr(bot, ending)(row)
    before = tables(queue.db)
    getattr(bot, ending)(row)
    assert tables(queue.db) == before and state(queue.db, row["delivery_id"]) == ends_as
    other = {"done": bot.fail, "fail": bot.done}[ending]
    assert number_of(other, row) == LOST
    assert number_of(bot.retry, row) == LOST and number_of(bot.renew, row) == LOST
    assert tables(queue.db) == before


# ---- attempts

def test_back_off_doubles_with_jitter_up_to_its_bound(queue):
    make_queue(queue.db, retry_s=10, retry_max_s=60, max_attempts=100)
    bot, waits = queue.bot(), {}
    for attempt in range(1, 8):
        queue.db.execute("UPDATE deliveries_open SET attempts = %s, token = NULL,"
                         " available_at = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND", attempt - 1)
        for row in bot.claim(limit=10):
            bot.retry(row)
        waits[attempt] = [float(wait) for wait, in queue.db.rows(
            "SELECT TIMESTAMPDIFF(MICROSECOND, set_at, available_at) / 1e6"
            " FROM deliveries_open")]
    for attempt, wait in waits.items():
        full = min(60, 10 * 2 ** (attempt - 1))
        assert full / 2 <= min(wait) and max(wait) <= full, (attempt, wait)
        assert len(set(wait)) == 10, "no jitter"


@pytest.mark.parametrize("delay_s, at_least, at_most", [(0, 0, 1), (100, 99, 101), (-5, 0, 1)])
def test_a_wait_of_the_bots_choice(queue, delay_s, at_least, at_most):
    bot = queue.bot()
    row, = bot.claim()
    bot.retry(row, delay_s, "later: \u00e4\u4e16\U0001f600")
    wait, token, error, attempts = queue.db.rows(
        "SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), available_at) / 1e6, token, last_error,"
        " attempts FROM deliveries_open WHERE block = 1")[0]
    assert at_least - 1 <= wait <= at_most and token is None and attempts == 1
    assert error == "later: \u00e4\u4e16\U0001f600"
    assert state(queue.db, row["delivery_id"]) == "ready"


def test_after_its_attempts_it_has_failed(queue):
    make_queue(queue.db, max_attempts=3)
    bot = queue.bot()
    for attempt in (1, 2, 3):
        row, = bot.claim()
        assert row["attempts"] == attempt and row["delivery_id"] == queue.ids[0]
        bot.retry(row, 0, f"try {attempt}")
        if attempt < 3:
            queue.db.execute("UPDATE deliveries_open SET available_at = '2020-01-01'"
                             " WHERE delivery_id = %s", queue.ids[0])
            look_from_the_beginning(queue.db)
    assert ended(queue, queue.ids[0]) == ("failed", 3, "try 3")


def test_released_it_was_never_claimed(queue):
    make_queue(queue.db, max_attempts=1)
    bot = queue.bot()
    for text in ("I stop: \u4e16", None, None):
        row = bot.claim(limit=100)[0]
        assert row["delivery_id"] == queue.ids[0] and row["attempts"] == 1
        bot.release(row, text)
        assert state(queue.db, queue.ids[0]) == "ready"
    assert queue.db.rows("SELECT attempts, last_error FROM deliveries_open WHERE block = 1") \
        == ((0, "I stop: \u4e16"),)


def test_leases_that_run_out_are_attempts(queue):
    make_queue(queue.db, max_attempts=2)
    bot = queue.bot("dies")
    for attempt in (1, 2):
        assert [row["attempts"] for row in bot.claim(limit=10)] == [attempt] * 10
        end_leases(queue.db)
    queue.bot("other").claim(limit=10)
    assert queue.db.rows("SELECT DISTINCT state, attempts, worker, last_error FROM"
                         " deliveries_ended") == ((
                             "failed", 2, "dies",
                             "the lease of its last attempt ran out (attempts: 2)"),)
    assert queue.db.value("SELECT COUNT(*) FROM deliveries_ended") == 10
    assert queue.db.value("SELECT COUNT(*) FROM deliveries_open") == 0


def test_behind_many_that_have_failed_there_is_one(queue):
    """What a claim has to end itself does not make it come back with nothing."""
    queue.db.execute("UPDATE deliveries_open SET attempts = 10 WHERE block < 10")
    assert ids(queue.bot().claim()) == queue.ids[9:]
    assert queue.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE state = 'failed'") == 9


def test_failed_with_its_text(queue):
    bot = queue.bot()
    rows = bot.claim(limit=3)
    bot.fail(rows[0], "no: \U0001f600" + "x" * 200_000)
    bot.fail(rows[1], None)
    bot.retry(rows[2], 0, "first")
    again, = bot.claim(limit=1)
    while again["delivery_id"] != queue.ids[2]:
        again, = bot.claim(limit=1)
    bot.done(again)
    assert ended(queue, queue.ids[0]) == ("failed", 1, ("no: \U0001f600" + "x" * 2000)[:1000])
    assert ended(queue, queue.ids[1]) == ("failed", 1, "failed")
    assert ended(queue, queue.ids[2]) == ("done", 2, "first")


@pytest.mark.parametrize("ending", ["done", "fail"])
def test_put_back_it_begins_anew(queue, ending):
    bot = queue.bot()
    row, = bot.claim()
    getattr(bot, ending)(row)
    bot.call("queue_requeue", row["delivery_id"])
    assert state(queue.db, row["delivery_id"]) == "ready"
    assert number_of(bot.done, row) == LOST, "an old token ended the new work"
    assert number_of(bot.call, "queue_requeue", row["delivery_id"]) == MISSING
    again = bot.claim(limit=100)[0]  # in the order of their blocks
    assert again["delivery_id"] == row["delivery_id"] and again["attempts"] == 1
    bot.done(again)


@pytest.mark.parametrize("gone", ["UPDATE blocks SET block_id = 'x' WHERE block = 1",
                                  "DELETE FROM blockchain WHERE block = 1"])
def test_what_is_gone_is_not_put_back(queue, gone):
    bot = queue.bot()
    row, = bot.claim()
    bot.done(row)
    queue.db.execute(gone)
    assert number_of(bot.call, "queue_requeue", row["delivery_id"]) == MISSING
    assert state(queue.db, row["delivery_id"]) == "done"
