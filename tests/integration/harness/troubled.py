"""Bots that are killed and frozen at random while they consume a queue; see history.py."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pymysql

from . import history, servers
from .consumer import AGAIN
from .deliveries import deliver_many, make_queue
from .polling import poll
from .reader import write_config
from .worker import worker_program

FOLDER = pathlib.Path(__file__).resolve().parents[1]
LEASE_S = 2
SEED = int(os.environ.get("QUEUE_SEED", "5"))
COMMAND = """
import json, os, sys, time
log = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
for line in sys.stdin:
    got = json.loads(line)
    note = {"pid": os.getpid(), "delivery": got["delivery_id"], "token": got["token"],
            "attempt": got["attempt"]}
    os.write(log, (json.dumps({"event": "begun", "at": time.monotonic(), **note}) + "\\n").encode())
    time.sleep(0.05)  # the work
    os.write(log, (json.dumps({"event": "over", "at": time.monotonic(), **note}) + "\\n").encode())
    print(json.dumps({"delivery_id": got["delivery_id"], "result": "done"}), flush=True)
"""


class Troubled:
    """Eight bots on the queue `ask`, two of them steem-workers where it is built, and what happens
    to them."""

    def __init__(self, world, hosts, seed, bots=8, user="root"):
        self.world, self.hosts, self.user = world, hosts, user
        self.random = random.Random(seed)
        self.seed, self.serial = seed, 0
        self.processes = [None] * bots
        self.events, self.back_at = [], [0] * bots
        make_queue(world.db, max_attempts=40, retry_s=1)
        world.db.execute("CREATE TABLE effects (delivery_id BIGINT UNSIGNED PRIMARY KEY,"
                         " token CHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL)")
        self.block = 1
        self._deliver(100)

    def _deliver(self, count):
        """A few at a time: the bots are never far from an empty queue, and meet each other. A bot may
        hold a lock for longer than the server waits: then again, as a reader does."""
        db = self.world.db

        def is_committed():
            try:
                db.execute("BEGIN")
                deliver_many(db, count, first=self.block, age_s=0)
                db.execute("COMMIT")
            except pymysql.MySQLError as error:
                if error.args[0] not in AGAIN:
                    raise
                db.execute("ROLLBACK")
                return False
            return True

        poll(is_committed, timeout=60, otherwise=lambda _: "no lock for the deliveries in 60 s")
        self.block += count // 10

    # ---- the bots

    def _start(self, place):
        self.serial += 1
        path = self.world.folder / f"history-{self.serial}"
        path.touch()
        log = open(self.world.folder / f"bot-{self.serial}.log", "wb")
        if place < 2 and worker_program():
            command = self._steem_worker(path)
        else:
            first = place % len(self.hosts)
            command = [sys.executable, "-B", "-m", "harness.consumer", json.dumps({
                "hosts": self.hosts[first:] + self.hosts[:first], "database": self.world.database,
                "history": str(path), "name": f"bot-{self.serial}", "user": self.user,
                "seed": self.seed * 1000 + self.serial, "lease_s": LEASE_S,
                "careless": place % 2 == 1})]
        with log:
            self.processes[place] = subprocess.Popen(
                [*servers.DIES_WITH_US, *command], cwd=FOLDER, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log)

    def _steem_worker(self, path):
        """On the first member, whose clock is that of the machine."""
        command = self.world.folder / "command.py"
        command.write_text(COMMAND, encoding="ascii")
        first = self.hosts[0] if isinstance(self.hosts[0], str) else f"127.0.0.1:{self.hosts[0]}"
        config = write_config(self.world.folder / f"worker-{self.serial}.conf", {"database": {
            "hosts": [first], "user": self.user, "name": self.world.database}})
        return [worker_program(), "-c", str(config), "--queue", "ask", "--lease-s", str(LEASE_S),
                "--persistent", "--concurrency", "2", "--", sys.executable, "-BSE", str(command),
                str(path)]

    def _stop(self, place, event="killed"):
        process = self.processes[place]
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()
        self.processes[place] = None
        self.events.append({"event": event, "pid": process.pid, "at": time.monotonic()})

    def _one_trouble(self):
        now = time.monotonic()
        for place, process in enumerate(self.processes):
            if process is not None and process.poll() is not None:
                raise AssertionError(f"a bot ended by itself: {process.args}\n" + self.logs())
            if self.back_at[place] and self.back_at[place] <= now:
                self.back_at[place] = 0
                if process is None:
                    self._start(place)
                else:
                    process.send_signal(signal.SIGCONT)
        place = self.random.randrange(len(self.processes))
        if self.back_at[place]:
            return
        if self.random.random() < 0.4:
            self._stop(place)
            self.back_at[place] = now + self.random.random() * 0.3
        elif self.processes[place | 1] is not None and not self.back_at[place | 1]:
            place |= 1  # the careless ones do more harm
            self.processes[place].send_signal(signal.SIGSTOP)
            self.events.append({"event": "frozen", "pid": self.processes[place].pid, "at": now})
            # Half of them wake when another bot has just claimed what they held, the others later.
            self.back_at[place] = now + LEASE_S + (
                0.6 * self.random.random() - 0.3 if self.random.random() < 0.5
                else 1 + 2 * self.random.random())

    def logs(self):
        return "\n".join(path.read_text(errors="replace")[-1500:]
                         for path in sorted(self.world.folder.glob("bot-*.log")))

    # ---- the run

    def run(self, seconds, troubles=()):
        """troubles: [(after so many seconds, function), ...]. Then all is calm until all is done."""
        begin, troubles = time.monotonic(), sorted(troubles, key=lambda one: one[0])
        try:
            for place in range(len(self.processes)):
                self._start(place)
            while (spent := time.monotonic() - begin) < seconds:
                while troubles and troubles[0][0] <= spent:
                    troubles.pop(0)[1]()
                if self.random.random() < 0.4:
                    self._deliver(10)
                self._one_trouble()
                time.sleep(0.15)  # how much trouble there is, nothing that is waited for
            for place, process in enumerate(self.processes):
                if process is None:
                    self._start(place)
                else:
                    process.send_signal(signal.SIGCONT)
            try:
                self.world.db.wait_until("SELECT COUNT(*) FROM deliveries_open", lambda n: n == 0,
                                         LEASE_S + 28)
            except AssertionError as error:
                raise AssertionError(f"{error}\n{self.logs()}") from error
        finally:
            for place, process in enumerate(self.processes):
                if process is not None:
                    self._stop(place, "stopped")
        return self

    def check(self):
        """(what is wrong, counts)"""
        events = self.events + history.read(sorted(self.world.folder.glob("history-*")))
        with self.world.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT delivery_id, state, attempts, token FROM deliveries_ended")
            ended = cursor.fetchall()
            cursor.execute("SELECT delivery_id, token FROM effects")
            effects = cursor.fetchall()
            cursor.execute("SELECT delivery_id FROM delivered")
            deliveries = [row[0] for row in cursor.fetchall()]
        wrong, counts = history.check(events, deliveries, ended, effects)
        print(f"seed {self.seed}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
        return wrong, counts


def seconds_of(default):
    """QUEUE_SECONDS makes it longer."""
    return float(os.environ.get("QUEUE_SECONDS", default))
