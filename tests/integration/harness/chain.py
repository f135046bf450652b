"""Chains that a simulated node can serve: synthetic, recorded, and busy recorded blocks.

A chain answers `raw(n)`: the bytes of condenser_api.get_block's result, or None where it has
no such block; `block_id(n)`, `timestamp(n)`, and `block(n)`: what must stand in the tables.
"""

import collections
import datetime
import functools
import hashlib
import json
import math
import pathlib
import re
import threading

from . import curve, expect, jsontext, operations, packing, prover

TOP = pathlib.Path(__file__).resolve().parents[3]
DATA = TOP.parent / "shared" / "chain"
ZERO_ID = "0" * 40
BLOCK_INTERVAL_S = 3
GENESIS = datetime.datetime(2016, 3, 24, 16, 0, 0)
FIRST_REWARDED = 864000  # from here on every block of the main chain has a producer_reward


def recorded_data():
    """The folder of the recorded data, or None where it is absent."""
    return DATA if (DATA / "runs").is_dir() else None


def _digest(*parts):
    return hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest()


# By its text: the chains of many tests have the same blocks.
_decoded = functools.lru_cache(maxsize=4096)(expect.decode)


class Chain:
    """What all chains share."""

    last = None  # None: endless

    def raw(self, number):
        raise NotImplementedError

    def signed(self, number):
        """The same with what was signed, where nodes are known to show something else."""
        return self.raw(number)

    def block(self, number):
        """The expect.Block of a number, or None; not to be changed."""
        raw = self.signed(number)
        return _decoded(raw) if raw is not None else None

    def block_id(self, number):
        block = self.block(number) if number > 0 else None
        return block.block_id if block else ZERO_ID

    def signing_key(self, witness, head):
        """The key of a witness when the block `head` was applied; None: there is no such witness."""
        raise NotImplementedError

    def timestamp(self, number):
        block = self.block(number) if number > 0 else None
        return (block.timestamp if block else GENESIS).isoformat()


# An id is a hash over all that is below, so nobody can make block 4,294,000,001 of a chain that
# begins at 1. A made chain has blocks from each of these numbers on, up to FARTHEST more. The first
# one names as the one before it an id that is made up: there alone links do not hold.
TIMELESS = 4_293_999_900  # a time has 32 bits: here it begins again
TOPMOST = 4_294_967_200  # the last numbers that 32 bits can hold
BEGINNINGS = (1, 99_900, FIRST_REWARDED - 100, 69_999_900, TIMELESS, TOPMOST)
FARTHEST = 40_000
LOCK = threading.RLock()  # of all that follows: nodes ask from many threads
SHARED = {}  # what a chain is made from: {number: (its text, its id)}

Trx = collections.namedtuple("Trx", "text trx_id leaf is_whole")


def signed(text):
    """A Trx; text: the JSON from its brace to its signatures, without what is not signed.

    What cannot be packed was not signed by anybody; in place of its bytes stands its text, so
    that the block has ids and a root as others have, which nobody can prove.
    """
    raw = (text + "}").encode("utf-8", "surrogateescape")
    trx, is_raw = packing.load(raw)
    try:
        data = bytes(packing.transaction(trx, packing.STEEM, is_raw).data)
    except packing.Unshown:
        data = b"not shown" + raw
    leaf = hashlib.sha256(data + packing.signatures(trx, packing.STEEM)).digest()
    return Trx(text, packing.trx_id(data), leaf, False)


@functools.lru_cache(maxsize=None)
def signer_of(witness):
    """Who signs the blocks of a witness: anybody can work out the secret from the name."""
    return curve.Signer(curve.secret_of(witness))


def seal(number, previous, timestamp, witness, secret, extensions, trxs):
    """The text and the id of a block; secret: what that of its signer follows from."""
    block = {
        "previous": previous,
        "timestamp": timestamp,
        "witness": witness,
        "transaction_merkle_root": packing.merkle_root([trx.leaf for trx in trxs]),
        "extensions": extensions,
    }
    header = packing.header(block, packing.STEEM)
    signature = signer_of(secret).sign(hashlib.sha256(header).digest())
    block_id = packing.block_id(number, header + signature)
    texts = [trx.text if trx.is_whole else
             f'{trx.text},"transaction_id":"{trx.trx_id}","block_num":{number},'
             f'"transaction_num":{index}}}' for index, trx in enumerate(trxs)]
    text = operations.emit({
        **block,
        "witness_signature": signature.hex(),
        "transactions": operations.Raw(f"[{','.join(texts)}]"),
        "block_id": block_id,
        "signing_key": operations.signing_key(secret),
        "transaction_ids": [trx.trx_id for trx in trxs],
    })
    return text.encode("utf-8", "surrogateescape"), block_id


class LinkedChain(Chain):
    """A chain of made blocks, each of which proves: ids, root, links and signature are true.

    Blocks are a pure function of the label and the number, so two chains that are made alike are
    the same. fork=(n, other_label): from block n on it is another chain; below it is the same, or
    the chain `below`. publish() adds operations to a block that nobody has seen yet, change_key() one
    that changes the key of a witness. With strangers=True the blocks from the fork on are signed with keys
    that are not those of their witnesses.
    """

    def __init__(self, label="main", genesis=GENESIS, fork=None, below=None, strangers=False):
        self.label, self.genesis, self.fork, self.below = label, genesis, fork, below
        self.strangers, self.changes = strangers, []
        self.published, self.own, self.seen = {}, {}, 0
        self.first_own = fork[0] if fork else math.inf  # the blocks below are also other chains'

    def made_from(self):
        """What the blocks below first_own depend on."""
        return type(self), self.label, self.genesis

    def label_at(self, number):
        if self.fork and number >= self.fork[0]:
            return self.fork[1]
        return self.below.label_at(number) if self.below else self.label

    def witness(self, number):
        return operations.NAMES[number % len(operations.NAMES)]

    def raw(self, number):
        return self._sealed(number)[0] if number > 0 else None

    def block_id(self, number):
        return self._sealed(number)[1] if number > 0 else ZERO_ID

    def timestamp(self, number):
        if number >= TIMELESS:
            number -= TIMELESS
        seconds = number * BLOCK_INTERVAL_S
        return (self.genesis + datetime.timedelta(seconds=seconds)).isoformat()

    def publish(self, number, ops):
        """One more transaction, of [(name, body)], in a block to come; returns its id."""
        with LOCK:
            if number <= self.seen:
                raise ValueError(f"block {number} was seen already")
            there = self.published.setdefault(number, [])
            there.append(signed(self._head(number, 1000 + len(there), operations.emit(
                [list(op) for op in ops]), self.block_id(number - 1))))
            self.first_own = min(self.first_own, number)
            return there[-1].trx_id

    def change_key(self, number, witness, secret, by="witness_update"):
        """In a block to come; the blocks above it are signed with the secret that follows from this text."""
        key = operations.signing_key(secret)
        body = {**operations.same_key(witness), "block_signing_key": key,
                "props": {"account_creation_fee": "0.100 STEEM", "maximum_block_size": 65536,
                          "sbd_interest_rate": 0}, "fee": "0.000 STEEM"}
        if by == "witness_set_properties":
            props = [["key", signer_of(witness).key.hex()],
                     ["new_signing_key", signer_of(secret).key.hex()]]
            body = {"owner": witness, "props": props, "extensions": []}
        self.publish(number, [(by, body)])
        self.changes.append((number, witness, secret))
        return key

    def secret(self, witness, number):
        """What the secret of a witness follows from that signs block `number`."""
        if self.strangers and number >= self.fork[0]:
            return f"a stranger to {witness}"
        own = [secret for since, name, secret in self.changes if name == witness and since < number]
        if not own and self.below:
            return self.below.secret(witness, min(number, self.first_own))
        return own[-1] if own else witness

    def signing_key(self, witness, head):
        if witness not in operations.NAMES:
            return None
        return operations.signing_key(self.secret(witness, head + 1))

    def _sealed(self, number):
        """A block's text and id; those below it are made first."""
        with LOCK:
            self.seen = max(self.seen, number)
            if number < self.first_own and self.below:
                return self.below._sealed(number)  # pylint: disable=protected-access
            begin, blocks = self._beginning(number), self.own
            if number < self.first_own:
                blocks = SHARED.setdefault(self.made_from(), {})
            else:
                begin = max(begin, self.first_own)
            if number not in blocks:
                first = number
                while first > begin and first - 1 not in blocks:
                    first -= 1
                for each in range(first, number + 1):
                    blocks[each] = self._seal(each)
            return blocks[number]

    @staticmethod
    def _beginning(number):
        begin = max(begin for begin in BEGINNINGS if begin <= number)
        if number - begin > FARTHEST:
            raise ValueError(f"block {number} is too far above {begin}: see BEGINNINGS")
        return begin

    def _seal(self, number):
        previous = (f"{number - 1:08x}" + "be" * 16 if number in BEGINNINGS[1:]
                    else self.block_id(number - 1))
        trxs = self.trxs(number, previous) + self.published.get(number, [])
        return seal(number, previous, self.timestamp(number), self.witness(number),
                    self.secret(self.witness(number), number), self._extensions(number), trxs)

    def _extensions(self, number):
        """Who is on another branch has another version: two empty blocks must not be the same."""
        label = self.label_at(number)
        if label != self.label or self.below:
            return [[1, f"0.24.{int(_digest('version', label)[:4], 16)}"]]
        return [[1, "0.23.1"]] if number % 3 == 0 else []

    def trxs(self, number, previous):
        """The transactions of a block that hangs on `previous`, each a Trx."""
        raise NotImplementedError

    def _head(self, number, index, ops, previous):
        """The text of a transaction without its end: its expiration makes each one of its own."""
        label = self.label_at(number)
        text = operations.emit({
            "ref_block_num": (number - 1) & 0xFFFF,
            "ref_block_prefix": int.from_bytes(bytes.fromhex(previous[8:16]), "little"),
            "expiration": self.timestamp(number + 100 + index),
            "operations": operations.Raw(ops), "extensions": [],
            "signatures": ["1f" + _digest("s", label, number, index) * 2]})
        return text[:-1]


class SyntheticChain(LinkedChain):
    """Endless; needs no data; every operation type appears within any 30 blocks.

    Every eighth block is empty, every 64th holds an operation of 64 kB (unless plain=True: then
    one transfer a block, for tests that want many small blocks). extra={n: [(name, body text)]}
    adds a transaction to block n; bytes that are not UTF-8 come in as surrogateescape.
    again={n: [(chain, number, index)]} adds to block n transactions of blocks of other chains, under
    their ids: what was in an orphaned block comes again in another one. odd=True: also operations that
    nobody can pack, so that nothing proves their blocks.
    """

    def __init__(self, label="main", genesis=GENESIS, fork=None, plain=False, extra=None,
                 again=None, odd=False, below=None, strangers=False):
        super().__init__(label, genesis, fork, below, strangers)
        self.plain, self.odd = plain, odd
        self.extra, self.again = extra or {}, again or {}
        self.first_own = min([self.first_own, *self.extra, *self.again])

    def made_from(self):
        return SyntheticChain, self.label, self.genesis, self.plain, self.odd

    def trxs(self, number, previous):
        found = self._operations(number, self.label_at(number))
        if number in self.extra:
            found = found + [self.extra[number]]
        trxs = [signed(self._head(number, index, "[" + ",".join(
            f'["{name}",{body}]' for name, body in ops) + "]", previous))
            for index, ops in enumerate(found)]
        for other, there, index in self.again.get(number, ()):
            trxs.append(other.trxs(there, other.block_id(there - 1))[index])
        return trxs

    def _operations(self, number, label):
        """The transactions of a block, each a list of (name, body text)."""
        if self.plain:
            return [[("transfer", operations.emit(
                operations.REAL["transfer"](operations.Dice(label, number))))]]
        if number % 8 == 0:
            return []
        serial = (number - number // 8) * 5
        ops = [operations.sample(serial + i, label, number, odd=self.odd) for i in range(5)]
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

    def signing_key(self, witness, head):
        """That of the block nearest to the head, among those recorded."""
        keys = [(abs(head - number), block["signing_key"])
                for number, block in self._headers() if block["witness"] == witness]
        return min(keys)[1] if keys else None

    @functools.lru_cache(maxsize=1)
    def _headers(self):
        return [(number, json.loads(line)) for number, line in self.lines.items()]


# In these recorded blocks a node of 2018 printed a value that it had not set (steemit/steem issue 2807);
# 10000 was signed.
MISPRINTED = {22006939: 0, 22006977: 21888}


class BusyChain(LinkedChain):
    """The transactions of the recorded busy blocks, cycled, in a linked chain of their own.

    The operations' text is the recorded one, byte for byte; only what names the block's number
    in a transaction is set anew.
    """

    def __init__(self, label="busy", genesis=GENESIS, fork=None):
        super().__init__(label, genesis, fork)
        index = json.loads((DATA / "blocks.index.json").read_text())
        self.numbers = sorted(entry["num"] for entry in index)

    def signed(self, number):
        raw, wrong = self.raw(number), MISPRINTED.get(self.source(number))
        if wrong is not None:
            raw = re.sub(rb'("percent_steem_dollars": *)%d\b' % wrong, rb"\g<1>10000", raw)
        return raw

    def source(self, number):
        """The number of the recorded block whose transactions block `number` holds."""
        return self.numbers[(number - 1) % len(self.numbers)]

    def trxs(self, number, previous):
        text, transactions, trx_ids, leaves = self._recorded(self.source(number))
        return [Trx(self._renumber(text, trx, number), trx_id, leaf, True)
                for trx, trx_id, leaf in zip(transactions, trx_ids, leaves)]

    @staticmethod
    @functools.lru_cache(maxsize=128)
    def _recorded(source):
        text = (DATA / "blocks" / f"{source}.json").read_text(encoding="utf-8")
        root = jsontext.parse(text)
        return (text, root.get("transactions").items(),
                tuple(node.text() for node in root.get("transaction_ids").items()),
                prover.leaves(text, packing.STEEM))

    @staticmethod
    def _renumber(text, trx, number):
        place = trx.get("block_num")
        if place is None:
            return text[trx.start:trx.end]
        return text[trx.start:place.start] + str(number) + text[place.end:trx.end]


class Branch(Chain):
    """Blocks that are made one after the other, of transactions that somebody sent: see network.py."""

    def __init__(self, first=1, genesis=GENESIS, label=""):
        self.first, self.genesis, self.label = first, genesis, label
        self.blocks = {}  # number: (text, id, timestamp)
        self.head = first - 1
        self.before = (f"{first - 1:08x}" + "be" * 16 if first > 1 else ZERO_ID, genesis.isoformat())

    def branch_off(self, number, label):
        """Another branch whose blocks from `number` on are still to be made."""
        made = Branch(self.first, self.genesis, label)
        made.blocks = {n: block for n, block in self.blocks.items() if n < number}
        made.head = number - 1
        return made

    def witness(self, number):
        return operations.NAMES[number % len(operations.NAMES)]

    def signing_key(self, witness, head):
        return operations.signing_key(witness) if witness in operations.NAMES else None

    def append(self, timestamp, trxs):
        """The next block; its number."""
        number, witness = self.head + 1, self.witness(self.head + 1)
        extensions = [[1, f"0.23.{int(_digest('version', self.label)[:4], 16)}"]] if self.label else []
        text, block_id = seal(number, self.block_id(self.head), timestamp, witness, witness,
                              extensions, trxs)
        self.blocks[number] = text, block_id, timestamp
        self.head = number
        return number

    def raw(self, number):
        return self.blocks[number][0] if number in self.blocks else None

    def block_id(self, number):
        return self.blocks[number][1] if number in self.blocks else self.before[0]

    def timestamp(self, number):
        return self.blocks[number][2] if number in self.blocks else self.before[1]


def by_name(name):
    """A chain by the name that the command line uses."""
    if name == "best":
        name = "busy" if recorded_data() else "synthetic"
    return {"synthetic": SyntheticChain, "recorded": RecordedChain, "busy": BusyChain}[name]()
