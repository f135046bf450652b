"""The programs in examples/: a process each, and what they need.

mysql2 for Node.js is fetched with npm, once for a build folder.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

from . import reader, shared
from .chain import TOP
from .worker import worker_program

EXAMPLES = TOP / "examples"
NPM_TIMEOUT_S = 120
AUTHOR = "ask-bot"


def _modules_folder():
    build = pathlib.Path(reader.program()).parent
    if not os.access(build, os.W_OK):
        build = shared.folder()
    folder = build / "examples-node"
    folder.mkdir(exist_ok=True)
    return folder


def node_modules():
    """A folder with the modules that examples/node/package-lock.json names; skips where none is."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no node and npm here (scripts/packages install examples)")
    folder = _modules_folder()
    wanted = (EXAMPLES / "node" / "package-lock.json").read_bytes()
    ready, failed = folder / "installed-lock.json", folder / "failed"
    with open(folder / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists() or ready.read_bytes() != wanted:
            # A registry that is not there is asked once, not by every test.
            if not failed.exists() or time.time() - failed.stat().st_mtime > 600:
                failed.write_text(_npm_ci(folder))
            if why := failed.read_text():
                pytest.skip(f"mysql2 cannot be fetched with npm: {why}")
            failed.unlink()
            ready.write_bytes(wanted)
    return folder / "node_modules"


def _npm_ci(folder):
    """What went wrong, in a line."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(EXAMPLES / "node" / name, folder)
    try:
        done = subprocess.run(
            ["npm", "ci", "--omit=peer", "--ignore-scripts", "--no-audit", "--no-fund",
             "--fetch-retries=1", "--fetch-timeout=20000", "--cache", str(folder / "cache")],
            cwd=folder, capture_output=True, text=True, timeout=NPM_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"no answer in {NPM_TIMEOUT_S} s"
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.splitlines() if not line.startswith("npm warn")]
    return " ".join(said)[:200] or f"exit code {done.returncode}"


class Bot:
    """A running bot. Its output goes to a file, for a failure's report."""

    def __init__(self, command, environment, log):
        self.log = log
        with open(log, "ab") as out:
            self.process = subprocess.Popen(
                [*reader.DIES_WITH_US, *command], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, **environment}, start_new_session=True)

    @property
    def text(self):
        return self.log.read_text(errors="replace")

    def stop(self, timeout=20):
        """SIGTERM; it must end with 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        assert code == 0, f"the bot ended with {code} on SIGTERM\n{self.text}"

    def kill(self):
        """kill -9, together with what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Bots:
    """The bots of one test, in one language."""

    def __init__(self, world, language):
        self.world, self.language = world, language
        self.made = []
        self.modules = node_modules() if language == "node" else None
        if language == "shell" and not worker_program():
            pytest.skip("steem-worker is not built")

    def start(self, answer=None, lease_s=60, **environment):
        """answer: code of its language that defines another answer()."""
        settings = {
            "AUTHOR": AUTHOR, "QUEUE": "ask", "LEASE_S": str(lease_s), "DB_USER": "root",
            "DB_SOCKET": self.world.server.socket, "DB_NAME": self.world.database,
            "NODE_PATH": str(self.modules or ""), "PYTHONDONTWRITEBYTECODE": "1", **environment}
        log = self.world.folder / f"bot-{len(self.made)}.log"
        bot = Bot(getattr(self, f"_{self.language}")(answer, lease_s), settings, log)
        self.made.append(bot)
        return bot

    @staticmethod
    def _python(answer, _):
        program = EXAMPLES / "python" / "ask_bot.py"
        if answer is None:
            return ["/usr/bin/python3", str(program)]
        return ["/usr/bin/python3", "-c",
                f"import sys, time; sys.path.insert(0, {str(program.parent)!r}); import ask_bot\n"
                f"from ask_bot import Hopeless\n{answer}\nask_bot.answer = answer\nask_bot.main()"]

    @staticmethod
    def _node(answer, _):
        program = str(EXAMPLES / "node" / "ask_bot.js")
        if answer is None:
            return ["node", program]
        return ["node", "-e", f"const bot = require({program!r}); const {{ Hopeless }} = bot;\n"
                f"const sleep = require('node:timers/promises').setTimeout;\n"
                f"{answer}\nbot.answer = answer; bot.main();"]

    def _shell(self, _, lease_s):
        settings = self.world.settings("worker")
        config = reader.write_config(self.world.folder / "worker.conf",
                                     {"database": settings["database"]})
        return [worker_program(), "-c", str(config), "--queue", "ask", "--lease-s", str(lease_s),
                "--reply", "comment", "--author", AUTHOR, "--",
                str(EXAMPLES / "shell" / "ask-bot")]

    def close(self):
        for bot in self.made:
            bot.kill()

    def report(self):
        return "\n".join(f"--- {bot.log.name}\n{bot.text[-3000:]}" for bot in self.made)
