"""steem-worker under test: its process, the records of its queue, and the commands that it runs.

The program is $STEEM_WORKER, else the `steem-worker` beside steem-reader.
"""

import hashlib
import json
import os
import pathlib
import sys

from . import polling
from .reader import Reader, program, write_config

FIRST_BLOCK = 1000


def worker_program():
    """The path of the program, or None."""
    given = os.environ.get("STEEM_WORKER")
    beside = program() and str(pathlib.Path(program()).with_name("steem-worker"))
    return next((os.path.abspath(p) for p in (given, beside) if p and os.access(p, os.X_OK)), None)


def block_id(number):
    """20 bytes that begin with the number, as on the chain."""
    return number.to_bytes(4, "big") + hashlib.sha1(b"%d" % number).digest()[:16]


class Desk:
    """One queue in the tables of a world, filled by SQL, and the workers on it."""

    def __init__(self, world, queue="ask", **columns):
        self.world, self.queue, self.db = world, queue, world.db
        self.commands = world.folder / "commands"
        self.commands.mkdir(exist_ok=True)
        self._next_block = FIRST_BLOCK
        names = "".join(f", {name}" for name in columns)
        marks = ", %s" * len(columns)
        self.db.execute(f"INSERT INTO queues (queue, created_at{names})"
                        f" VALUES (%s, UTC_TIMESTAMP(6){marks})", queue, *columns.values())

    # ---- records

    def put(self, count=1, body="!ask what", operation="comment", account="alice", payload=None):
        """So many records, one in a block each, in one commit; their delivery ids."""
        first = self._next_block
        self._next_block += count
        numbers = range(first, first + count)
        made = payload or json.dumps({"author": account, "permlink": "a-post", "body": body},
                                     separators=(",", ":"), ensure_ascii=False)
        with self.world.connect() as connection, connection.cursor() as cursor:
            connection.begin()
            cursor.executemany(
                "INSERT INTO blocks (block, block_id, previous, timestamp, operations,"
                " stored_operations, filter_id, reader_id, committed_at)"
                " VALUES (%s, %s, %s, '2026-11-23 10:00:00', 1, 1, 1, 1, UTC_TIMESTAMP(6))",
                [(n, block_id(n), block_id(n - 1)) for n in numbers])
            cursor.executemany(
                "INSERT INTO blockchain VALUES (%s, 2, 0, 0, %s, '2026-11-23 10:00:00', %s, %s, %s)",
                [(n, f"{n:040x}", operation, account, made) for n in numbers])
            cursor.executemany(
                "INSERT INTO deliveries_open (delivery_id, queue, block, trx_in_block, op_in_trx,"
                " virtual_op, block_crc, account, available_at, created_at)"
                " VALUES (%s, %s, %s, 2, 0, 0, CRC32(%s), %s, UTC_TIMESTAMP(6), UTC_TIMESTAMP(6))",
                [(n << 20, self.queue, n, block_id(n), account) for n in numbers])
            connection.commit()
        return [n << 20 for n in numbers]

    def state(self, delivery_id):
        return self.db.value("SELECT state FROM deliveries WHERE delivery_id = %s", delivery_id)

    def row(self, delivery_id):
        """state, attempts, last_error"""
        return self.db.rows("SELECT state, attempts, last_error FROM deliveries"
                            " WHERE delivery_id = %s", delivery_id)[0]

    def wait_state(self, delivery_id, state, timeout=20):
        return self.db.wait_until("SELECT state FROM deliveries WHERE delivery_id = %s",
                                  lambda found: found == state, timeout, (delivery_id,))

    def wait_ended(self, count, timeout=40):
        return self.db.wait_until("SELECT COUNT(*) FROM deliveries_ended WHERE queue = %s",
                                  lambda found: found >= count, timeout, (self.queue,))

    # ---- commands

    def script(self, text, name="bot", interpreter="/bin/sh"):
        """An executable file; $HERE is its folder."""
        path = self.commands / name
        path.write_text(f"#!{interpreter}\n{text}\n", encoding="utf-8")
        path.chmod(0o755)
        return str(path)

    def shell(self, text, name="bot"):
        return self.script(f"HERE={self.commands}\n{text}", name)

    def python(self, text, name="bot"):
        return self.script(f"HERE = {str(self.commands)!r}\n{text}", name, "/usr/bin/python3 -BSE")

    def wait_file(self, name, text=None, timeout=20):
        """What a command has written into a file of its folder, once it is there (and holds text)."""
        path = self.commands / name
        return polling.poll(lambda: path.read_text(encoding="utf-8"),
                            lambda got: got.endswith("\n") and (text is None or text in got),
                            timeout=timeout, not_yet=(FileNotFoundError,),
                            otherwise=lambda got: f"{name}: still {got!r}")

    def lines(self, name):
        path = self.commands / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    # ---- workers

    def config(self, name="worker", **database):
        settings = {"database": {"hosts": [self.world.server.socket], "user": "root",
                                 "name": self.world.database, **database}}
        return write_config(self.world.folder / f"{name}.conf", settings)

    def start(self, *arguments, command=None, name="worker", config=None, environment=None):
        """Start a worker; `command` is a path or a list. Without a name it takes its host's."""
        words = [command] if isinstance(command, str) else list(command or [])
        named = ["--worker", name] if name else []
        options = ["--queue", self.queue, *named, *arguments, "--", *words]
        worker = Reader(options, config or self.config(name or "worker"), name or "worker", environment,
                        executable=worker_program())
        self.world.readers.append(worker)
        return worker

    def run(self, *arguments, code=0, timeout=30, **options):
        """Run a worker to its end, which must have this exit code."""
        worker = self.start(*arguments, **options)
        got = worker.wait_exit(timeout)
        assert got == code, f"exit code {got}, should be {code}\n{worker.tail()}"
        return worker

    def drain(self, *arguments, **options):
        return self.run("--drain", *arguments, **options)


def is_alive(pid):
    """Whether the process is there and no zombie."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rsplit(")", 1)[1].split()[0] not in "ZX"


# A subreaper has what process 1 of a container has: orphans below it become its children.
CONTAINER = """#!{python} -BSE
import ctypes, os, sys
PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
{before}
os.execv({program!r}, sys.argv)
"""


def contain(path, program, before=""):
    """Write a program that runs this one as if it were process 1 of a container; its path."""
    path.write_text(CONTAINER.format(python=sys.executable, program=program, before=before))
    path.chmod(0o755)
    return str(path)


def children(pid):
    """State and name of each child."""
    found = []
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            name, rest = pathlib.Path(f"/proc/{child}/stat").read_text().split("(", 1)[1].rsplit(")", 1)
            found.append((rest.split()[0], name))
        except (FileNotFoundError, ProcessLookupError):
            pass  # reaped meanwhile
    return found


def wait_gone(pid, timeout=20):
    polling.poll(lambda: is_alive(pid), lambda alive: not alive, timeout=timeout, interval=0.005,
                 otherwise=lambda _: f"process {pid} still runs")
