"""steem-worker under systemd: what it tells, what the unit says, and what the documents say of both."""

import functools
import pathlib
import re
import shutil
import subprocess

import pytest

from harness import documents
from harness.documents import exit_codes_of_manual, options_of_help, options_of_manual, text
from harness.worker import Desk, worker_program

pytestmark = pytest.mark.skipif(not worker_program(), reason="steem-worker is not built")
UNIT = "steem-worker@.service"
complete = functools.partial(documents.complete, "steem-worker")


# ---- what systemd is told

def test_ready_status_watchdog_stopping(world, manager):
    desk = Desk(world)
    delivery, = desk.put()
    bot = desk.shell("env > $HERE/env; echo up > $HERE/up; while [ ! -e $HERE/go ]; do sleep 0.02; done")
    worker = desk.start(command=bot, environment=manager.environment)
    manager.wait_for("STATUS=ask: ")
    manager.wait_for("READY=1")
    desk.wait_file("up")
    # A command that takes its time is no reason to stop feeding it.
    fed = manager.count("WATCHDOG=1")
    manager.wait_for("WATCHDOG=1", fed + 5)
    assert "NOTIFY_SOCKET" not in desk.wait_file("env") and "WATCHDOG" not in desk.wait_file("env")
    (desk.commands / "go").touch()
    desk.wait_state(delivery, "done")
    assert worker.stop() == 0
    manager.wait_for("STOPPING=1")


def test_not_ready_before_the_database(lone_world, manager):
    desk = Desk(lone_world)
    lone_world.server.kill()
    worker = desk.start(command=desk.shell("exit 0"), environment=manager.environment)
    manager.wait_for("EXTEND_TIMEOUT_USEC=")
    worker.wait_for("database_lost")
    assert manager.count("READY=1") == 0
    lone_world.server.start()
    manager.wait_for("READY=1")


# ---- the unit

def unit_values():
    """The unit's settings, as a list for each name."""
    values = {}
    for line in text("etc", f"{UNIT}.in").splitlines():
        if match := re.match(r"(\w+)=(.*)", line):
            values.setdefault(match[1], []).append(match[2])
    return values


def test_the_unit_starts_what_the_environment_file_says(world):
    """Its command line, made as systemd makes it: $NAME is split at white space."""
    desk = Desk(world)
    delivery, = desk.put()
    line = unit_values()["ExecStart"][0]
    words = {"@bindir@/steem-worker": [worker_program()], "$OPTIONS": ["--drain", "--concurrency", "2"],
             "$COMMAND": [desk.shell('echo "$@" > $HERE/words'), "--lang", "en"],
             "@sysconfdir@/steem-worker.conf": [str(desk.config())], "%i": ["ask"]}
    made = [word for part in line.split() for word in words.get(part, [part])]
    subprocess.run(made, check=True, timeout=30, capture_output=True)
    assert desk.state(delivery) == "done"
    assert desk.lines("words") == ["--lang en"]


def test_the_unit_is_as_hard_as_the_readers():
    """But for what would stop commands of languages that are compiled as they run."""
    reader = {line for line in text("etc", "steem-reader.service.in").splitlines()
              if re.match(r"(?!Exec|Watchdog|User|Timeout|Description|Documentation)\w+=", line)}
    worker = set(text("etc", f"{UNIT}.in").splitlines())
    assert reader - worker == {"MemoryDenyWriteExecute=yes", "ProcSubset=pid"}
    assert unit_values()["KillMode"] == ["mixed"]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_systemd_understands_the_unit(tmp_path):
    made = text("etc", f"{UNIT}.in").replace("@bindir@/steem-worker", "/bin/true")
    path = tmp_path / "steem-worker@ask.service"
    path.write_text(made.replace("@sysconfdir@", "/etc"), encoding="utf-8")
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True,
                          text=True, check=False, timeout=60).stderr
    assert not [line for line in said.splitlines() if "steem-worker" in line], said


# ---- the documents

def test_the_manual_has_every_option():
    assert options_of_manual("steem-worker") == options_of_help(worker_program())


def test_the_completion():
    assert complete("-") - {"-c"} == options_of_help(worker_program())
    assert complete("--reply", "") == {"comment"}
    assert complete("--queue", "") == set()
    assert complete("--queue", "ask", "--", "/bin/truncat") == {"/bin/truncate"}
    assert "--queue" not in complete("--queue", "ask", "--", "bot", "-")


def test_the_manual_has_the_exit_codes():
    assert exit_codes_of_manual("steem-worker") == {"0", "64", "69", "70", "74", "77", "78", "130"}
    assert unit_values()["RestartPreventExitStatus"] == ["64 77 78"]


def test_the_sample_configuration_is_read(world, tmp_path):
    """It is taken as it stands; with the user's password it would connect."""
    desk = Desk(world)
    path = pathlib.Path(tmp_path / "sample.conf")
    path.write_text(text("etc", "steem-worker.conf").replace('"127.0.0.1:3306"', f'"{world.server.socket}"'),
                    encoding="utf-8")
    worker = desk.run(command="true", config=path, code=77)
    assert "steem_consumer" in worker.events("ended")[0].message
