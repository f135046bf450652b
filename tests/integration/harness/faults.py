"""What a node can do wrong. The vocabulary is three words:

    node.fault(what, block=None, method=None, times=None, **details)   do this wrong
    node.count[what]                                                   how often it happened
    nothing set: everything passes through unharmed

`block` is a number or a collection of numbers, `method` a name without its API. Without them a
fault hits everything. `times=None` is for ever, until fault.clear(). `turn=k` spares the node's
first k - 1 requests. `chance=0.2` spares four of five, by a dice of its own (`seed`).

The connection    reset, reset_body, hang (until fault.release()), delay (seconds),
                  kill (seconds: so long nobody listens any more),
                  drip (seconds between single bytes), huge (bytes), endless (first, more:
                  the bytes of the answer, the second for ever), wire (bytes: the answer)
HTTP              status (code, retry_after, body), raw (status, headers, body), html, empty,
                  garbage, cut, trailing, wrong_length
The envelope      error_object (code, message: one object in place of an array),
                  refuse_batch (above: error 1600 for bigger batches), missing, doubled,
                  reordered, extra, wrong_id
One item          rpc_error (code, message), null, result (text), other_block (offset), fork
                  (chain), broken_previous, no_block_id, few_ids, zero_merkle, merkle_without_trx,
                  no_operations, mangle (function: bytes to bytes), stale (by); of virtual
                  operations: empty_virtual, no_reward, other_virtual, real_mixed_in, other_trx; lies
                  about them: added_virtual, changed_virtual, dropped_virtual
A lie           lie (kind: see lies.py), of a block; only who proves blocks can notice
A broadcast     see checking.py: refused, exhausted, vanish, repeated, lost_answer, late_answer,
                refused_but_sent, withheld
"""

import json
import random
import threading

from . import lies, virtual

HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>down</body>\r\n</html>\r\n"
TRAILERS = {"first": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n",
            "more": b"trailer: " + b"x" * 60 + b"\r\n"}
# Its first header line continues one that is not there.
FOLDED = (b"HTTP/1.1 200 OK\r\n fold: " + b"A" * 2000 + b"\r\nContent-Length: 3\r\n\r\n[1]")
GARBAGE = bytes(range(256)) * 8
CONNECTION = {"reset", "reset_body", "hang", "delay", "drip", "huge", "endless", "wire",
              "kill"}
HTTP = {"status", "raw", "html", "empty", "garbage", "cut", "trailing", "wrong_length"}
ENVELOPE = {"error_object", "refuse_batch", "missing", "doubled", "reordered", "extra"}
ITEM = {"wrong_id", "rpc_error", "null", "result", "other_block", "fork", "broken_previous",
        "no_block_id", "few_ids", "zero_merkle", "merkle_without_trx", "no_operations", "mangle",
        "stale", *virtual.LIES, *virtual.INVENTIONS}
VIRTUAL = {**virtual.LIES, **virtual.INVENTIONS}
LIES = {"lie"}
BROADCAST = {"refused", "exhausted", "vanish", "repeated", "lost_answer", "late_answer",
             "refused_but_sent", "withheld"}
ONLY_BATCHES = {"error_object", "refuse_batch", "missing", "doubled", "reordered"}
ZERO = "0" * 40


class Fault:
    """One thing to do wrong; made by node.fault()."""

    def __init__(self, node, what, block, method, times, details):
        if what not in CONNECTION | HTTP | ENVELOPE | ITEM | LIES | BROADCAST:
            raise ValueError(f"no fault is called {what}")
        self.node, self.what, self.details, self.times = node, what, details, times
        self.turn = details.get("turn", 0)
        self.dice = random.Random(f"{what} {details.get('seed')}")
        self.blocks = {block} if isinstance(block, int) else block
        self.method = method
        self.count = 0
        self.released = threading.Event()

    def __getitem__(self, name):
        return self.details[name]

    def hits(self, call):
        """Whether the fault is meant for this call."""
        return (self.is_due and (self.method is None or self.method == call.method)
                and (self.blocks is None or call.block in self.blocks))

    @property
    def is_due(self):
        """Whether its turn has come."""
        return self.node.count["requests"] >= self.turn

    def take(self):
        """Use the fault once; False when it is used up. The node's lock is held."""
        if self.times is not None and self.count >= self.times:
            return False
        if self.dice.random() >= self.details.get("chance", 1):
            return False
        self.count += 1
        self.node.count[self.what] += 1
        self.node.changed.notify_all()
        return True

    def release(self):
        """Let what hangs go on."""
        self.released.set()

    def clear(self):
        """The node behaves again."""
        self.node.drop_fault(self)
        self.release()


def error_text(ident, code, message, data=None):
    error = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    return json.dumps({"jsonrpc": "2.0", "error": error, "id": ident}).encode()


def _changed(raw, change):
    block = json.loads(raw)
    change(block)
    return json.dumps(block).encode()


def _no_operations(block):
    for trx in block["transactions"][:1]:
        trx["operations"] = []


BLOCK_CHANGES = {
    "broken_previous": lambda b: b.update(previous=b["previous"][:8] + "ba" * 16),
    "no_block_id": lambda b: b.pop("block_id"),
    "few_ids": lambda b: b.update(transaction_ids=b["transaction_ids"][:-1]),
    "zero_merkle": lambda b: b.update(transaction_merkle_root=ZERO),
    "merkle_without_trx": lambda b: b.update(transactions=[], transaction_ids=[]),
    "no_operations": _no_operations,
}


def change_result(fault, call, result):
    """The result text of a call after an ITEM fault that changes results."""
    what = fault.what
    if what == "null":
        return b"null"
    if what == "result":
        return fault["text"].encode() if isinstance(fault["text"], str) else fault["text"]
    if what == "mangle":
        return fault["function"](result)
    if what == "stale":
        return _stale(fault, call, result)
    if result == b"null" or call.block is None:  # the faults below are of blocks
        return result
    if what in VIRTUAL:
        return VIRTUAL[what](result) if call.method == "get_ops_in_block" else result
    if what == "lie":
        return lies.tell(result, fault["kind"]) if call.method == "get_block" else result
    if what == "other_block":
        return fault.node.chain.raw(call.block + fault.details.get("offset", 1)) or b"null"
    if what == "fork":
        return fault["chain"].raw(call.block)
    return _changed(result, BLOCK_CHANGES[what])


def _stale(fault, call, result):
    if call.method != "get_dynamic_global_properties":
        return result
    node, by = fault.node, fault["by"]
    return node.properties(max(node.head - by, 0), max(node.irreversible - by, 0))


def change_envelope(fault, texts):
    """The answers of a batch after an ENVELOPE fault that changes the list."""
    texts = list(texts)
    if fault.what == "missing":
        del texts[len(texts) // 2]
    elif fault.what == "doubled":
        texts[-1] = texts[0]
    elif fault.what == "reordered":
        texts.reverse()
    elif fault.what == "extra":
        texts.append(b'{"jsonrpc":"2.0","result":null,"id":987654321}')
    return texts


def change_body(fault, body):
    """The whole body after an HTTP fault that changes it."""
    what = fault.what
    if what == "html":
        return HTML
    if what == "empty":
        return b""
    if what == "garbage":
        return GARBAGE
    if what == "cut":
        return body[:len(body) * 2 // 3]
    return body + b'}]<!-- served by cache -->{"jsonrpc":'
