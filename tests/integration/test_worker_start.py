"""steem-worker beside a reader that starts later, and as the first process of a container."""

import os

import pytest

from harness import polling
from harness.worker import Desk, children, contain, worker_program

pytestmark = pytest.mark.skipif(not worker_program(), reason="steem-worker is not built")

@pytest.mark.parametrize("options", [(), ("--persistent",)], ids=["plain", "persistent"])
def test_no_zombies_as_the_first_process(world, tmp_path, monkeypatch, options):
    """What a command leaves behind dies, and is reaped; the commands' own ends are not lost."""
    program = contain(tmp_path / "container", worker_program())
    desk = Desk(world)
    bot = desk.python("""
import json, os, subprocess, sys
for line in sys.stdin:
    for _ in range(3):  # one that ends at once in a session of its own, two that would stay
        subprocess.Popen(["/bin/sh", "-c", "/usr/bin/setsid /bin/true & /bin/sleep 1000 & /bin/sleep 1001 &"]).wait()
    record = json.loads(line)
    if "--persistent" not in sys.argv:
        sys.exit(3 if "bad" in record["payload"]["body"] else 0)
    print(json.dumps({"delivery_id": record["delivery_id"], "result": "done"}), flush=True)
    sys.exit(0)""")
    monkeypatch.setenv("STEEM_WORKER", program)
    worker = desk.start("--concurrency", "3", *options, command=[bot, *options])
    good = desk.put(count=8)
    bad = desk.put(count=2, body="!ask bad")
    desk.wait_ended(10)
    assert {desk.state(delivery) for delivery in good} == {"done"}
    if not options:
        assert {desk.row(delivery) for delivery in bad} == {("failed", 1, "exit code 3")}
    polling.poll(lambda: children(worker.pid),
                 lambda found: not any(state in "ZX" for state, _ in found)
                 and len(found) <= 1 + (3 if options else 0), timeout=20,
                 otherwise=lambda found: f"still {found}")
    assert ("S", "steem-guard") in children(worker.pid)
    assert worker.stop() == 0


def test_it_waits_for_its_queue(world):
    """At a boot nobody knows who is first. It says once what it waits for."""
    desk = Desk(world, queue="other")
    desk.queue = "ask"
    worker = desk.start(command=desk.shell("exit 0"))
    worker.wait_for("queue_missing", containing='queue = "ask"')
    node = world.node(irreversible=60)
    rules = [{"operation": "comment", "queue": "ask"}]
    world.run("--once", filter=rules)
    worker.wait_for("queue_opened")
    desk.db.wait_until("SELECT COUNT(*) FROM deliveries_open WHERE queue = 'ask'",
                       lambda count: count == 0, 20)
    assert desk.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE state = 'done'") > 0
    assert len(worker.events("queue_missing")) == 1
    assert worker.stop() == 0
    world.expect(node.chain, (1, 60), rules=rules)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can name a host")
@pytest.mark.parametrize("host, name", [(b"\xff\xfe", "--"), (b"a\x1b[31m b", "a--31m-b"), (b"h" * 64, "h" * 52)])
def test_whatever_the_host_is_called(world, tmp_path, monkeypatch, host, name):
    """The kernel takes any bytes; the worker's own name goes into tables and logs."""
    rename = f"import socket; assert ctypes.CDLL(None).unshare(0x04000000) == 0; socket.sethostname({host!r})"
    monkeypatch.setenv("STEEM_WORKER", contain(tmp_path / "host", worker_program(), rename))
    desk = Desk(world)
    delivery, = desk.put()
    worker = desk.run("--drain", command=desk.shell("exit 0"), name=None)
    assert desk.state(delivery) == "done"
    assert worker.events("queue_opened", containing=f"{name}/")


def test_it_can_be_stopped_while_it_waits_for_its_queue(world):
    desk = Desk(world, queue="other")
    desk.queue = "ask"
    worker = desk.start(command=desk.shell("exit 0"))
    worker.wait_for("queue_missing")
    assert worker.stop() == 0


@pytest.mark.slow
def test_a_drain_does_not_wait_for_ever_for_a_queue(world):
    desk = Desk(world, queue="other")
    desk.queue = "ask"
    worker = desk.run("--drain", command=desk.shell("exit 0"), code=69, timeout=60)
    assert worker.events("ended", containing="there is no queue ask")


def test_a_drain_ends_when_the_system_refuses_the_command(world):
    """A file that is neither a program nor a script passes the look at the start."""
    desk = Desk(world)
    delivery, = desk.put()
    bot = desk.commands / "bot"
    bot.write_text("exit 0\n", encoding="ascii")  # without its first line
    bot.chmod(0o755)
    world.allow_errors("command_unstartable")
    worker = desk.run("--drain", command=str(bot), code=78)
    assert worker.events("ended", containing="cannot be executed: Exec format error")
    assert desk.row(delivery)[:2] == ("ready", 0)
