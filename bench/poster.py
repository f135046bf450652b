# SPDX-License-Identifier: MIT
"""steem-poster with many accounts: custom_json a second out of a full outbox, and the time from a bot's COMMIT
to the node."""

import contextlib
import json
import random
import statistics
import subprocess
import time

import lab as laboratory  # noqa: F401, it makes harness importable
from harness import wallet
from harness.deliveries import Bot, deliver_many, make_queue
from harness.reader import Database
from lab import Failed, Node, Reader, process_cpu_s

ACCOUNTS = 1500  # five custom operations of each in a block of three seconds: 2,500 a second
BLOCK_MS = 3000
OPERATIONS = '[["custom_json",{"required_auths":[],"required_posting_auths":["%s"],"id":"bench","json":"[%d]"}]]'
WAIT_S = 300


def wait_for(condition, what):
    until = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > until:
            raise Failed(f"{what} did not come")
        time.sleep(0.02)


class Outbox:
    """A living node, a reader that follows it, an outbox, and a poster for all accounts."""

    def __init__(self, lab, delay_ms, stack):
        self.lab, self.database = lab, lab.fresh_database()
        self.node = stack.enter_context(Node(lab, 50, delay_ms, BLOCK_MS))
        config = lab.config(self.database, self.node.url, "follower", reader={"name": "follower", "start_block": 0})
        self.reader = Reader(lab, config=config)
        self.poster = None
        stack.callback(self._end)
        self.db = Database(lambda: lab.server.connect(self.database))
        stack.callback(self.db.close)
        self.bot = Bot(lambda: lab.server.connect(self.database))
        stack.callback(self.bot.close)
        self.accounts = [f"bench-{i}" for i in range(ACCOUNTS)]
        wait_for(lambda: self.db.value("SELECT COUNT(*) FROM blocks WHERE is_irreversible"), "a block")

    def _end(self):
        for process in filter(None, (self.poster, self.reader.process)):
            process.terminate()
            process.wait()

    def fill(self, count):
        """So many rows, `OPERATIONS` of all accounts in turn."""
        for first in range(1, count + 1, 1000):
            self.bot.query("START TRANSACTION")
            for number in range(first, min(first + 1000, count + 1)):
                account = self.accounts[number % ACCOUNTS]
                self.bot.call("outbox_act", account, f"bench-{number}", OPERATIONS % (account, number))
            self.bot.query("COMMIT")

    def start(self):
        """The poster; the node checks no signature, so one key does for all."""
        key = self.lab.folder / "bench.key"
        key.write_text(wallet.wif(self.accounts[0], "posting") + "\n", encoding="ascii")
        key.chmod(0o600)
        path = self.lab.config(self.database, self.node.url, "poster", poster={"name": "bench"}, accounts=[
            {"name": name, "authority": "posting", "key_file": str(key)} for name in self.accounts])
        with open(path.with_suffix(".log"), "wb") as log:
            self.poster = subprocess.Popen([self.lab.build / "steem-poster", "-c", path], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log)
        self.log = path.with_suffix(".log")
        wait_for(lambda: b" node_used: " in self.log.read_bytes(), "the poster's first head")

    def cpu_s(self):
        """Of the poster, the server and the node."""
        return (process_cpu_s(self.poster.pid), self.lab.server_cpu_s, self.node.cpu_s)

    def check(self, count):
        """Each row was signed once, and arrived; the node said nothing that it should not."""
        strange = self.db.rows("SELECT answer, error FROM signed_trxs WHERE is_ambiguous"
                               " OR answer NOT IN ('accepted', 'known') LIMIT 1")
        if strange:
            raise Failed(f"an answer of the node: {strange[0]}")
        signed, rows = self.db.rows("SELECT COUNT(*), COUNT(DISTINCT action_id) FROM signed_trxs")[0]
        if (signed, rows, len(self.node.received_us)) != (count, count, count):
            raise Failed(f"{signed} transactions of {rows} rows, {len(self.node.received_us)} at the node; "
                         f"{count} were wanted")


def steady(times):
    """Of them a second, between the first and the last tenth."""
    times = sorted(times)
    low, high = len(times) // 10, len(times) * 9 // 10
    return (high - low) / max(times[high] - times[low], 1e-6)


def throughput(lab, count):
    """A full outbox, and then the poster."""
    with contextlib.ExitStack() as stack:
        outbox = Outbox(lab, 0, stack)
        outbox.fill(count)
        outbox.start()
        received = outbox.node.received_us
        wait_for(lambda: received, "the first transaction")
        before, first = outbox.cpu_s(), len(received)
        wait_for(lambda: len(received) >= count, "the last transaction")
        used = [(now - then) * 1e6 / (count - first) for now, then in zip(outbox.cpu_s(), before)]
        outbox.check(count)
        signed = [float(at) for at, in outbox.db.rows("SELECT UNIX_TIMESTAMP(created_at) FROM signed_trxs")]
        return {"rows": count, "signed_s": steady(signed),
                "received_s": steady(at / 1e6 for at in received.values()),
                "sends_per_row": float(outbox.db.value("SELECT AVG(sends) FROM signed_trxs")),
                "poster_us_per_row": used[0], "server_us_per_row": used[1], "node_us_per_row": used[2]}


def latency(lab, delay_ms, count):
    """A bot that answers one delivery after another, at its leisure."""
    with contextlib.ExitStack() as stack:
        outbox = Outbox(lab, delay_ms, stack)
        make_queue(outbox.db)
        deliver_many(outbox.db, count)
        outbox.start()
        committed_us = {}
        for number in range(1, count + 1):
            time.sleep(random.uniform(0.05, 0.15))  # not in step with the poster's looks
            row, = outbox.bot.claim()
            outbox.bot.query("START TRANSACTION")
            outbox.bot.held("custom_json", row, outbox.accounts[number], "bench", json.dumps([number]))
            outbox.bot.done(row)
            committed_us[number] = time.time() * 1e6
            outbox.bot.query("COMMIT")
        wait_for(lambda: len(outbox.node.received_us) >= count, "the last transaction")
        outbox.check(count)
        late_ms = sorted((outbox.node.received_us[number] - at) / 1000 for number, at in committed_us.items())
        return {"latency_ms": delay_ms, "rows": count, "p50_ms": statistics.median(late_ms),
                "p90_ms": late_ms[int(count * 0.9)], "max_ms": late_ms[-1]}
