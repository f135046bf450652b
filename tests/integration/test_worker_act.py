"""steem-worker --act: the output of the command is an action."""

import json
import sys

import pytest

from harness.worker import worker_program

pytestmark = pytest.mark.skipif(not worker_program(), reason="steem-worker is not built")
ACT = ("--act", "--author", "the-bot")
VOTE = '[["vote",{"voter":"the-bot","author":"alice","permlink":"é","weight":100}]]'


def actions(desk):
    return desk.db.rows("SELECT delivery_id, account, authority, operations, state FROM actions ORDER BY action_id")


def test_the_output_is_the_action(desk):
    delivery, = desk.put(account="alice")
    desk.drain(*ACT, command=desk.shell(f"cat > /dev/null; cat <<'E'\n{VOTE}\n\nE"))
    assert actions(desk) == ((delivery, "the-bot", "posting", VOTE, "pending"),)
    assert desk.db.value("SELECT action_key FROM actions") == f"act-ask-{delivery >> 20:040x}-0"
    assert desk.state(delivery) == "done" and desk.db.value("SELECT COUNT(*) FROM comments") == 0


def test_any_record_can_be_acted_upon(desk):
    delivery, = desk.put(operation="transfer", payload="{}", account="alice")
    desk.drain(*ACT, command=desk.shell(f"echo '{VOTE}'"))
    assert len(actions(desk)) == 1 and desk.state(delivery) == "done"


def test_no_output_is_no_action(desk):
    delivery, = desk.put()
    desk.drain(*ACT, command=desk.shell("echo"))
    assert actions(desk) == () and desk.state(delivery) == "done"


@pytest.mark.parametrize("code, state", [(75, "ready"), (1, "failed")])
def test_only_who_is_done_acts(desk, code, state):
    delivery, = desk.put()
    desk.drain(*ACT, command=desk.shell(f"echo '{VOTE}'; exit {code}"))
    assert actions(desk) == () and desk.state(delivery) == state


@pytest.mark.parametrize("output, reason", [
    ("hello", "act: the operations are no JSON array"), ("[]", "act: there are 1 to 20 operations in an action"),
    (VOTE.replace("the-bot", "another"), "act: operation 1, vote: voter is not the account that acts"),
    (VOTE.replace("100", "10001"), "act: operation 1, vote: weight is not -10000 to 10000"),
    ("\\377", "the action is no text: its byte 1 is no UTF-8"), ("a\\000b", "the action is no text: its byte 2 is zero")])
def test_what_is_refused_fails_with_the_reason(desk, output, reason):
    delivery, = desk.put()
    desk.drain(*ACT, command=desk.shell(f"printf '{output}'"))
    state, _, error = desk.row(delivery)
    assert state == "failed" and reason in error and actions(desk) == ()


def test_a_record_of_ones_own(desk):
    """Each action could become the next record, for ever."""
    own, other = desk.put(account="the-bot", operation="transfer", payload="{}"), desk.put(account="alice")
    desk.drain(*ACT, command=desk.shell(f"echo x >> $HERE/ran; echo '{VOTE}'"))
    assert [desk.state(delivery) for delivery, in (own, other)] == ["done"] * 2 and len(actions(desk)) == 1
    desk.put(account="the-bot")
    desk.drain(*ACT, "--answer-own", command=desk.shell(f"echo '{VOTE}'"))
    assert len(actions(desk)) == 2


PERSISTENT = """
import json, sys
for line in sys.stdin:
    record = json.loads(line)
    answer = {"delivery_id": record["delivery_id"], "result": "done", **json.loads(sys.argv[1])}
    print(json.dumps(answer), flush=True)
"""


def persistent(**answer):
    return [sys.executable, "-c", PERSISTENT, json.dumps(answer)]


def test_a_persistent_command_may_reply_and_act(desk):
    delivery, = desk.put(account="alice")
    desk.drain("--persistent", "--reply", "comment", *ACT, command=persistent(reply="yes", act=json.loads(VOTE)))
    assert [json.loads(row[3]) for row in actions(desk)] == [json.loads(VOTE)]
    assert desk.db.rows("SELECT body, delivery_id FROM comments") == (("yes", delivery),)
    assert desk.state(delivery) == "done"


@pytest.mark.parametrize("options, answer, words", [
    (("--reply", "comment", "--author", "the-bot"), {"act": []}, "--act"), (ACT, {"reply": "yes"}, "--reply"),
    (("--reply", "comment", *ACT), {"reply": "yes", "act": 5}, "no JSON array")])
def test_what_nobody_asked_for(desk, options, answer, words):
    """All or nothing: no reply without its action."""
    delivery, = desk.put(account="alice")
    desk.drain("--persistent", *options, command=persistent(**answer))
    state, _, error = desk.row(delivery)
    assert state == "failed" and words in error
    assert actions(desk) == () and desk.db.value("SELECT COUNT(*) FROM comments") == 0
