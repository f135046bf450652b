"""What a command inherits from the worker beside its record, and what it must not inherit."""

import json
import os
import pathlib
import signal

import pytest

from harness.worker import Desk, contain, worker_program

pytestmark = pytest.mark.skipif(not worker_program(), reason="steem-worker is not built")

# Its descriptors, its signals, its environment and its folder, then an answer.
BOT = r"""
import json, os, signal, sys
def links():
    for fd in sorted(map(int, os.listdir("/proc/self/fd"))):
        try:
            yield f"{fd} {os.readlink(f'/proc/self/fd/{fd}')}"
        except FileNotFoundError:
            pass  # of the listing itself
for name in ("SIGPIPE", "SIGXFSZ"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)  # Python itself ignores these two
with open("/proc/self/status") as status:
    signals = [line.split()[1] for line in status if line.startswith(("SigIgn", "SigBlk"))]
saw = {"fds": list(links()), "env": dict(os.environ), "cwd": os.getcwd(), "umask": os.umask(0),
       "signals": signals}
line = sys.stdin.readline()
with open(HERE + "/saw.new", "w") as out:
    print(json.dumps(saw), file=out)
os.rename(HERE + "/saw.new", HERE + "/saw")
if "--persistent" in sys.argv:
    print(json.dumps({"delivery_id": json.loads(line)["delivery_id"], "result": "done"}), flush=True)
    sys.stdin.read()
"""
# Signals 32 and 33 are the C library's own: no program can set them, and glibc 2.43 leaves one ignored.
OF_PROGRAMS = ~(3 << 31)
HIDDEN = {"STEEM_READER_PASSWORD": "secret", "STEEM_WORKER_PASSWORD": "secret", "LISTEN_FDS": "1",
          "LISTEN_PID": "1", "LISTEN_FDNAMES": "x", "NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "9000000",
          "WATCHDOG_PID": "1"}


def look(desk, *options):
    import json
    delivery, = desk.put()
    bot = desk.python(BOT)
    worker = desk.start(*options, command=[bot, *options], environment={**HIDDEN, "FOR_THE_BOT": "yes"})
    desk.wait_state(delivery, "done")
    return json.loads(desk.wait_file("saw")), worker


@pytest.mark.parametrize("options", [(), ("--persistent",)], ids=["plain", "persistent"])
def test_the_three_streams_and_nothing_else(world, options):
    saw, worker = look(Desk(world), *options)
    assert [line.split()[0] for line in saw["fds"]] == ["0", "1", "2"], saw["fds"]
    assert not any("socket" in line for line in saw["fds"])
    assert [int(mask, 16) & OF_PROGRAMS for mask in saw["signals"]] == [0, 0]
    assert saw["env"]["FOR_THE_BOT"] == "yes" and not set(HIDDEN) & set(saw["env"])
    assert saw["cwd"] == os.getcwd()
    assert saw["umask"] == os.umask(saw["umask"])
    # Nor does the guard hold the connection: only its own pipe.
    guards = [int(pid) for pid in pathlib.Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
              .read_text().split()
              if pathlib.Path(f"/proc/{pid}/comm").read_text() == "steem-guard\n"]
    assert len(guards) == 1
    links = [os.readlink(fd) for fd in pathlib.Path(f"/proc/{guards[0]}/fd").iterdir()]
    assert sorted(link.split(":")[0] for link in links) == ["/dev/null"] * 3 + ["pipe"]


def test_a_command_may_print_though_nobody_listens(world, tmp_path, monkeypatch):
    """The worker's standard output was closed when it started: that is no failure of a record."""
    monkeypatch.setenv("STEEM_WORKER", contain(tmp_path / "closed", worker_program(), "os.close(1)"))
    desk = Desk(world)
    delivery, = desk.put()
    worker = desk.start(command=desk.python("print('working', flush=True)"))
    desk.wait_ended(1)
    assert desk.row(delivery) == ("done", 1, None)
    assert worker.stop() == 0


def test_the_session_in_the_database_ends_with_the_worker(world):
    """Also while a command runs that does not: the worker's locks are free at once."""
    desk = Desk(world)
    desk.put()
    worker = desk.start(command=desk.shell("setsid sleep 1000 & echo $! > $HERE/pid; wait"))
    pid = int(desk.wait_file("pid"))
    sessions = "SELECT COUNT(*) FROM information_schema.processlist WHERE db = %s AND id <> CONNECTION_ID()"
    before = desk.db.value(sessions, world.database)
    worker.process.send_signal(signal.SIGKILL)
    worker.wait_exit()
    try:
        desk.db.wait_until(sessions, lambda count: count == before - 1, 20, (world.database,))
        os.kill(pid, 0)
    finally:
        os.kill(pid, signal.SIGKILL)
