"""The program under test: its configuration, its process, its log lines, its tables.

The program is $STEEM_READER, else `steem-reader` in the current or the top folder.
"""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import threading
import time

import pymysql

from .chain import TOP
from .servers import DIES_WITH_US
from .polling import poll

LINE = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) (\w+) ([a-z][a-z0-9_]*): (.*)$")
JOURNAL_LINE = re.compile(r"^<([0-7])>([a-z][a-z0-9_]*): (.*)$")
SANITIZER = re.compile(r"(?:Address|Thread)Sanitizer|runtime error:|LeakSanitizer|UndefinedBehavior")
LEVELS = {3: "error", 4: "warning", 6: "info", 7: "debug"}
SANITIZER_EXIT = 99


def is_sanitized():
    """Whether the program was built with a sanitizer."""
    content = pathlib.Path(program()).read_bytes()
    return b"__asan_init" in content or b"__tsan_init" in content


def has_mysql_library():
    """Whether the program was linked with libmysqlclient, and not with MariaDB Connector/C."""
    return b"libmysqlclient.so" in pathlib.Path(program()).read_bytes()


def program():
    """The path of the program, or None."""
    given = os.environ.get("STEEM_READER")
    places = [given] if given else ["steem-reader", str(TOP / "steem-reader")]
    return next((os.path.abspath(p) for p in places if os.access(p, os.X_OK)), None)


def libconfig(value, indent=0):
    """A Python value as libconfig writes it; the outermost dict without braces."""
    pad = "    " * indent
    if isinstance(value, dict):
        lines = [f"{pad}{key} = {libconfig(item, indent + 1)};" for key, item in value.items()]
        if indent == 0:
            return "\n".join(lines) + "\n"
        return "{\n" + "\n".join(lines) + "\n" + "    " * (indent - 1) + "}"
    if isinstance(value, (list, tuple)):
        return "( " + ", ".join(libconfig(item, indent + 1) for item in value) + " )"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and abs(value) >= 2 ** 31:
        return f"{value}L"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return str(value)


class Line:
    """One line of standard error; event is None where it is not an event."""

    def __init__(self, text):
        self.text, self.at = text, time.monotonic()
        self.level = self.event = self.message = None
        if match := LINE.match(text):
            _, self.level, self.event, self.message = match.groups()
        elif match := JOURNAL_LINE.match(text):
            self.level, self.event, self.message = LEVELS[int(match[1])], match[2], match[3]

    def __repr__(self):
        return self.text


class Reader:
    """A running steem-reader. Lines come in by a thread; wait_for() waits for an event."""

    def __init__(self, arguments, config_path, name="reader", environment=None, new_session=True,
                 executable=None):
        self.name, self.config_path = name, config_path
        self.arguments = [str(argument) for argument in arguments]
        self.lines, self.output = [], []
        self.changed = threading.Condition()
        settings = {key: value for key, value in os.environ.items()
                    if key not in ("NOTIFY_SOCKET", "JOURNAL_STREAM", "WATCHDOG_USEC")}
        settings.setdefault("ASAN_OPTIONS", f"exitcode={SANITIZER_EXIT}:detect_leaks=1")
        settings.setdefault("TSAN_OPTIONS", f"exitcode={SANITIZER_EXIT}")
        settings.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        settings.update(environment or {})
        self.command = [*DIES_WITH_US, executable or program(),
                        *(["-c", str(config_path)] if config_path else []),
                        *self.arguments]
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=settings, start_new_session=new_session)
        self.pid = self.process.pid
        self._threads = [
            threading.Thread(target=self._read, args=(self.process.stderr, self._log), daemon=True),
            threading.Thread(target=self._read, args=(self.process.stdout, self.output.append),
                             daemon=True)]
        for thread in self._threads:
            thread.start()

    def _read(self, stream, take):
        for raw in stream:
            with self.changed:
                take(raw.decode("utf-8", errors="replace").rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            stream.close()
            self.changed.notify_all()

    def _log(self, text):
        self.lines.append(Line(text))

    # ---- what it said

    def events(self, event=None, containing=""):
        """The lines of an event so far."""
        with self.changed:
            return [line for line in self.lines if line.event
                    and (event is None or line.event == event) and containing in line.text]

    def wait_for(self, event, timeout=20, count=1, containing=""):
        """Wait until the event was logged that often; returns its last line."""
        def found():
            return len(self.events(event, containing)) >= count or self._ended()

        with self.changed:
            self.changed.wait_for(found, timeout)
        lines = self.events(event, containing)
        if len(lines) < count:
            ended = f", ended with {self.process.poll()}" if self._ended() else ""
            raise AssertionError(f"{self.name}: {event} {containing!r} came {len(lines)} of {count}"
                                 f" times in {timeout} s{ended}\n{self.tail()}")
        return lines[count - 1]

    def wait_line(self, predicate, timeout=20):
        """Wait for an event line that the predicate likes; for events without a promised name."""
        def found():
            return next((line for line in self.lines if line.event and predicate(line)), None)

        with self.changed:
            self.changed.wait_for(lambda: found() or self._ended(), timeout)
        if found() is None:
            raise AssertionError(f"{self.name}: no such line in {timeout} s\n{self.tail()}")
        return found()

    def _ended(self):
        return self.process.stderr.closed

    @property
    def stdout(self):
        return "\n".join(self.output)

    @property
    def stderr(self):
        return "\n".join(line.text for line in self.lines)

    def tail(self, count=40):
        """The last lines of its log, for a failure's report."""
        title = f"--- {self.name}: {' '.join(self.arguments) or 'daemon'}"
        return "\n".join([title, *map(str, self.lines[-count:])])

    def sanitizer_report(self):
        return [line.text for line in self.lines if SANITIZER.search(line.text)]

    # ---- its life

    @property
    def is_running(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self, timeout=20):
        """Its exit code (negative: the signal that killed it)."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name}: still runs after {timeout} s\n{self.tail()}") from None
        for thread in self._threads:
            thread.join(5)
        return code

    def stop(self, timeout=20):
        """SIGTERM; returns the exit code. A process that was started a moment ago would die of the signal."""
        if self.is_running:
            poll(lambda: self._heeds(signal.SIGTERM) or self._ended(), otherwise=lambda _:
                 f"{self.name} does not heed SIGTERM\n{self.tail()}")
            self.signal(signal.SIGTERM)
        return self.wait_exit(timeout)

    def _heeds(self, number):
        """Does the process block or handle this signal?"""
        with contextlib.suppress(OSError):
            masks = dict(line.split(":\t") for line in
                         pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
                         if line.startswith("Sig") and line[:6] in ("SigBlk", "SigIgn", "SigCgt"))
            return any(int(mask, 16) >> (number - 1) & 1 for mask in masks.values())
        return False

    def kill(self):
        """SIGKILL, whatever state it is in."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        return self.wait_exit()

    def freeze(self):
        self.signal(signal.SIGSTOP)

    def thaw(self):
        self.signal(signal.SIGCONT)


class Database:
    """The reader's tables, as a consumer sees them."""

    def __init__(self, connect):
        self._connect, self._connection = connect, None

    @property
    def connection(self):
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def close(self):
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
        self._connection = None

    def rows(self, statement, *args):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, args or None)
            return cursor.fetchall()

    def value(self, statement, *args):
        found = self.rows(statement, *args)
        return found[0][0] if found else None

    def execute(self, statement, *args):
        with self.connection.cursor() as cursor:
            return cursor.execute(statement, args or None)

    def _processes(self, where, *args):
        try:
            return self.rows(f"SELECT id FROM information_schema.processlist WHERE {where}", *args)
        except pymysql.MySQLError as error:
            if error.args[0] != 3854:  # MySQL cannot show a statement that it cuts inside a character
                raise
            return self._processes(where, *args)

    def kill_others(self, where="user = 'root'", *args, pick=lambda: True):
        """End those connections of the server of which this holds, but our own; of these only the ones
        for which pick() is true."""
        for (number,) in self._processes(f"id <> CONNECTION_ID() AND {where}", *args):
            if pick():
                with contextlib.suppress(pymysql.MySQLError):  # it has gone by itself
                    self.execute(f"KILL {number}")

    def wait_until(self, statement, predicate=bool, timeout=20, args=()):
        """The first value of a statement, once the predicate holds for it.

        Lost connections and missing tables count as "not yet".
        """
        def ask():
            try:
                return self.value(statement, *args)
            except Exception:
                self.close()
                raise

        return poll(ask, predicate, timeout=timeout, not_yet=Exception, otherwise=lambda value:
                    f"{statement}: still {value!r} after {timeout} s")

    def wait_blocks(self, count, timeout=20):
        """Wait until so many blocks are stored."""
        return self.wait_until("SELECT COUNT(*) FROM blocks", lambda n: n >= count, timeout)

    def wait_block(self, number, timeout=20):
        """Wait until this block is stored."""
        return self.wait_until("SELECT COUNT(*) FROM blocks WHERE block = %s", bool, timeout,
                               (number,))


def write_config(path, settings):
    path = pathlib.Path(path)
    path.write_text(libconfig(settings), encoding="utf-8")
    return path
