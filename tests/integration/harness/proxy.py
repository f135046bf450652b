"""A proxy before the database that forwards everything but the reply to COMMIT; a way to be cut.

    proxy = Proxy(server.socket)          a reader connects to proxy.port, by TCP
    proxy.drop_replies(every=2)           every second COMMIT is done, and nobody hears of it
    proxy.dropped                         how many so far
    proxy.forward_all()                   from now on every reply comes
    proxy.cut(), proxy.mute()             connections end and are refused; are taken and hear nothing
    proxy.restore()                       as at the beginning
    proxy.connections                     how many were carried to the server
    proxy.close()

After a reply was dropped the connection is closed, or with how="hang" left open in silence; with
how="mixed" every other time it is the COMMIT itself that gets lost, which looks the same. It reads
as much of the protocol as that takes: packets, and the text of a query. TLS must be off.
"""

import contextlib
import socket
import threading

COM_QUERY = 3
COMMITS = (b"COMMIT", b"\0\1COMMIT")  # MySQL's library sends the number of query attributes before it


class Proxy:
    """See the module's text."""

    def __init__(self, target):
        self.target = target
        self.commits = self.dropped = self.connections = 0
        self.changed = threading.Condition()
        self._every, self._times, self._how = 0, None, "close"
        self._state, self._mixed = "open", False
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    # ---- what it does

    def drop_replies(self, every=1, times=None, how="close"):
        """Drop the reply to every n-th COMMIT from now on, so often; how: close, hang or mixed."""
        with self.changed:
            self._every, self._times, self._how = every, times, how

    def forward_all(self):
        self.drop_replies(every=0)

    def wait_dropped(self, count, timeout=30):
        """Wait until so many replies were dropped."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.dropped >= count, timeout):
                raise AssertionError(f"{self.dropped} of {count} replies dropped in {timeout} s")

    def cut(self):
        self._state = "cut"
        for sock in self._sockets:
            _shut(sock)

    def mute(self):
        self._state = "mute"

    def restore(self):
        self._state = "open"

    def close(self):
        self._listener.close()
        for sock in self._sockets:
            _shut(sock)
            sock.close()

    # ---- how

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._sockets.append(client)
                if self._state != "open":
                    if self._state == "cut":
                        _shut(client)
                    continue
                server = socket.socket(socket.AF_UNIX)
                self._sockets.append(server)
                self.connections += 1
                try:
                    server.connect(self.target)
                except OSError:
                    _shut(client)
                    continue
                line = self.make_line(client, server)
                for run in (line.carry_queries, line.carry_replies):
                    threading.Thread(target=run, daemon=True).start()

    def make_line(self, client, server):
        return _Line(self, client, server)

    def take_commit(self):
        """Called for each COMMIT: must its reply be dropped, and how?"""
        with self.changed:
            self.commits += 1
            if not self._every or self._times == 0 or self.commits % self._every:
                return None
            if self._times:
                self._times -= 1
            if self._how != "mixed":
                return self._how
            self._mixed = not self._mixed
            return "lose" if self._mixed else "close"

    def note_dropped(self):
        with self.changed:
            self.dropped += 1
            self.changed.notify_all()


class _Line:
    """One connection through the proxy."""

    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.how = None  # to drop the next reply

    def carry_queries(self):
        with contextlib.suppress(OSError):
            while packet := _read_packet(self.client):
                if packet[3:5] == bytes((0, COM_QUERY)) and packet[5:] in COMMITS:
                    self.how = self.proxy.take_commit()
                if self.how == "lose":
                    self.proxy.note_dropped()
                    _shut(self.client)
                    break
                self.server.sendall(packet)
        _shut(self.server)

    def carry_replies(self):
        with contextlib.suppress(OSError):
            while packet := _read_packet(self.server):
                if self.how is None:
                    self.client.sendall(packet)
                    continue
                self.proxy.note_dropped()
                if self.how == "close":
                    break
        if self.how != "hang":
            _shut(self.client)
        _shut(self.server)


def _read_packet(sock):
    head = _read(sock, 4)
    if not head:
        return b""
    return head + _read(sock, int.from_bytes(head[:3], "little"))


def _read(sock, count):
    parts = []
    while count > 0:
        part = sock.recv(count)
        if not part:
            return b""
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _shut(sock):
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
