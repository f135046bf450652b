# SPDX-License-Identifier: MIT
"""What the measurements stand on: a private server, the fast node, readers, clocks."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests" / "integration"))

from harness import servers  # noqa: E402
from harness.reader import libconfig  # noqa: E402

# The server as Debian sets it up, but for a buffer pool that a reader's server would have.
SERVER = {"innodb-buffer-pool-size": "1G", "innodb-flush-log-at-trx-commit": "1",
          "innodb-log-file-size": "96M"}
MYSQL_NAMES = {"innodb-log-file-size": "innodb-redo-log-capacity"}  # what it calls such an option
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
KEY_VALUE = re.compile(r"(\w+) ([\d.]+)")


class Failed(Exception):
    """A measurement that gave no figure."""


class Skipped(Exception):
    """A measurement that cannot be made here, with the reason."""


def process_cpu_s(pid):
    """CPU seconds of a process so far, all threads."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def process_memory_mib(pid, key="VmRSS"):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{key}:\s+(\d+)", text)[1]) / 1024


class Node:
    """A running fakenode; `served` after stop() is (requests, calls)."""

    def __init__(self, lab, irreversible, delay_ms=0, interval_ms=0, close_after_us=None):
        closing = [] if close_after_us is None else ["--close-after", str(close_after_us)]
        self.process = subprocess.Popen(
            [lab.build / "bench" / "fakenode", lab.corpus, "--irreversible", str(irreversible),
             "--delay", str(delay_ms), "--interval", str(interval_ms), *closing],
            stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().split()[1]}/"
        self.readable_us, self.requests_at, self.served = {}, {}, (0, 0)
        self.received_us = {}
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self.process.stdout:
            word, *numbers = line.split()
            if word == "readable":
                self.readable_us[int(numbers[0])] = int(numbers[1])
                self.requests_at[int(numbers[0])] = int(numbers[2])
            elif word == "received":
                self.received_us[int(numbers[0])] = int(numbers[1])
            elif word == "served":
                self.served = tuple(map(int, numbers))

    @property
    def cpu_s(self):
        return process_cpu_s(self.process.pid)

    def stop(self):
        self.total_cpu_s = self.cpu_s
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Watch:
    """The peak memory of a process. (ru_maxrss would begin with this Python's own.)"""

    def __init__(self, process):
        self.process, self.peak_mib = process, 0.0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with contextlib.suppress(OSError, TypeError):
            while self.process.returncode is None:
                self.peak_mib = process_memory_mib(self.process.pid, "VmHWM")
                time.sleep(0.05)  # what this costs is missing in what is measured


class Reader:
    """A steem-reader process; finish() waits and returns its CPU seconds and peak MiB."""

    def __init__(self, lab, *arguments, config, environment=None):
        self.log = open(config.with_suffix(".log"), "wb")
        self.started_at = time.time()
        self.process = subprocess.Popen(
            [lab.build / "steem-reader", "-c", config, *arguments], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, env={**os.environ, **(environment or {})})
        self.watch = Watch(self.process)

    def finish(self, expect=(0,)):
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.log.close()
        if self.process.returncode not in expect:
            raise Failed(f"steem-reader ended with {self.process.returncode}:\n"
                         + pathlib.Path(self.log.name).read_text(errors="replace")[-2000:])
        return usage.ru_utime + usage.ru_stime, self.watch.peak_mib

    def count(self, event):
        """How often the log names an event."""
        return pathlib.Path(self.log.name).read_text(errors="replace").count(f" {event}: ")


class Lab:
    """The server and the files of one run."""

    def __init__(self, build, settings=None, kind=servers.MariaDB):
        names = MYSQL_NAMES if kind is servers.MySQL else {}
        options = [f"--{names.get(key, key)}={value}" for key, value in {**SERVER, **(settings or {})}.items()]
        self.build = pathlib.Path(build).resolve()
        self._folder = tempfile.TemporaryDirectory(prefix="sr-bench-")
        self.folder = pathlib.Path(self._folder.name)
        self.corpus = self.folder / "corpus"
        self._serial = 0
        self.server = servers.Server(options=options, kind=kind)
        self.server.start()

    def close(self):
        self.server.close()
        self._folder.cleanup()

    @property
    def server_cpu_s(self):
        return process_cpu_s(self.server.process.pid)

    def rows(self, database, statement, *args):
        with contextlib.closing(self.server.connect(database)) as connection, \
                connection.cursor() as cursor:
            cursor.execute(statement, args)
            return cursor.fetchall()

    def config(self, database, url, name="bench", **sections):
        """Of a reader, or of a poster if there is a section `poster`."""
        self._serial += 1
        path = self.folder / f"{self._serial}-{name}.conf"
        settings = {
            "nodes": ({"url": url},),
            "database": {"hosts": (self.server.socket,), "user": "root", "name": database}}
        if "poster" not in sections:
            settings["reader"] = {"name": name, "start_block": 1, "checkpoint": "none", **sections.pop("reader", {})}
        settings.update(sections)
        path.write_text(libconfig(settings))
        return path

    def fresh_database(self, keep=False):
        """A database with our tables; those before are dropped unless kept."""
        name = self.server.create_database()
        if not keep:
            for before, in self.server.execute("SHOW DATABASES LIKE 'steem\\_%'"):
                self.server.execute(f"DROP DATABASE {before}")
        Reader(self, "--migrate", config=self.config(name, "http://127.0.0.1:9/")).finish()
        return name

    def program(self, *command, timeout=600, cwd=None, environment=None):
        """Run one of ours that prints `key value` pairs; they and its CPU seconds, peak MiB."""
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, cwd=cwd,
                                   env={**os.environ, **(environment or {})})
        watch = Watch(process)
        timer = threading.Timer(timeout, process.kill)
        timer.start()
        output, errors = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise Failed(f"{command[0]} ended with {process.returncode}: {errors[-500:]}")
        figures = {key: float(value) for key, value in KEY_VALUE.findall(output)}
        return {**figures, "process_cpu": usage.ru_utime + usage.ru_stime,
                "peak_mib": watch.peak_mib}
