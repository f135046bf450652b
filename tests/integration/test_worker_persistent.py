"""steem-worker --persistent: commands that live on, a line in, a line out."""

import signal

import pytest

from harness.worker import Desk, is_alive, wait_gone, worker_program

pytestmark = pytest.mark.skipif(not worker_program(), reason="steem-worker is not built")

# A bot that does what the record's body tells it.
BOT = r"""
import json, os, sys, time
with open(HERE + "/pids", "a") as pids:
    print(os.getpid(), file=pids)
for line in sys.stdin:
    record = json.loads(line)
    word = record["payload"]["body"].split()[1]
    print("thinking of", word, file=sys.stderr)
    answer = {"delivery_id": record["delivery_id"], "result": "done"}
    if word == "once" and record["attempt"] == 1 or word == "die":
        sys.exit(4)
    if word == "retry":
        answer.update(result="retry", error="not now", delay_s=3600)
    elif word == "fail":
        answer.update(result="fail", error="never \u00e4")
    elif word == "reply":
        answer.update(reply="hello \u00e4 \"x\"", more=[1, {}])
    elif word == "invalid":
        print("{nonsense", flush=True)
        time.sleep(1000)
    elif word == "other":
        answer["delivery_id"] += 1
    elif word == "twice":
        print(json.dumps(answer), flush=True)
    elif word == "silent":
        time.sleep(1000)
    elif word == "long":
        sys.stdout.write("x" * 2000000)
    print(json.dumps(answer), flush=True)
with open(HERE + "/ends", "a") as ends:
    print("end of input", file=ends)
"""


@pytest.fixture
def desk(world):
    made = Desk(world, retry_s=0, retry_max_s=0)
    made.bot = made.python(BOT)
    return made


def ask(desk, *words):
    return [desk.put(body=f"!ask {word}")[0] for word in words]


def test_answers(desk):
    done, retry, fail, reply = ask(desk, "done", "retry", "fail", "reply")
    desk.drain("--persistent", "--reply", "comment", "--author", "the-bot", command=desk.bot)
    assert desk.row(done) == ("done", 1, None)
    assert desk.row(retry) == ("ready", 1, "not now")
    assert desk.db.value("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(6), available_at)"
                         " FROM deliveries_open") > 3500
    assert desk.row(fail) == ("failed", 1, "never \u00e4")
    assert desk.state(reply) == "done"
    assert desk.db.rows("SELECT delivery_id, body FROM comments") == ((reply, 'hello \u00e4 "x"'),)
    assert len(desk.lines("pids")) == 1
    assert desk.lines("ends") == ["end of input"]


def test_so_many_live_on(desk):
    ids = ask(desk, *["done"] * 200)
    worker = desk.start("--persistent", "--concurrency", "4", command=desk.bot)
    desk.wait_ended(200)
    assert len(desk.lines("pids")) == 4
    assert all(is_alive(int(pid)) for pid in desk.lines("pids"))
    assert worker.stop() == 0
    assert not any(is_alive(int(pid)) for pid in desk.lines("pids"))
    assert desk.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE state = 'done'") == len(ids)


def test_one_that_dies(desk):
    dies, fine = ask(desk, "once", "done")
    worker = desk.start("--persistent", command=desk.bot)
    desk.wait_state(dies, "done")
    desk.wait_state(fine, "done")
    assert desk.row(dies) == (
        "done", 2, "the command ended before it answered (exit code 4): thinking of once")
    worker.wait_for("command_restarted")
    assert len(desk.lines("pids")) == 2


@pytest.mark.parametrize("options", [(), ("--concurrency", "2")], ids=["one", "two"])
def test_one_that_ends_after_each_record(desk, options):
    """It gets a record while it is on its way to its end: that is no attempt, and a drain leaves nothing."""
    bot = desk.python("""
import json, sys, time
record = json.loads(sys.stdin.buffer.raw.read(1 << 20))
print(json.dumps({"delivery_id": record["delivery_id"], "result": "done"}), flush=True)
time.sleep(0.3)""", "leaver")
    desk.db.execute("UPDATE queues SET retry_s = 3600, retry_max_s = 3600")
    ids = ask(desk, *["done"] * 4)
    worker = desk.drain("--persistent", *options, command=bot)
    assert {desk.row(delivery)[:2] for delivery in ids} == {("done", 1)}
    assert worker.events("delivery_released", containing="the attempt does not count")
    assert not worker.events("delivery_retried")


def test_one_that_always_dies_fails(desk):
    desk.db.execute("UPDATE queues SET max_attempts = 2")
    dies, = ask(desk, "die")
    desk.start("--persistent", command=desk.bot)
    desk.wait_state(dies, "failed")
    assert desk.row(dies)[1] == 2


@pytest.mark.parametrize("word, error", [
    ("invalid", "the command was ended: its answer is no JSON object as it should be: {nonsense"),
    ("other", "the command was ended: its answer is to delivery {other}, not to {it}")])
def test_one_that_answers_wrongly(desk, word, error):
    desk.db.execute("UPDATE queues SET retry_s = 3600, retry_max_s = 3600")
    bad, = ask(desk, word)
    worker = desk.start("--persistent", command=desk.bot)
    worker.wait_for("delivery_retried")
    state, _, said = desk.row(bad)
    assert state == "ready"
    assert said.startswith(error.replace("{it}", str(bad)).replace("{other}", str(bad + 1)))
    wait_gone(int(desk.lines("pids")[0]))
    fine, = ask(desk, "done")
    desk.wait_state(fine, "done")


def test_one_that_answers_twice(desk):
    """The second answer is nobody's: the command is not trusted any more, its first answer stands."""
    twice, = ask(desk, "twice")
    worker = desk.start("--persistent", command=desk.bot)
    desk.wait_state(twice, "done")
    worker.wait_for("command_restarted")
    fine, = ask(desk, "done")
    desk.wait_state(fine, "done")
    assert len(desk.lines("pids")) == 2


def test_one_that_speaks_unasked(desk):
    bot = desk.shell("echo hello; exec cat", "unasked")
    worker = desk.start("--persistent", command=bot)
    worker.wait_for("command_restarted", containing="without a question: hello")


@pytest.mark.slow
def test_one_that_never_answers(desk):
    desk.db.execute("UPDATE queues SET retry_s = 3600, retry_max_s = 3600")
    silent, = ask(desk, "silent")
    worker = desk.start("--persistent", "--timeout-s", "1", command=desk.bot)
    worker.wait_for("delivery_retried", containing="took more than 1 s")
    wait_gone(int(desk.lines("pids")[0]))
    assert desk.row(silent)[0] == "ready"
    fine, = ask(desk, "done")
    desk.wait_state(fine, "done")


def test_one_that_writes_too_much(desk):
    long, = ask(desk, "long")
    desk.start("--persistent", command=desk.bot)
    desk.wait_state(long, "failed")
    assert "more than 1048576 bytes" in desk.row(long)[2]


def test_a_reply_that_nobody_asked_for(desk):
    reply, = ask(desk, "reply")
    desk.drain("--persistent", command=desk.bot)
    assert desk.row(reply)[0] == "failed" and "--reply" in desk.row(reply)[2]


def test_one_that_does_not_end_with_its_input(desk):
    bot = desk.shell('echo $$ > $HERE/pid; trap "" TERM; while :; do sleep 1; done', "stubborn")
    worker = desk.start("--persistent", command=bot)
    worker.wait_for("queue_opened")
    pid = int(desk.wait_file("pid"))
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0
    assert not is_alive(pid)


def test_a_stop_waits_for_an_answer(desk):
    bot = desk.shell('read line; echo up > $HERE/up; while [ ! -e $HERE/go ]; do sleep 0.02; done; '
                     'echo "${line%%,*},\\"result\\":\\"done\\"}"; read line', "waits")
    delivery, = ask(desk, "done")
    worker = desk.start("--persistent", command=bot)
    desk.wait_file("up")
    worker.signal(signal.SIGTERM)
    worker.wait_for("stopping")
    (desk.commands / "go").touch()
    assert worker.wait_exit() == 0
    assert desk.state(delivery) == "done"


def test_a_command_that_ends_at_once_is_not_started_without_end(desk):
    bot = desk.shell("echo x >> $HERE/started", "short")
    ask(desk, "done")
    worker = desk.start("--persistent", command=bot)
    worker.wait_for("queue_opened")
    desk.wait_file("started", "x\nx\nx\n")
    assert worker.stop() == 0
    assert len(desk.lines("started")) < 10


@pytest.mark.parametrize("text", ["exit 0", "echo hello"])
def test_a_queue_cannot_be_drained_by_a_command_that_does_not_wait(desk, text):
    """It ends, or says something unasked, before it has got a record: each record would be given
    back for ever."""
    delivery, = desk.put()
    worker = desk.run("--drain", "--persistent", command=desk.shell(text, "other"), code=78)
    assert "wait for lines on its standard input" in worker.events("ended")[0].message
    assert desk.state(delivery) == "ready"
