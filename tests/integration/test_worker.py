"""steem-worker: a command for each record of a queue, and what becomes of the record."""

import json
import signal
import subprocess
import time

import pytest

from harness.worker import Desk, is_alive, wait_gone, worker_program

pytestmark = pytest.mark.skipif(not worker_program(), reason="steem-worker is not built")


# ---- results

def test_done_retry_and_fail(desk):
    bot = desk.shell('read line; case $line in *good*) exit 0;; *later*) echo not now >&2; exit 75;; '
                     'esac; echo first >&2; echo "what is this?" >&2; exit 3')
    good, = desk.put(body="!ask good")
    later, = desk.put(body="!ask later")
    bad, = desk.put(body="!ask bad")
    worker = desk.drain(command=bot)
    assert desk.row(good) == ("done", 1, None)
    assert desk.row(later) == ("ready", 1, "exit code 75: not now")
    assert desk.row(bad) == ("failed", 1, "exit code 3: first\nwhat is this?")
    assert len(worker.events("delivery_failed")) == 1
    assert worker.events("command_stderr", "what is this?")


def test_a_record_comes_again_and_then_is_done(desk):
    bot = desk.shell('echo x >> $HERE/tries; [ $(wc -l < $HERE/tries) -ge 3 ] || exit 75')
    desk.db.execute("UPDATE queues SET retry_s = 1, retry_max_s = 1")
    delivery, = desk.put()
    desk.start(command=bot)
    desk.wait_state(delivery, "done")
    assert desk.row(delivery) == ("done", 3, "exit code 75")


def test_it_fails_after_max_attempts(desk):
    desk.db.execute("UPDATE queues SET retry_s = 0, retry_max_s = 0, max_attempts = 3")
    delivery, = desk.put()
    worker = desk.start(command=desk.shell("echo never >&2; exit 75"))
    desk.wait_state(delivery, "failed")
    assert desk.row(delivery) == ("failed", 3, "exit code 75: never")
    worker.wait_for("delivery_retried", count=3)


def test_a_signal_is_a_failure(desk):
    delivery, = desk.put()
    desk.drain(command=desk.shell("echo about to >&2; kill -SEGV $$"))
    assert desk.row(delivery) == ("failed", 1, "killed by signal 11 (SIGSEGV): about to")


def test_bytes_on_standard_error_that_are_no_text(desk):
    delivery, = desk.put()
    desk.drain(command=desk.python("""
import sys
sys.stderr.buffer.write(b"x" * 70000 + "\u00e4".encode() * 2000 + b"\\xff\\x00end\\n")
sys.exit(1)"""))
    state, _, error = desk.row(delivery)
    assert state == "failed"
    assert error.startswith("exit code 1: \u00e4\u00e4") and error.endswith("\u00e4??end")
    assert 400 < len(error) < 1000


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


def test_a_record_that_is_larger_than_a_pipe(desk):
    body = "x" * 3_000_000
    delivery, = desk.put(body=body)
    desk.drain(command=desk.python("""
import json, sys
sys.exit(0 if json.loads(sys.stdin.readline())["payload"]["body"] == "x" * 3_000_000 else 1)"""))
    assert desk.state(delivery) == "done"


def test_a_command_that_does_not_read(desk):
    delivery, = desk.put(body="x" * 1_000_000)
    desk.drain(command=desk.shell("exit 0"))
    assert desk.state(delivery) == "done"


def test_a_payload_that_is_no_json(desk):
    delivery, = desk.put(payload='{"author":')
    desk.drain(command=desk.shell("touch $HERE/ran"))
    state, _, error = desk.row(delivery)
    assert state == "failed" and error.startswith("the payload is no JSON: ")
    assert not (desk.commands / "ran").exists()


def test_arguments_reach_the_command(desk):
    delivery, = desk.put()
    desk.drain(command=[desk.shell('printf "%s\\n" "$@" > $HERE/words'), "--queue", "a b", "--", "-x"])
    assert desk.lines("words") == ["--queue", "a b", "--", "-x"]
    assert desk.state(delivery) == "done"


def test_the_path_is_searched(desk):
    delivery, = desk.put()
    desk.shell("exit 0", "found-by-path")
    desk.drain(command="found-by-path", environment={"PATH": f"/nowhere:{desk.commands}:/usr/bin:/bin"})
    assert desk.state(delivery) == "done"


def test_standard_output_goes_where_the_worker_writes(desk):
    desk.put()
    worker = desk.drain(command=desk.shell("echo spoken"))
    assert worker.stdout == "spoken"


# ---- time

# A process that the command starts beside itself, its number in a file. timeout(1) makes a process group.
BESIDE = {"plain": "sleep 1000 & echo $! > $HERE/child.pid",
          "group": "export HERE; timeout 1000 sh -c 'echo $$ > $HERE/child.pid; exec sleep 1000' &"
                   " while [ ! -s $HERE/child.pid ]; do sleep 0.02; done"}
beside = pytest.mark.parametrize("start", BESIDE.values(), ids=BESIDE)


@beside
def test_too_slow_is_ended_with_all_it_started(desk, start):
    bot = desk.shell(f'{start}\ntrap "" TERM; '
                     'echo $$ > $HERE/self.pid; echo thinking >&2; while :; do sleep 1000; done')
    delivery, = desk.put()
    worker = desk.start("--timeout-s", "1", command=bot)
    pids = [int(desk.wait_file(name)) for name in ("child.pid", "self.pid")]
    worker.wait_for("delivery_retried")
    for pid in pids:
        assert not is_alive(pid)
    state, attempts, error = desk.row(delivery)
    assert attempts == 1 and state == "ready"
    assert error == "the command took more than 1 s and was ended: thinking"


def test_too_slow_may_end_by_itself(desk):
    """The first word is SIGTERM; what it says then is not taken for a result."""
    bot = desk.shell('trap "echo ending >&2; exit 0" TERM; echo up > $HERE/up; '
                     'while :; do sleep 0.05; done')
    delivery, = desk.put()
    worker = desk.start("--timeout-s", "1", command=bot)
    worker.wait_for("delivery_retried", containing="ending")
    assert desk.state(delivery) == "ready"


@beside
def test_what_is_left_behind_does_not_hold_the_worker(desk, start):
    """A grandchild that keeps the pipes open, and works on."""
    bot = desk.shell(f'{start}\necho reply')
    delivery, = desk.put()
    desk.drain("--reply", "comment", "--author", "bot", command=bot)
    assert desk.state(delivery) == "done"
    assert desk.db.value("SELECT body FROM comments") == "reply"
    wait_gone(int(desk.wait_file("child.pid")))


def test_the_lease_is_renewed_while_a_slow_command_runs(desk):
    bot = desk.shell("while [ ! -e $HERE/go ]; do sleep 0.02; done")
    delivery, = desk.put()
    desk.start("--lease-s", "1", command=bot)
    desk.wait_state(delivery, "claimed")
    first = "SELECT TIMESTAMPDIFF(MICROSECOND, claimed_at, available_at) FROM deliveries_open"
    desk.db.wait_until(first, lambda held: held and held > 4_000_000)
    assert desk.row(delivery)[:2] == ("claimed", 1)
    (desk.commands / "go").touch()
    desk.wait_state(delivery, "done")
    assert desk.row(delivery)[:2] == ("done", 1)


def test_a_lease_that_is_taken_away_kills_the_command(desk):
    bot = desk.shell('echo $$ > $HERE/pid; trap "" TERM; while :; do sleep 1; done')
    delivery, = desk.put()
    worker = desk.start("--lease-s", "9", command=bot)
    pid = int(desk.wait_file("pid"))
    desk.db.execute("UPDATE deliveries_open SET token = REPEAT('f', 32),"
                    " available_at = UTC_TIMESTAMP(6) + INTERVAL 1 HOUR")
    worker.wait_for("lease_lost")
    wait_gone(pid, timeout=2)  # at the first renewal, long before the lease would end
    assert desk.row(delivery)[:2] == ("claimed", 1)
    assert not worker.events("delivery_retried")


def test_a_result_that_comes_too_late_is_not_taken(desk):
    bot = desk.shell("echo up > $HERE/up; while [ ! -e $HERE/go ]; do sleep 0.02; done")
    delivery, = desk.put()
    worker = desk.start(command=bot)
    desk.wait_file("up")
    desk.db.execute("UPDATE deliveries_open SET token = REPEAT('f', 32)")
    (desk.commands / "go").touch()
    worker.wait_for("lease_lost", containing=str(delivery))
    assert desk.state(delivery) == "claimed"


# ---- how it begins

@pytest.mark.parametrize("command", ["/no/such/bot", "no-such-bot", "/etc", "/etc/passwd"])
def test_a_command_that_cannot_be_executed(desk, command):
    delivery, = desk.put()
    worker = desk.run(command=command, code=78)
    assert command in worker.events("ended")[0].message
    assert desk.row(delivery)[:2] == ("ready", 0)


def test_a_script_without_its_interpreter(desk):
    delivery, = desk.put()
    worker = desk.run(command=desk.script("", interpreter="/no/such/sh"), code=78)
    assert "/no/such/sh" in worker.events("ended")[0].message
    assert desk.row(delivery)[:2] == ("ready", 0)


@pytest.mark.parametrize("first, said", [
    (b"#!/bin/sh\r\n", "carriage return (CR)"), (b"#!/usr/bin/env python3\r\n", "carriage return (CR)"),
    (b"\xef\xbb\xbf#!/bin/sh\n", "byte-order mark")])
def test_a_script_that_another_system_saved(desk, first, said):
    """The kernel says only that there is no such file, though the file is there."""
    delivery, = desk.put()
    path = desk.commands / "bot"
    path.write_bytes(first + b"exit 0\r\n")
    path.chmod(0o755)
    worker = desk.run(command=str(path), code=78)
    assert said in worker.events("ended")[0].message and str(path) in worker.events("ended")[0].message
    assert desk.row(delivery)[:2] == ("ready", 0)


def test_a_command_that_vanishes(desk):
    """Records are given back uncounted, and the worker goes on when it is there again."""
    first, = desk.put()
    bot = desk.shell("exit 0")
    worker = desk.start(command=bot)
    desk.wait_state(first, "done")
    path = desk.commands / "bot"
    path.rename(desk.commands / "away")
    second, = desk.put()
    desk.world.allow_errors("command_unstartable")
    worker.wait_for("command_unstartable", containing="No such file")
    path.with_name("away").rename(path)
    desk.wait_state(second, "done")
    assert desk.row(second)[:2] == ("done", 1)


def test_a_command_without_rights(desk):
    desk.db.execute("DROP USER IF EXISTS nobody_much@localhost")
    desk.db.execute("CREATE USER nobody_much@localhost")
    desk.db.execute(f"GRANT SELECT ON {desk.world.database}.queues TO nobody_much@localhost")
    try:
        worker = desk.run(command=desk.shell("exit 0"), code=77,
                          config=desk.config(user="nobody_much"))
    finally:
        desk.db.execute("DROP USER nobody_much@localhost")
    assert "grants.sql" in worker.events("ended")[0].message


def test_tables_that_are_too_old(desk):
    desk.db.execute("DROP PROCEDURE queue_claim")
    worker = desk.run(command=desk.shell("exit 0"), code=78)
    assert "--migrate" in worker.events("ended")[0].message


@pytest.mark.parametrize("options", [
    ["--concurrency", "0"], ["--concurrency", "129"], ["--concurrency", "x"], ["--reply", "transfer"],
    ["--reply", "comment"], ["--author", "bot"], ["--reply", "comment", "--author", "X"],
    ["--lease-s", "0"], ["--poll-ms", "5"], ["--no-such"], ["--queue", "Ask"], ["--worker", ""]])
def test_a_wrong_command_line(desk, options):
    worker = desk.run(*options, command="true", code=64)
    assert "allowed" in worker.stderr or "go together" in worker.stderr or "account" in worker.stderr


def test_no_command(desk):
    assert "command is missing" in desk.run(command=None, code=64).stderr


def test_no_configuration(desk, tmp_path):
    worker = desk.run(command="true", code=78, config=tmp_path / "none.conf")
    assert "none.conf" in worker.stderr


# ---- queues

def test_a_paused_queue(desk):
    bot = desk.shell("echo $$ >> $HERE/ran")
    worker = desk.start(command=bot)
    first, = desk.put()
    desk.wait_state(first, "done")
    desk.db.execute("CALL queue_pause('ask')")
    second, = desk.put()
    desk.run("--drain", command=bot, name="other")
    assert desk.row(second)[:2] == ("ready", 0)
    desk.db.execute("CALL queue_resume('ask')")
    desk.wait_state(second, "done")
    assert worker.is_running


def test_two_workers_take_each_record_once(desk):
    bot = desk.shell("read line; echo $line >> $HERE/seen.$$")
    ids = desk.put(500)
    workers = [desk.start("--concurrency", "4", "--drain", command=bot, name=f"worker{i}")
               for i in range(2)]
    assert [worker.wait_exit(60) for worker in workers] == [0, 0]
    seen = [json.loads(line)["delivery_id"] for path in desk.commands.glob("seen.*")
            for line in path.read_text(encoding="utf-8").splitlines()]
    assert sorted(seen) == ids
    shared = desk.db.rows("SELECT worker, COUNT(*), MAX(attempts) FROM deliveries_ended"
                          " WHERE state = 'done' GROUP BY worker")
    assert sum(count for _, count, _ in shared) == 500 and {most for *_, most in shared} == {1}
    assert len(shared) == 2


def test_so_many_at_once_and_no_more(desk):
    bot = desk.shell('echo $$ >> $HERE/up; while [ ! -e $HERE/go ]; do sleep 0.02; done')
    ids = desk.put(9)
    desk.start("--concurrency", "4", command=bot)
    desk.db.wait_until("SELECT COUNT(*) FROM deliveries_open WHERE token IS NOT NULL",
                       lambda held: held == 4)
    desk.wait_file("up")
    assert sum(desk.state(delivery) == "claimed" for delivery in ids) == 4
    (desk.commands / "go").touch()
    desk.wait_ended(9)


def test_one_account_at_a_time(world):
    desk = Desk(world, order_by="account")
    bot = desk.python("""
import json, sys
record = json.loads(sys.stdin.readline())
with open(HERE + "/" + record["account"], "a") as seen:
    print(record["delivery_id"], file=seen)""")
    ids = {name: desk.put(20, account=name) for name in ("alice", "bob")}
    desk.drain("--concurrency", "8", command=bot)
    for name, wanted in ids.items():
        assert [int(line) for line in desk.lines(name)] == wanted


@pytest.mark.parametrize("order", ["account", "chain"])
def test_the_next_one_in_order_does_not_wait_for_the_poll(world, order):
    """Where one must end before the next one is ready, its end is when to look."""
    desk = Desk(world, order_by=order)
    desk.put(40)
    desk.drain("--concurrency", "4", "--poll-ms", "3000", command="/bin/true", timeout=30)
    assert desk.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE state = 'done'") == 40


# ---- how it ends

def test_a_stop_waits_for_commands(desk):
    bot = desk.shell("echo up > $HERE/up; while [ ! -e $HERE/go ]; do sleep 0.02; done")
    delivery, = desk.put()
    worker = desk.start(command=bot)
    desk.wait_file("up")
    worker.signal(signal.SIGTERM)
    worker.wait_for("stopping")
    other, = desk.put()
    (desk.commands / "go").touch()
    assert worker.wait_exit() == 0
    assert desk.state(delivery) == "done" and desk.row(other)[:2] == ("ready", 0)


def test_a_stop_gives_back_what_takes_too_long(desk):
    bot = desk.shell("echo $$ > $HERE/pid; exec sleep 1000")
    delivery, = desk.put()
    worker = desk.start("--stop-s", "0", command=bot)
    pid = int(desk.wait_file("pid"))
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 0
    assert not is_alive(pid)
    state, attempts, error = desk.row(delivery)
    assert (state, attempts) == ("ready", 0) and "stopped" in error
    desk.drain(command=desk.shell("exit 0", "next"))
    assert desk.row(delivery)[:2] == ("done", 1)


def test_a_second_signal_ends_at_once(desk):
    bot = desk.shell('trap "" TERM; echo $$ > $HERE/pid; while :; do sleep 1; done')
    desk.put()
    worker = desk.start(command=bot)
    pid = int(desk.wait_file("pid"))
    worker.signal(signal.SIGTERM)
    worker.wait_for("stopping")
    worker.signal(signal.SIGTERM)
    with pytest.raises(AssertionError):
        worker.wait_exit(1.2)  # a signal within a second counts as the same one
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit() == 130
    wait_gone(pid)


def test_killed_and_another_one_does_it(desk):
    """Its command dies with it; when its lease is over, the record is another's."""
    bot = desk.shell('echo $$ > $HERE/pid; exec sleep 1000')
    delivery, = desk.put()
    worker = desk.start("--lease-s", "2", command=bot)
    pid = int(desk.wait_file("pid"))
    worker.kill()
    wait_gone(pid)
    other = desk.start(command=desk.shell("exit 0", "next"), name="other")
    desk.wait_state(delivery, "done")
    assert desk.row(delivery)[:2] == ("done", 2)
    assert other.is_running


@beside
def test_killed_with_all_that_its_command_started(desk, start):
    """Nobody reaps, and yet nothing works on without a lease."""
    bot = desk.shell(f"{start}\nwait")
    desk.put()
    worker = desk.start(command=bot)
    pid = int(desk.wait_file("child.pid"))
    worker.kill()
    wait_gone(pid)


@beside
@pytest.mark.parametrize("options", [(), ("--persistent",)])
def test_a_frozen_worker_does_not_let_a_command_outlive_its_lease(desk, options, start):
    bot = desk.shell(f'read line; trap "" TERM\n{start}\nwait')
    delivery, = desk.put()
    worker = desk.start("--lease-s", "2", *options, command=bot)
    pid = int(desk.wait_file("child.pid"))
    worker.freeze()
    left = desk.db.value("SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), available_at)"
                         " FROM deliveries_open")
    end = time.monotonic() + left / 1e6
    wait_gone(pid)
    assert time.monotonic() < end
    other = desk.start(command=desk.shell("exit 0", "next"), name="other")
    desk.wait_state(delivery, "done")
    worker.thaw()
    worker.wait_for("lease_lost")
    assert desk.db.rows("SELECT worker, attempts FROM deliveries_ended") == (("other", 2),)
    assert other.is_running and worker.is_running


def test_its_guard_goes_with_it(desk):
    worker = desk.start(command=desk.shell("exit 0"))
    worker.wait_for("queue_opened")
    guards = subprocess.run(["pgrep", "-P", str(worker.pid)], capture_output=True, text=True,
                            check=True).stdout.split()
    assert len(guards) == 1
    assert worker.stop() == 0
    wait_gone(int(guards[0]))


def test_without_its_guard_it_ends(desk):
    """Somebody killed it: what could not be ended in an emergency is not begun."""
    worker = desk.start(command=desk.shell("exit 0"))
    worker.wait_for("queue_opened")
    subprocess.run(["pkill", "-KILL", "-P", str(worker.pid)], check=True)
    assert worker.wait_exit() == 70
    assert "guard" in worker.events("ended")[0].message
    desk.world.readers.remove(worker)  # 70 is meant here


def test_the_log_level_is_read_again(desk):
    path = desk.config()
    worker = desk.start(command=desk.shell("exit 0"), config=path)
    worker.wait_for("queue_opened")
    path.write_text(path.read_text(encoding="utf-8") + 'log = { level = "debug"; };\n', encoding="utf-8")
    worker.signal(signal.SIGHUP)
    worker.wait_for("reloaded")
    desk.put()
    worker.wait_for("delivery_done")
    path.write_text("nonsense", encoding="utf-8")
    desk.world.allow_errors("reload_refused", "config_mistake")
    worker.signal(signal.SIGHUP)
    worker.wait_for("reload_refused")
