"""steem-worker --reply comment: the outbox."""

import pytest

from harness.worker import worker_program

pytestmark = pytest.mark.skipif(not worker_program(), reason="steem-worker is not built")
REPLY = ("--reply", "comment", "--author", "the-bot")


def comments(desk):
    return desk.db.rows("SELECT delivery_id, author, permlink, parent_author, parent_permlink, body,"
                        " state FROM comments ORDER BY comment_id")


def test_the_output_is_the_reply(desk):
    delivery, = desk.put(account="alice")
    text = "The answer:\n\n\u00e4 \"42\" \\o/ \U0001f600"
    desk.drain(*REPLY, command=desk.shell(f"cat <<'E'\n{text}\n\nE"))
    permlink = f"re-ask-{delivery >> 20:040x}-0"
    assert comments(desk) == ((delivery, "the-bot", permlink, "alice", "a-post", text, "pending"),)
    assert desk.state(delivery) == "done"


def test_no_output_is_no_reply(desk):
    delivery, = desk.put()
    desk.drain(*REPLY, command=desk.shell("echo"))
    assert comments(desk) == () and desk.state(delivery) == "done"


@pytest.mark.parametrize("code, state", [(75, "ready"), (1, "failed")])
def test_only_who_is_done_replies(desk, code, state):
    delivery, = desk.put()
    desk.drain(*REPLY, command=desk.shell(f"echo half; exit {code}"))
    assert comments(desk) == () and desk.state(delivery) == state


def test_nothing_can_be_replied_to(desk):
    delivery, = desk.put(operation="transfer", payload="{}")
    desk.drain(*REPLY, command=desk.shell("echo hello"))
    state, _, error = desk.row(delivery)
    assert state == "failed" and "no comment" in error and comments(desk) == ()


def test_a_reply_that_is_no_text(desk):
    delivery, = desk.put()
    desk.drain(*REPLY, command=desk.shell(r"printf '\377\376'"))
    state, _, error = desk.row(delivery)
    assert state == "failed" and comments(desk) == ()
    assert error == "the reply is no text: its byte 1 is no UTF-8"


def test_a_reply_with_a_zero_byte(desk):
    delivery, = desk.put()
    desk.drain(*REPLY, command=desk.shell(r"printf 'ab\000c'"))
    state, _, error = desk.row(delivery)
    assert state == "failed" and comments(desk) == ()
    assert error == "the reply is no text: its byte 3 is zero"


def test_too_much_output(desk):
    delivery, = desk.put()
    worker = desk.drain(*REPLY, command=desk.shell("echo on and on >&2; exec yes"))
    state, _, error = desk.row(delivery)
    assert state == "failed" and comments(desk) == ()
    assert error == "the command wrote more than 1048576 bytes to its standard output: on and on"
    assert len(worker.events("delivery_failed")) == 1


def test_as_much_output_as_is_taken(desk):
    """More than the chain accepts in a comment, but less than a command may print."""
    delivery, = desk.put()
    desk.drain(*REPLY, command=desk.python("print('x' * (2**20 - 1))"))
    assert desk.row(delivery) == ("failed", 1, "the reply has 1048575 bytes; the chain takes no comment"
                                  " of more than 65024")
    assert comments(desk) == ()


def test_a_long_reply(desk):
    desk.put()
    desk.drain(*REPLY, command=desk.python("print('x' * 64000)"))
    assert desk.db.value("SELECT LENGTH(body) FROM comments") == 64000


PERSISTENT = r"""
import json, sys
for line in sys.stdin:
    print("ran", file=open(HERE + "/ran", "a"))
    print(json.dumps({"delivery_id": json.loads(line)["delivery_id"], "result": "done", "reply": "yes"}),
          flush=True)
"""


@pytest.mark.parametrize("kind", ["plain", "persistent"])
def test_it_does_not_answer_itself(desk, kind):
    """Each answer may be the next record, for ever."""
    bot = desk.python(PERSISTENT) if kind == "persistent" else desk.shell("echo ran >> $HERE/ran; echo yes")
    options = (*REPLY, *(["--persistent"] if kind == "persistent" else []))
    own, = desk.put(account="the-bot")
    other, = desk.put(account="alice")
    worker = desk.drain(*options, command=bot)
    assert desk.row(own) == ("done", 1, None) and desk.row(other) == ("done", 1, None)
    assert [row[0] for row in comments(desk)] == [other]
    assert desk.lines("ran") == ["ran"]
    assert len(worker.events("own_comment", containing=str(own))) == 1
    assert worker.events("stopped", containing="2 done (1 of them our own comments)")


def test_it_may_answer_itself(desk):
    own, = desk.put(account="the-bot")
    desk.drain(*REPLY, "--answer-own", command=desk.shell("echo yes"))
    assert [row[0] for row in comments(desk)] == [own]


def test_without_replies_its_own_records_are_records(desk):
    """A bot may want to read its own comments; without --reply it cannot answer itself."""
    own, = desk.put(account="the-bot")
    desk.drain(command=desk.shell("echo ran >> $HERE/ran"))
    assert desk.state(own) == "done" and desk.lines("ran") == ["ran"]

def test_the_comment_and_the_end_are_one_transaction(desk):
    """The server ends the connection between the two: neither is there; then both are, once."""
    delivery, = desk.put()
    desk.db.execute("CREATE TABLE tripwire (armed INT)")
    desk.db.execute("INSERT INTO tripwire VALUES (1)")
    # The comment is inserted, then the delivery's end fails as often as the wire is armed.
    desk.db.execute("CREATE TRIGGER trip BEFORE INSERT ON deliveries_ended FOR EACH ROW"
                    " IF (SELECT COUNT(*) FROM tripwire) > 0 THEN KILL CONNECTION_ID(); END IF")
    worker = desk.start(*REPLY, command=desk.shell("echo once; echo x >> $HERE/ran"))
    worker.wait_for("database_lost", containing=str(delivery))
    assert comments(desk) == () and desk.state(delivery) == "claimed"
    desk.db.execute("DELETE FROM tripwire")
    desk.wait_state(delivery, "done")
    worker.wait_for("database_back")
    assert len(comments(desk)) == 1 and desk.lines("ran") == ["x"]


def test_a_crash_between_the_answer_and_the_commit(desk):
    """The worker is killed when its comment is written and not committed; another one answers again."""
    delivery, = desk.put()
    bot = desk.shell("echo answer; echo x >> $HERE/ran")
    with desk.world.connect() as holder, holder.cursor() as cursor:
        holder.begin()
        # Holds up the delivery's end, behind the comment.
        cursor.execute("INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx,"
                       " virtual_op, block_crc, state, attempts, created_at, finished_at) VALUES"
                       " (%s, 'ask', 1, 0, 0, 0, 0, 'done', 1, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))",
                       (delivery,))
        worker = desk.start("--lease-s", "2", *REPLY, command=bot)
        desk.db.wait_until("SELECT COUNT(*) FROM information_schema.processlist"
                           " WHERE info LIKE 'INSERT INTO deliveries_ended%%'",
                           lambda waits: waits > 0)
        worker.kill()
        holder.rollback()
    other = desk.start(*REPLY, command=bot, name="other")
    desk.wait_state(delivery, "done")
    assert desk.lines("ran") == ["x", "x"]
    assert len(comments(desk)) == 1
    assert other.is_running


def test_who_answers_twice_enqueues_once(desk):
    delivery, = desk.put()
    desk.drain(*REPLY, command=desk.shell("echo first"))
    desk.db.execute("CALL queue_requeue(%s)", delivery)
    desk.drain(*REPLY, command=desk.shell("echo second"))
    assert [row[5] for row in comments(desk)] == ["first"]
    assert desk.state(delivery) == "done"
