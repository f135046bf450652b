"""Proxies before the database that replace some bytes of what a client sends by as many others, or
answer in place of the server."""

import contextlib

from .proxy import Proxy, _Line, _read_packet, _shut


class Rewriter(Proxy):
    """Rewriter(socket, old, new): a client connects to `port`, by TCP and without TLS."""

    def __init__(self, target, old, new):
        assert len(old) == len(new)
        self.old, self.new = old, new
        super().__init__(target)

    def make_line(self, client, server):
        return _Rewriting(self, client, server)


class _Rewriting(_Line):
    def carry_queries(self):
        with contextlib.suppress(OSError):
            while packet := _read_packet(self.client):
                self.server.sendall(packet.replace(self.proxy.old, self.proxy.new))
        _shut(self.server)


class Confuser(Proxy):
    """Confuser(socket, asked, times): so often a statement with these bytes is answered by an OK."""

    def __init__(self, target, asked, times):
        self.asked, self.left = asked, times
        super().__init__(target)

    def make_line(self, client, server):
        return _Confusing(self, client, server)


class _Confusing(_Line):
    def carry_queries(self):
        with contextlib.suppress(OSError):
            while packet := _read_packet(self.client):
                if self.proxy.left > 0 and self.proxy.asked in packet:
                    self.proxy.left -= 1
                    self.client.sendall(b"\7\0\0\1\0\0\0\2\0\0\0")
                else:
                    self.server.sendall(packet)
        _shut(self.server)
