"""steem-poster where things meet: comments that are actions, and a stop while a node holds its answer back."""

import signal

import pytest
from test_poster import BROADCAST, audit, begin, outbox_of_a_world  # noqa: F401, pylint: disable=W0611

TAKE_OVER = "UPDATE senders SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 6 SECOND"


def comment(author, permlink, body, parent=("alice", "question")):
    return ("comment", {"parent_author": parent[0], "parent_permlink": parent[1], "author": author,
                        "permlink": permlink, "title": "", "body": body, "json_metadata": ""})


def test_an_edit_has_the_pace_of_an_edit(outbox):
    """It does not wait for the five minutes between two root posts."""
    begin(outbox, outbox.entry("bot-one"))
    outbox.comment("bot-one", "a-post", "first", parent=("", "test"))
    outbox.comment("bot-one", "re-question", "first")
    outbox.wait_all(table="comments")
    next_post = outbox.db.value("SELECT next_post_at FROM senders")
    first_edit = outbox.db.value("SELECT next_edit_at FROM senders")
    edits = [outbox.ask("bot-one", comment("bot-one", "a-post", "second", ("", "test"))),
             outbox.ask("bot-one", comment("bot-one", "re-question", "second"))]
    for row in edits:
        outbox.wait_state(row, "confirmed")
    last = outbox.db.value("SELECT MAX(b.timestamp) FROM actions a JOIN blocks b ON b.block = a.block")
    assert last < next_post == outbox.db.value("SELECT next_post_at FROM senders")
    assert outbox.db.value("SELECT next_edit_at FROM senders") > first_edit
    audit(outbox, "bot-one", settled=True)


def test_a_new_comment_by_an_action_has_the_pace_of_a_comment(outbox):
    begin(outbox, outbox.entry("bot-one"))
    rows = [outbox.ask("bot-one", comment("bot-one", f"re-{number}", "new")) for number in range(3)]
    for row in rows:
        outbox.wait_state(row, "confirmed")
    # An edit would have moved the one and not the other.
    ((next_reply, next_edit),) = outbox.db.rows("SELECT next_reply_at, next_edit_at FROM senders")
    assert next_reply == next_edit is not None
    audit(outbox, "bot-one", settled=True)


# ---- stopping while something is under way

@pytest.mark.slow
@pytest.mark.parametrize("signals, code", [(1, 0), (2, 130)], ids=("patience", "second"))
def test_what_was_signed_outlives_a_stop(outbox, signals, code):
    """A node took it and does not answer: the poster waits for some seconds, or until the second signal. The next
    one sends the same bytes."""
    first = begin(outbox, outbox.entry("bot-one"))
    hang = outbox.node.fault("late_answer", method=BROADCAST, seconds=60)
    row = outbox.custom()
    outbox.network.wait_for(lambda: outbox.network.received)
    first.signal(signal.SIGTERM)
    if signals == 2:
        with pytest.raises(AssertionError):
            first.wait_exit(1.2)  # a signal within a second counts as the same one
        first.signal(signal.SIGTERM)
    assert first.wait_exit(30) == code
    assert bool(first.events("stopped_at_once")) == (signals == 2)
    hang.clear()
    hang.release()
    outbox.db.execute(TAKE_OVER)
    begin(outbox, outbox.entry("bot-one"), name="second")
    outbox.wait_state(row, "confirmed")
    assert len({receipt.data for receipt in outbox.network.received}) == 1
    audit(outbox, "bot-one", settled=True)
