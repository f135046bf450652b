"""A proxy before the database that replaces some bytes of what a client sends by as many others."""

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
