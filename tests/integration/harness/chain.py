"""Chains that a simulated node can serve: synthetic, recorded, and busy recorded blocks.

A chain answers `raw(n)`: the bytes of condenser_api.get_block's result, or None where it has
no such block; `block_id(n)`, `timestamp(n)`, and `block(n)`: what must stand in the tables.
"""

import datetime
import functools
import hashlib
import json
import pathlib

from . import expect, jsontext, operations

TOP = pathlib.Path(__file__).resolve().parents[3]
DATA = TOP.parent / "shared" / "chain"
ZERO_ID = "0" * 40
BLOCK_INTERVAL_S = 3
GENESIS = datetime.datetime(2016, 3, 24, 16, 0, 0)


def recorded_data():
    """The folder of the recorded data, or None where it is absent."""
    return DATA if (DATA / "runs").is_dir() else None


def _digest(*parts):
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


class Chain:
    """What all chains share."""

    last = None  # None: endless

    def raw(self, number):
        raise NotImplementedError

    @functools.lru_cache(maxsize=4096)
    def block(self, number):
        """The expect.Block of a number, or None."""
        raw = self.raw(number)
        return expect.decode(raw) if raw is not None else None

    def block_id(self, number):
        block = self.block(number) if number > 0 else None
        return block.block_id if block else ZERO_ID

    def timestamp(self, number):
        block = self.block(number) if number > 0 else None
        return (block.timestamp if block else GENESIS).isoformat()


class LinkedChain(Chain):
    """A chain whose ids are made from its label; blocks are linked by construction.

    fork=(n, other_label): from block n on it is another chain, which has the same blocks below.
    publish() adds operations to a block that nobody has seen yet.
    """

    def __init__(self, label="main", genesis=GENESIS, fork=None):
        self.label, self.genesis, self.fork = label, genesis, fork
        self.published = {}

    def label_at(self, number):
        return self.fork[1] if self.fork and number >= self.fork[0] else self.label

    def block_id(self, number):
        if number < 1:
            return ZERO_ID
        return f"{number:08x}" + _digest("id", self.label_at(number), number)[:32]

    def timestamp(self, number):
        seconds = number * BLOCK_INTERVAL_S
        return (self.genesis + datetime.timedelta(seconds=seconds)).isoformat()

    def publish(self, number, ops):
        """One more transaction, of [(name, body)], in a block to come; returns its id."""
        there = self.published.setdefault(number, [])
        trx_id = _digest("published", self.label, number, len(there))[:40]
        there.append((trx_id, operations.emit({
            "ref_block_num": (number - 1) & 0xFFFF, "ref_block_prefix": 3564109979,
            "expiration": self.timestamp(number + 100), "operations": [list(op) for op in ops],
            "extensions": [], "signatures": ["1f" + _digest("s", trx_id) * 2],
            "transaction_id": trx_id, "block_num": number})))
        return trx_id

    def assemble(self, number, transactions, trx_ids):
        """A block's text: our header around the transactions' text."""
        emit = operations.emit
        more = self.published.get(number, [])
        transactions = list(transactions) + [text for _, text in more]
        trx_ids = list(trx_ids) + [trx_id for trx_id, _ in more]
        label = self.label_at(number)
        merkle = _digest("merkle", label, number)[:40] if trx_ids else ZERO_ID
        return operations.emit({
            "previous": self.block_id(number - 1),
            "timestamp": self.timestamp(number),
            "witness": operations.NAMES[number % len(operations.NAMES)],
            "transaction_merkle_root": merkle,
            "extensions": [[1, "0.23.1"]] if number % 3 == 0 else [],
            "witness_signature": "20" + _digest("sig", label, number) * 2,
            "transactions": operations.Raw(f"[{','.join(transactions)}]"),
            "block_id": self.block_id(number),
            "signing_key": operations.KEY,
            "transaction_ids": operations.Raw(emit(list(trx_ids))),
        }).encode("utf-8", "surrogateescape")


class SyntheticChain(LinkedChain):
    """Endless; needs no data; every operation type appears within any 30 blocks.

    Every eighth block is empty, every 64th holds an operation of 64 kB (unless plain=True: then
    one transfer a block, for tests that want many small blocks). extra={n: [(name, body text)]}
    adds a transaction to block n; bytes that are not UTF-8 come in as surrogateescape.
    again={n: [(chain, number, index)]} adds to block n transactions of blocks of other chains, under
    their ids: what was in an orphaned block comes again in another one.
    """

    def __init__(self, label="main", genesis=GENESIS, fork=None, plain=False, extra=None,
                 again=None):
        super().__init__(label, genesis, fork)
        self.plain = plain
        self.extra, self.again = extra or {}, again or {}

    @functools.lru_cache(maxsize=8192)
    def raw(self, number):
        if number < 1:
            return None
        transactions, trx_ids = [], []
        for index, (trx_id, ops) in enumerate(self._trxs(number)):
            trx_ids.append(trx_id)
            transactions.append(operations.emit({
                "ref_block_num": (number - 1) & 0xFFFF, "ref_block_prefix": 3564109979,
                "expiration": self.timestamp(number + 100),
                "operations": operations.Raw(
                    "[" + ",".join(f'["{name}",{body}]' for name, body in ops) + "]"),
                "extensions": [], "signatures": ["1f" + _digest("s", trx_id) * 2],
                "transaction_id": trx_id, "block_num": number, "transaction_num": index}))
        return self.assemble(number, transactions, trx_ids)

    def _trxs(self, number):
        """The transactions of a block, each as its id and its operations."""
        label = self.label_at(number)
        trxs = self._operations(number, label)
        if number in self.extra:
            trxs = trxs + [self.extra[number]]
        trxs = [(_digest("trx", label, number, index)[:40], ops)
                for index, ops in enumerate(trxs)]
        for other, there, index in self.again.get(number, ()):
            trxs.append(other._trxs(there)[index])  # pylint: disable=protected-access
        return trxs

    def _operations(self, number, label):
        """The transactions of a block, each a list of (name, body text)."""
        if self.plain:
            return [[("transfer", operations.emit(
                operations.REAL["transfer"](operations.Dice(label, number))))]]
        if number % 8 == 0:
            return []
        serial = (number - number // 8) * 5
        ops = [operations.sample(serial + i, label, number) for i in range(5)]
        if number % 64 == 1:
            ops.append(operations.big(label, number))
        shape = {1: [1] * 6, 2: [5, 1], 3: [2, 2, 2], 4: [1, 3, 2], 5: [3, 1, 1, 1],
                 6: [1, 1, 4], 7: [6]}[number % 8]
        trxs = []
        for size in shape:
            trxs.append(ops[:size])
            ops = ops[size:]
        return [trx for trx in trxs if trx]


class RecordedChain(Chain):
    """Blocks 1-1000 and 4999981-5000000 of the real chain, byte for byte."""

    last = 5000000

    def __init__(self):
        self.lines = {}
        for path in sorted((DATA / "runs").glob("*.jsonl")):
            number = int(path.stem.split("-")[0])
            for line in path.read_bytes().splitlines():
                self.lines[number] = line
                number += 1

    def raw(self, number):
        return self.lines.get(number)


class BusyChain(LinkedChain):
    """The transactions of the recorded busy blocks, cycled, in a linked chain of their own.

    The operations' text is the recorded one, byte for byte; only what names the block's number
    in a transaction is set anew.
    """

    def __init__(self, label="busy", genesis=GENESIS, fork=None):
        super().__init__(label, genesis, fork)
        index = json.loads((DATA / "blocks.index.json").read_text())
        self.numbers = sorted(entry["num"] for entry in index)

    def source(self, number):
        """The number of the recorded block whose transactions block `number` holds."""
        return self.numbers[(number - 1) % len(self.numbers)]

    @functools.lru_cache(maxsize=1024)
    def raw(self, number):
        if number < 1:
            return None
        text, transactions, trx_ids = self._recorded(self.source(number))
        out = []
        for trx in transactions:
            out.append(self._renumber(text, trx, number))
        return self.assemble(number, out, trx_ids)

    @functools.lru_cache(maxsize=128)
    def _recorded(self, source):
        text = (DATA / "blocks" / f"{source}.json").read_text(encoding="utf-8")
        root = jsontext.parse(text)
        return (text, root.get("transactions").items(),
                tuple(node.text() for node in root.get("transaction_ids").items()))

    @staticmethod
    def _renumber(text, trx, number):
        place = trx.get("block_num")
        if place is None:
            return text[trx.start:trx.end]
        return text[trx.start:place.start] + str(number) + text[place.end:trx.end]


def by_name(name):
    """A chain by the name that the command line uses."""
    if name == "best":
        name = "busy" if recorded_data() else "synthetic"
    return {"synthetic": SyntheticChain, "recorded": RecordedChain, "busy": BusyChain}[name]()
