"""A database server whose calendar a test can move while it runs: ahead, and back.

A small library (clock.c) is preloaded into the server; how far the calendar is off stands in a
file that it has mapped. The monotonic clock, and all clocks outside the server, stay as they are.
"""

import mmap
import pathlib
import shutil
import struct
import subprocess

from . import servers

SOURCE = pathlib.Path(__file__).with_name("clock.c")
DAY_S = 86400


def compiler():
    """A C compiler, or None."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


class Clock:
    """The calendar of one server: move() says how many seconds it is ahead of this host's."""

    def __init__(self, folder, ahead_s=0):
        library, offset = folder / "clock.so", folder / "clock"
        subprocess.run([compiler(), "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"],
                       check=True)
        offset.write_bytes(bytes(8))
        self._file = open(offset, "r+b")  # pylint: disable=consider-using-with
        self._map = mmap.mmap(self._file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "MOVED_CLOCK": str(offset)}
        self.move(ahead_s)

    def move(self, ahead_s):
        self._map[:8] = struct.pack("=q", ahead_s)

    def close(self):
        self._map.close()
        self._file.close()


class MovedServer(servers.Server):
    """A private server with a calendar that moves."""

    def __init__(self, ahead_s=0):
        super().__init__()
        self.clock = Clock(self.folder, ahead_s)
        self.environment = self.clock.environment
        self.move = self.clock.move

    def close(self):
        super().close()
        self.clock.close()
