"""Somebody who answers in place of the database server, and wants the password.

    impostor = Impostor("mysql_clear_password", papers=None)
    impostor.port, impostor.path         where it listens; path=... makes it a Unix socket
    impostor.answers                     what each client sent after it was asked by that method
    impostor.heard                       every byte that any client sent, decrypted
    impostor.close()

It speaks as much of the protocol as that takes: a greeting, TLS where `papers` (certificate, key)
are given, a switch to the method, and for caching_sha2_password the demand for the password itself.
With file="..." it lets the client in, by the method, and asks it for that file (LOCAL INFILE).
"""

import contextlib
import socket
import ssl
import threading

from .proxy import _read_packet

CLIENT_SSL = 0x800
# all that is usual: long passwords, protocol 4.1, secure connection, plugins, local files
CAPABILITIES = 0x001BF7DF | 0x80
OK = b"\0\0\0\2\0\0\0"
SEED = b"abcdefgh", b"ijklmnopqrst\0"


class Impostor:
    """See the module's text."""

    def __init__(self, method, papers=None, path=None, file=None):
        self.method, self.papers, self.file = method, papers, file
        self.answers, self.heard = [], b""
        self.changed = threading.Condition()
        if path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(path)
            self._listener.listen()
        else:
            self._listener = socket.create_server(("127.0.0.1", 0))
            self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def wait_answer(self, timeout=20):
        """What the first client sent that was asked; b"" if it went away instead."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.answers, timeout):
                raise AssertionError("nobody came as far as the question for the password")
            return self.answers[0]

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        answer = b""
        with contextlib.suppress(OSError), contextlib.closing(client):
            client.settimeout(20)
            client, number = self._greet(client)
            if self.file:
                self._ask_for_file(client, number)
                return
            _send(client, number, b"\xfe" + self.method.encode() + b"\0" + b"".join(SEED))
            answer = self._hear(client)
            if self.method == "caching_sha2_password" and answer:
                _send(client, number + 2, b"\1\4")  # not in my cache: send it whole
                answer = self._hear(client)
        with self.changed:
            self.answers.append(answer)
            self.changed.notify_all()

    def _greet(self, client):
        capabilities = CAPABILITIES | (CLIENT_SSL if self.papers else 0)
        _send(client, 0, b"\x0a5.5.5-10.11.19-MariaDB\0" + b"\1\0\0\0" + SEED[0] + b"\0"
              + (capabilities & 0xFFFF).to_bytes(2, "little") + b"\x21\2\0"
              + (capabilities >> 16).to_bytes(2, "little") + b"\x15" + b"\0" * 10 + SEED[1]
              + (self.method.encode() if self.file else b"mysql_native_password") + b"\0")
        packet = self._hear(client)
        if self.papers and int.from_bytes(packet[:4], "little") & CLIENT_SSL and len(packet) == 32:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.papers)
            client = context.wrap_socket(client, server_side=True)
            self._hear(client)
            return client, 3
        return client, 2

    def _ask_for_file(self, client, number):
        if self.method == "caching_sha2_password":
            _send(client, number, b"\1\3")  # the password is right, as I know from before
            number += 1
        _send(client, number, OK)
        query = self._hear(client)
        while query and query[0] != 1:  # COM_QUIT
            _send(client, 1, b"\xfb" + self.file.encode() if query[0] == 3 else OK)
            answer = self._hear(client)
            with self.changed:
                self.answers.append(answer)
                self.changed.notify_all()
            _send(client, 3, OK)
            query = self._hear(client)

    def _hear(self, client):
        packet = _read_packet(client)
        self.heard += packet
        return packet[4:]


def _send(client, number, payload):
    client.sendall(len(payload).to_bytes(3, "little") + bytes([number]) + payload)
