"""A simulated Steem node: JSON-RPC over HTTP on the loopback, keep-alive, batches, gzip.

    node = Node(SyntheticChain(), irreversible=1000)
    node.url, node.head, node.irreversible      the last two may be set at any time
    node.live(0.1)                              both advance by one every 0.1 s
    node.fault("reset", block=17, times=3)      see faults.py
    node.count["get_block"], node.asked[17], node.log
    node.wait_for(lambda: node.count["reset"] == 3)

Its one surprise: irreversible and head may go back, as they do on a real node that restarts.

As a command: python3 -m harness.node --chain best --irreversible 500 --interval 3
"""

import argparse
import collections
import contextlib
import gzip
import http.server
import json
import select
import signal
import socket
import struct
import sys
import threading
import time

from . import chain as chains
from . import faults, jsontext
from .calls import Call, Request
from .ticker import Ticker

HEAD_AHEAD = 17
METHODS = ("get_dynamic_global_properties", "get_block", "get_ops_in_block", "get_witness_by_account",
           "broadcast_transaction_synchronous")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    allow_reuse_address = True
    allow_reuse_port = True  # beside the node's own socket, which only holds the port

    def handle_error(self, request, client_address):
        """Clients that go away are normal."""
        if not isinstance(sys.exc_info()[1], (OSError, ValueError)):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "WebSocket++/0.8.1", ""
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self):
        super().setup()
        self.server.node.connected(self.connection)

    def finish(self):
        with contextlib.suppress(OSError, ValueError):
            super().finish()
        self.server.node.disconnected(self.connection)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.node.serve(self, body)

    def do_GET(self):
        self.reply(200, b'{"status":"OK"}')

    def reply(self, status, body, headers=(), declared=None):
        self.send_response(status)
        given = {name.lower() for name, _ in headers}
        for name, value in headers:
            self.send_header(name, value)
        if "content-type" not in given:
            self.send_header("Content-Type", "application/json")
        if (self.server.node.gzip and len(body) > 200 and declared is None
                and "gzip" in (self.headers.get("Accept-Encoding") or "")):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body) if declared is None else declared))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        if self.server.node.closes_every_connection:
            self.close_connection = True
        if self.server.node.close_after_s is not None:
            self._close_as_steemd()

    def _close_as_steemd(self):
        """Without having said so; what came meanwhile is lost, and counted."""
        self.close_connection = True
        time.sleep(self.server.node.close_after_s)
        with contextlib.suppress(OSError):
            if self.connection.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK):
                self.server.node.lost()

    def reset(self):
        """Close so that the client sees ECONNRESET."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_message(self, *_):
        pass


class Node:
    """See the module's text. spelling: as_is, proxy or spaced (jsontext.respell).

    close_after_s: as a steemd without a proxy, the node closes each connection so long after its
    answer and does not say so; count["lost"] is of the requests that came on it meanwhile.
    """

    methods = METHODS

    def __init__(self, chain=None, irreversible=100, head=None, spelling="as_is", gzip=True,
                 port=0, name="node"):
        self.chain = chain or chains.SyntheticChain()
        self.name, self.spelling, self.gzip = name, spelling, gzip
        self._irreversible = irreversible
        self._head = head
        self.changed = threading.Condition(threading.RLock())
        self.count, self.asked, self.log = collections.Counter(), collections.Counter(), []
        self._faults, self._sockets, self._spelt = [], set(), {}
        self._closing = threading.Event()
        self._live = None
        self._is_dead = False
        self.closes_every_connection = False
        self.close_after_s = None
        self._make_blocks()
        self._bound = socket.socket()  # holds the port, also while nobody listens
        for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
            self._bound.setsockopt(socket.SOL_SOCKET, option, 1)
        self._bound.bind(("127.0.0.1", port))
        self.port = self._bound.getsockname()[1]
        self.accept()

    # ---- what the node says of itself

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def irreversible(self):
        return self._irreversible

    @irreversible.setter
    def irreversible(self, number):
        with self.changed:
            self._irreversible = number
            self._make_blocks()
            self.changed.notify_all()

    def _make_blocks(self):
        """Before anybody asks: a chain that makes its blocks only then would look like a node that
        is slow, and readers would go to another one."""
        self.chain.block_id(self.head)

    @property
    def head(self):
        if self._head is not None:
            return max(self._head, self._irreversible)
        head = self._irreversible + HEAD_AHEAD
        return min(head, self.chain.last or head)

    @head.setter
    def head(self, number):
        with self.changed:
            self._head = number
            self._make_blocks()
            self.changed.notify_all()

    def advance(self, count=1):
        """The irreversible block, and with it the head, moves on."""
        self.irreversible += count

    def grow(self, count=1):
        """A block at the head, and one more is irreversible."""
        with self.changed:
            self.head = self.head + count
            self.irreversible += count

    def reorganise(self, chain, head=None):
        """The node goes over to another branch; what is irreversible must be the same there."""
        with self.changed:
            self.chain, self._spelt = chain, {}
            if head is not None:
                self._head = head
            self._make_blocks()
            self.changed.notify_all()

    def live(self, interval_s=0.1, until=None):
        """A block every interval, until a number or until still() is called."""
        def one_more():
            if until is None or self.irreversible < until:
                self.advance()

        self._live = Ticker(interval_s, one_more)

    def still(self):
        """End live(); returns the irreversible block."""
        if self._live:
            self._live.cancel()
            self._live = None
        return self.irreversible

    # ---- faults and waiting

    def fault(self, what, block=None, method=None, times=None, **details):
        made = faults.Fault(self, what, block, method, times, details)
        with self.changed:
            self._faults.append(made)
        return made

    def drop_fault(self, fault):
        with self.changed:
            if fault in self._faults:
                self._faults.remove(fault)

    def heal(self):
        """No faults any more."""
        for fault in list(self._faults):
            fault.clear()

    def wait_for(self, condition, timeout=20):
        """Wait until the condition holds; looked at whenever something happened here."""
        with self.changed:
            if not self.changed.wait_for(condition, timeout):
                raise TimeoutError(f"{self.name}: waited {timeout} s; {dict(self.count)}")

    def _take(self, group, calls):
        """The faults of a group that hit these calls now."""
        with self.changed:
            return [fault for fault in self._faults
                    if fault.what in group and any(map(fault.hits, calls)) and fault.take()]

    # ---- the socket

    def refuse(self):
        """Close the listening socket and all connections: the next ones are refused.

        The port stays bound, or a node of another test would get it and answer.
        """
        self._server.shutdown()
        self._server.server_close()
        with self.changed:
            sockets = list(self._sockets)
        for sock in sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def accept(self):
        """Listen (again), on the same port as before."""
        self._server = Server(("127.0.0.1", self.port), Handler)
        self._server.node = self
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05},
                         daemon=True).start()

    def close(self):
        self.still()
        self._closing.set()
        self.heal()
        self.refuse()
        self._bound.close()

    def connected(self, sock):
        with self.changed:
            self._sockets.add(sock)
            self.count["connections"] += 1
            self.changed.notify_all()

    def lost(self):
        with self.changed:
            self.count["lost"] += 1
            self.changed.notify_all()

    def disconnected(self, sock):
        with self.changed:
            self._sockets.discard(sock)

    # ---- one request

    @staticmethod
    def read(body):
        return json.loads(body)

    def serve(self, handler, body):
        """Answer one HTTP request, or do it wrong."""
        request = self.read(body)
        is_batch = isinstance(request, list)
        calls = [Call.of(item) for item in (request if is_batch else [request])]
        with self.changed:
            self.log.append(Request(time.monotonic(), calls, is_batch))
            self.count["requests"] += 1
            self.count["batches"] += is_batch
            for call in calls:
                self.count[call.method] += 1
                self.asked[call.block] += 1
            self.changed.notify_all()
        if not self._disturb(handler, calls):
            self._send(handler, calls, self._body(calls, is_batch))
        with self.changed:
            self.count["answers"] += 1
            self.changed.notify_all()

    def _disturb(self, handler, calls):
        """Faults that answer before there is an answer. True: nothing is left to do."""
        for fault in self._take({"reset", "hang", "delay", "status", "raw", "huge", "endless",
                                 "wire", "kill"}, calls):
            if fault.what == "delay":
                fault.released.wait(fault["seconds"])
            elif fault.what == "hang":
                self._hang(handler, fault)
            elif fault.what in ("reset", "kill"):
                handler.reset()
                if fault.what == "kill":
                    threading.Thread(target=self._die, args=(fault["seconds"],),
                                     daemon=True).start()
                return True
            elif fault.what == "endless":
                details = {**faults.TRAILERS, **fault.details}  # and when it is to be given
                self._endless(handler, details["first"], details["more"])
                return True
            elif fault.what == "wire":
                handler.connection.sendall(fault.details.get("bytes", faults.FOLDED))
                return True
            elif fault.what == "huge":
                self._huge(handler, fault.details.get("bytes", 100 << 20))
                return True
            else:
                self._plain(handler, fault)
                return True
            if self._closing.is_set():
                handler.reset()
                return True
        return False

    def _die(self, seconds):
        """All connections end, and nobody listens; then it is started again."""
        with self.changed:
            if self._is_dead:
                return
            self._is_dead = True
        self.refuse()
        if not self._closing.wait(seconds):
            self.accept()
        self._is_dead = False

    @staticmethod
    def _hang(handler, fault):
        """Until released, or until the client has gone."""
        while not fault.released.wait(0.1):
            readable, _, _ = select.select([handler.connection], [], [], 0)
            if readable and not handler.connection.recv(1, socket.MSG_PEEK):
                handler.close_connection = True
                return

    @staticmethod
    def _plain(handler, fault):
        if fault.what == "raw":
            hop = ("content-length", "transfer-encoding", "content-encoding", "connection")
            headers = [(name, value) for name, value in fault.details.get("headers", ())
                       if name.lower() not in hop]
            handler.reply(fault.details.get("status") or 200, fault["body"], headers)
            return
        headers = [("Content-Type", "text/html")]
        if "retry_after" in fault.details:
            headers.append(("Retry-After", str(fault["retry_after"])))
        handler.reply(fault["code"], fault.details.get("body", faults.HTML), headers)

    @staticmethod
    def _endless(handler, first, more):
        """Bytes, until the client has enough of them."""
        handler.close_connection = True
        row = more * ((1 << 16) // len(more) + 1)
        with contextlib.suppress(OSError):
            handler.connection.sendall(first)
            while True:
                handler.connection.sendall(row)

    @staticmethod
    def _huge(handler, size):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(size))
        handler.end_headers()
        handler.wfile.write(b'[{"jsonrpc":"2.0","id":1,"result":"')
        chunk = b"x" * (1 << 16)
        for _ in range(size // len(chunk)):
            handler.wfile.write(chunk)
        handler.close_connection = True

    def _body(self, calls, is_batch):
        """The JSON text of the answer."""
        if is_batch:
            for fault in self._take({"error_object"}, calls):
                return faults.error_text(None, fault.details.get("code", -32603),
                                         fault.details.get("message", "Internal Error"))
            with self.changed:
                limits = [f for f in self._faults if f.what == "refuse_batch" and f.is_due
                          and len(calls) > f.details.get("above", 1) and f.take()]
            if limits:
                limit = limits[0].details.get("above", 1)
                return faults.error_text(
                    None, 1600, f"JSONRPC batch size of {len(calls)} exceeds {limit}")
        texts = [self._answer(call) for call in calls]
        if not is_batch:
            return texts[0]
        if len(texts) > 1:
            for fault in self._take({"missing", "doubled", "reordered"}, calls):
                texts = faults.change_envelope(fault, texts)
        for fault in self._take({"extra"}, calls):
            texts = faults.change_envelope(fault, texts)
        return b"[" + b",".join(texts) + b"]"

    def _answer(self, call):
        """One answer object."""
        ident = call.ident
        for fault in self._take({"rpc_error"}, [call]):
            message = fault.details.get("message", "Unable to acquire database lock")
            return faults.error_text(ident, fault.details.get("code", -32003), message)
        if call.method not in self.methods:
            return faults.error_text(ident, -32002, f"Could not find method {call.method}")
        result = getattr(self, "_" + call.method)(call)
        for fault in self._take(faults.ITEM - {"wrong_id", "rpc_error"} | faults.LIES, [call]):
            result = faults.change_result(fault, call, result)
        for _ in self._take({"wrong_id"}, [call]):
            ident = 77777777
        return (b'{"jsonrpc":"2.0","result":' + result + b',"id":'
                + json.dumps(ident).encode() + b"}")

    def _get_dynamic_global_properties(self, _):
        return self.properties(self.head, self.irreversible)

    def properties(self, head, irreversible):
        """The text of a get_dynamic_global_properties result."""
        return json.dumps({
            "head_block_number": head, "head_block_id": self.chain.block_id(head),
            "time": self.chain.timestamp(head), "current_witness": "alice",
            "total_pow": "514415", "num_pow_witnesses": 172, "maximum_block_size": 65536,
            "current_aslot": head + 100, "recent_slots_filled":
            "340282366920938463463374607431768211455", "participation_count": 128,
            "last_irreversible_block_num": irreversible, "vote_power_reserve_rate": 10,
        }, separators=(",", ":")).encode()

    def _get_block(self, call):
        number = call.block
        if not isinstance(number, int) or not 0 < number <= self.head:
            return b"null"
        raw = self.chain.raw(number)
        if raw is None or self.spelling == "as_is":
            return raw or b"null"
        if number not in self._spelt:
            self._spelt[number] = jsontext.respell(raw, self.spelling)
        return self._spelt[number]

    def _get_witness_by_account(self, call):
        key = self.chain.signing_key(call.params[0], self.head)
        if key is None:
            return b"null"
        return json.dumps({
            "id": 7, "owner": call.params[0], "created": "2016-03-24T17:00:00", "url": "",
            "votes": "1", "virtual_last_update": "340282366920938463463374607431768211455",
            "total_missed": 3, "last_confirmed_block_num": self.head, "signing_key": key,
            "props": {"account_creation_fee": "3.000 STEEM", "maximum_block_size": 65536},
            "running_version": "0.23.1"}, separators=(",", ":")).encode()

    def publish(self, *ops):
        """Operations, as (name, body), into the next block: its number and the trx id."""
        with self.changed:
            number = self.head + 1
            return number, self.chain.publish(number, ops)

    def _broadcast_transaction_synchronous(self, call):
        """Signatures are not looked at: what is sent stands in the next block."""
        number, trx_id = self.publish(*call.params[0]["operations"])
        return json.dumps({"id": trx_id, "block_num": number, "trx_num": 0,
                           "expired": False}).encode()

    def _get_ops_in_block(self, call):
        number = call.block
        if not 0 < number <= self.irreversible:
            return b"[]"
        if call.params[1:] != [True]:  # a real one reads what is not there
            self.count["bad_params"] += 1
        if hasattr(self.chain, "virtual"):
            return jsontext.respell(self.chain.virtual(number), self.spelling)
        reward = ["producer_reward", {"producer": "alice", "vesting_shares": "1.000000 VESTS"}]
        return json.dumps([{
            "trx_id": "0" * 40, "block": number, "trx_in_block": 4294967295, "op_in_trx": 0,
            "virtual_op": 1, "timestamp": self.chain.timestamp(number), "op": reward}]).encode()

    def _send(self, handler, calls, body):
        """Send the answer, unless a fault spoils it on the way."""
        declared = None
        for fault in self._take({"html", "empty", "garbage", "cut", "trailing"}, calls):
            body = faults.change_body(fault, body)
        for fault in self._take({"wrong_length"}, calls):
            declared = len(body) + fault.details.get("by", 1000)
            handler.close_connection = True
        for fault in self._take({"drip", "reset_body"}, calls):
            self._slowly(handler, fault, body)
            return
        handler.reply(200, body, declared=declared)

    def _slowly(self, handler, fault, body):
        """Half the body, then a reset; or the body in drops."""
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        if fault.what == "reset_body":
            handler.wfile.write(body[:len(body) // 2])
            handler.wfile.flush()
            handler.reset()
            return
        for at in range(len(body)):
            handler.wfile.write(body[at:at + 1])
            handler.wfile.flush()
            if not fault.released.is_set():
                fault.released.wait(fault.details.get("seconds", 0.05))


def main():
    """A sample chain for people: prints its URL, runs until a signal comes."""
    parser = argparse.ArgumentParser(prog="harness.node", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--chain", default="best",
                        choices=("best", "synthetic", "recorded", "busy"))
    parser.add_argument("--irreversible", type=int, default=1000)
    parser.add_argument("--interval", type=float, default=0,
                        help="a new block every so many seconds; 0: none")
    options = parser.parse_args()
    node = Node(chains.by_name(options.chain), irreversible=options.irreversible,
                port=options.port)
    if options.interval > 0:
        node.live(options.interval)
    print(node.url, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    node.close()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
