"""A TCP relay in front of a server: a network that may stop, without a word to either side.

    relay = Relay(server.port)        connect to relay.port
    relay.stop()                      what is sent from now on goes nowhere, both ways
    relay.go_on()                     what was held back goes on
    relay.forget()                    the connections that are there lead nowhere, for ever
    Relay(port, turns=[port, ...])    each new connection leads to the next of these: several
                                      servers behind one name
    relay.move(port)                  new connections lead elsewhere, those that are there stay
    relay.close()
"""

import contextlib
import itertools
import socket
import threading


class Relay:
    """See the module's text."""

    def __init__(self, port, host="127.0.0.1", turns=()):
        self.target = host, port
        self._turns = itertools.cycle(turns)
        self._flowing = threading.Event()
        self._flowing.set()
        self._known = 0
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self):
        self._flowing.clear()

    def go_on(self):
        self._flowing.set()

    def forget(self):
        self._known += 1

    def move(self, port):
        self.target = self.target[0], port

    def close(self):
        self._listener.close()
        self.go_on()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.target = self.target[0], next(self._turns, self.target[1])
                server = socket.create_connection(self.target)
                for sock in (client, server):
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._sockets.append(sock)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._carry, args=(*pair, self._known),
                                     daemon=True).start()

    def _carry(self, source, goal, known):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self._flowing.wait()
                if known == self._known:
                    goal.sendall(data)
        self._flowing.wait()  # the end, too, is not heard of
        for sock in (source, goal):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
