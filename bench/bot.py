# SPDX-License-Identifier: MIT
"""From a block that a node can give to the bot's command that has started: the whole way."""

import statistics
import subprocess
import time

from lab import Failed, Node, Reader

RULES = ({"operation": "comment", "queue": "bench"}, {"name": "rest"})
# The first thing it does is to look at the clock.
COMMAND = """now=$(date +%s%6N); IFS= read -r record; printf '%s %s\\n' "$now" "${record%%,*}" >> "$0" """


class Bot:
    """A reader that tails, a steem-worker with eight places, and commands that note when they began."""

    def __init__(self, lab, delay_ms, interval_ms, stack):
        self.lab, self.delay_ms, self.interval_ms = lab, delay_ms, interval_ms
        self.database = database = lab.fresh_database(keep=True)
        self.node = stack.enter_context(Node(lab, 50, delay_ms, interval_ms))
        config = lab.config(database, self.node.url, "bot", filter=RULES,
                            reader={"name": "bot", "start_block": 0})
        self.reader = Reader(lab, config=config)
        self.notes = config.with_suffix(".notes")
        self.notes.touch()
        while not lab.rows(database, "SELECT COUNT(*) FROM queues")[0][0]:
            time.sleep(0.1)
        self.worker = subprocess.Popen(
            [lab.build / "steem-worker", "-c", config, "--queue", "bench", "--concurrency", "8",
             "--", "/bin/sh", "-c", COMMAND, self.notes],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(self._end)

    def _end(self):
        if self.worker.returncode is None:
            self.worker.terminate()
            self.worker.wait()
        if self.reader.process.returncode is None:
            self.reader.process.terminate()
            self.reader.finish()

    def begin(self):
        """Count from the next block on."""
        self.first = max(self.node.readable_us) + 1

    def figures(self, count):
        """Of all deliveries of `count` blocks, when their commands have begun."""
        while max(self.node.readable_us) < self.first + count:
            time.sleep(0.2)
        time.sleep(2 + self.delay_ms / 500)
        self._end()
        late_ms = []
        for line in self.notes.read_text().splitlines():
            now_us, record = line.split(" ", 1)
            block = int(record.rsplit(":", 1)[1]) >> 20
            if self.first <= block < self.first + count:
                late_ms.append((int(now_us) - self.node.readable_us[block]) / 1000)
        if not late_ms:
            raise Failed("no command was started")
        late_ms.sort()
        stored_ms = [float(at) * 1000 - self.node.readable_us[block] / 1000
                     for block, at in self.lab.rows(
                         self.database, "SELECT block, UNIX_TIMESTAMP(committed_at) FROM blocks"
                                        " WHERE block BETWEEN %s AND %s",
                         self.first, self.first + count - 1)]
        return {"latency_ms": self.delay_ms, "interval_ms": self.interval_ms, "blocks": count,
                "stored_p50_ms": statistics.median(stored_ms),
                "deliveries": len(late_ms), "p50_ms": statistics.median(late_ms),
                "p90_ms": late_ms[int(len(late_ms) * 0.9)], "max_ms": late_ms[-1]}
