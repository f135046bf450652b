"""A made-up systemd, to hear what it is told."""

import socket
import threading


class Manager:
    """The socket behind NOTIFY_SOCKET, and what came through it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.messages = []
        self.changed = threading.Condition()
        self.environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while message := self.socket.recv(4096):
            with self.changed:
                self.messages += message.decode().split("\n")
                self.changed.notify_all()

    def wait_for(self, start, count=1, timeout=20):
        """Wait until so many messages begin so; the index behind the last of them."""
        def found():
            places = [i for i, text in enumerate(self.messages) if text.startswith(start)]
            return len(places) >= count and places[count - 1] + 1

        with self.changed:
            assert self.changed.wait_for(found, timeout), f"no {count} {start}: {self.messages}"
            return found()

    def count(self, start):
        with self.changed:
            return sum(text.startswith(start) for text in self.messages)

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.environment["NOTIFY_SOCKET"])
        self.socket.close()
