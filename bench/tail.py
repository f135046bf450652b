# SPDX-License-Identifier: MIT
"""One daemon that follows a living chain: how late its commits are, and what it costs."""

import statistics
import time

from lab import Failed, Node, Reader, process_cpu_s, process_memory_mib


class Tail:
    """begin(), then look() until it says True, then figures()."""

    def __init__(self, lab, delay_ms, interval_ms, count, stack):
        self.lab, self.delay_ms, self.interval_ms, self.count = lab, delay_ms, interval_ms, count
        self.database = lab.fresh_database(keep=True)
        self.node = stack.enter_context(Node(lab, 50, delay_ms, interval_ms))
        config = lab.config(self.database, self.node.url, "tail",
                            reader={"name": "tail", "start_block": 0})
        self.reader = Reader(lab, config=config)
        stack.callback(self._end)
        self.cpu = None

    def _end(self):
        if self.reader.process.returncode is None:
            self.reader.process.terminate()
            self.reader.finish()

    def begin(self):
        """Count from now on."""
        self._cpu_before, self._at = process_cpu_s(self.reader.process.pid), time.monotonic()
        self.first = max(self.node.readable_us) + 1

    def look(self):
        """Is it over?"""
        if self.cpu is None and max(self.node.readable_us) >= self.first + self.count:
            used_s = process_cpu_s(self.reader.process.pid) - self._cpu_before
            self.cpu = used_s / (time.monotonic() - self._at)
            self.memory = process_memory_mib(self.reader.process.pid)
        return self.cpu is not None

    def figures(self):
        time.sleep(0.5 + self.delay_ms / 500)
        self._end()
        stored = dict(self.lab.rows(
            self.database, "SELECT block, UNIX_TIMESTAMP(committed_at) FROM blocks"
                           " WHERE block BETWEEN %s AND %s",
            self.first, self.first + self.count - 1))
        late_ms = sorted(float(at) * 1000 - self.node.readable_us[block] / 1000
                         for block, at in stored.items())
        if len(late_ms) != self.count:
            raise Failed(f"the tail stored {len(late_ms)} of {self.count} blocks")
        requests = (self.node.requests_at[self.first + self.count]
                    - self.node.requests_at[self.first])
        return {"latency_ms": self.delay_ms, "interval_ms": self.interval_ms,
                "blocks": self.count, "p50_ms": statistics.median(late_ms),
                "p90_ms": late_ms[int(self.count * 0.9)],
                "p99_ms": late_ms[min(self.count - 1, int(self.count * 0.99))],
                "max_ms": late_ms[-1], "requests_per_block": requests / self.count,
                "cpu_of_a_core": self.cpu, "resident_mib": self.memory}
