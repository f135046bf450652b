"""steem-worker: a command for each record of a queue."""

import json

import pytest

from harness.worker import Desk, worker_program


@pytest.fixture
def desk(world):
    if worker_program() is None:
        pytest.skip("steem-worker is not built")
    return Desk(world)


def test_done_retry_and_fail(desk):
    bot = desk.shell('read line; echo "$line" >> $HERE/seen; '
                     'case $line in *good*) exit 0;; *later*) echo not now >&2; exit 75;; esac; '
                     'echo first >&2; echo "what is this?" >&2; exit 3')
    good, = desk.put(body="!ask good")
    later, = desk.put(body="!ask later")
    bad, = desk.put(body="!ask bad")
    worker = desk.drain(command=bot)
    assert desk.row(good) == ("done", 1, None)
    assert desk.row(later) == ("ready", 1, "exit code 75: not now")
    assert desk.row(bad) == ("failed", 1, "exit code 3: first\nwhat is this?")
    assert len(worker.events("delivery_failed")) == 1
    assert worker.events("command_stderr", "what is this?")


def test_the_record_on_standard_input(desk):
    bot = desk.shell("cat > $HERE/record")
    payload = '{"author":"alice","permlink":"p","body":"!ask \\"q\\" \\\\ \\ud83d \u00e4\u20ac"}'
    delivery, = desk.put(payload=payload)
    desk.drain(command=bot)
    lines = desk.lines("record")
    assert len(lines) == 1 and lines[0].endswith(f'"payload":{payload}}}')
    record = json.loads(lines[0])
    assert len(record.pop("token")) == 32
    assert record.pop("lease_until").endswith("Z")
    assert record.pop("payload")["author"] == "alice"
    assert record == {
        "delivery_id": delivery, "queue": "ask", "attempt": 1, "block": delivery >> 20,
        "trx_in_block": 2, "op_in_trx": 0, "virtual_op": 0, "trx_id": f"{delivery >> 20:040x}",
        "timestamp": "2026-11-23T10:00:00Z", "operation": "comment", "account": "alice"}
