"""The programs in examples/: a process each, and what they need."""

import contextlib
import os
import signal
import subprocess

import pytest

from . import npm, reader
from .chain import TOP
from .worker import worker_program

EXAMPLES = TOP / "examples"
AUTHOR = "ask-bot"


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
        self.modules = npm.modules(EXAMPLES / "node") if language == "node" else None
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
