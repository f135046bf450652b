"""A chain that its nodes make of the transactions they are sent, while a test runs.

    network = Network()                     accounts of PEOPLE, rich, and a comment alice/question
    node = world.join(network)              or checking.CheckingNode(network)
    network.submit(ops, by="alice")         signed, checked, into the pool
    network.produce()                       the next block; network.live(0.1): again and again
    network.fork(depth=3, lost=[trx_id])    the newest blocks are replaced
    network.reserve(trx)                    comes into the last block that may hold it

All nodes of a network gossip: what one of them accepts waits in one pool, and gets into the next block.
As on a real chain, the pool is tried again on each new block, and what fails then vanishes without a
word. Blocks from `irreversible` down never change. `received` has everything that was ever sent to a
node, and `landed` says in which block a transaction of the branch is.
"""

import argparse
import calendar
import collections
import contextlib
import dataclasses
import datetime
import json
import random
import signal
import threading
import time

from . import ledger as ledgers
from . import packing, wallet
from .chain import BLOCK_INTERVAL_S, GENESIS, Branch, Trx
from .received import Transaction
from .refusal import Refusal
from .ticker import Ticker

LAG = 17  # so many blocks stand on each that is irreversible
PEOPLE = ("alice", "bob", "carol", "answer-bot", "bot-one", "bot-two", "bot-three")
RICH = 1_000_000_000  # thousandths


def seconds(text):
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))


def clock(count):
    """Seconds as the chain prints them."""
    return datetime.datetime.fromtimestamp(count, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")


@dataclasses.dataclass
class Receipt:
    """Something that a node was sent: when, at which head, and what became of it."""

    trx_id: str
    data: bytes  # with the signatures
    accounts: frozenset
    operations: list
    head: int
    now: int  # head block time
    at: float
    node: str
    said: str = "accepted"


class Network:
    """See the module's text. Its lock is taken before a node's."""

    def __init__(self, values=packing.STEEM, first=1, blocks=40, genesis=GENESIS, people=PEOPLE,
                 comments=(("alice", "question"),), lag=LAG, label=""):
        self.values, self.lag, self.name = values, lag, label or "main"
        self.lock = threading.RLock()
        self.made = threading.Condition(self.lock)  # a block was made, or something came
        self.branch = Branch(first, genesis, label)
        self.ledger = ledgers.Ledger(values)
        self.nodes, self.received, self.refused = [], [], collections.Counter()
        self.pool, self.reserved, self.landed = [], [], {}
        self.exhausted = {}  # account: up to which head its resources are used up
        self.witness = None  # called with each Receipt before the node answers
        self.gone_forks, self._marks, self._trxs = [], {}, {}
        self.irreversible, self._next, self._live = first - 1, None, None
        for name in people:
            self.ledger.account(name, steem=RICH, sbd=RICH)
        for place in comments:
            self.ledger.comment(*place)
        self._head_mark = self.ledger.mark()
        for _ in range(blocks):
            self.produce()

    # ---- what it is

    @property
    def head(self):
        return self.branch.head

    @property
    def now(self):
        """Head block time, in seconds: the only clock of a chain."""
        return seconds(self.branch.timestamp(self.head))

    def summary(self, number, head):
        """The id that a transaction's 16 bits name: of the newest such block up to the head."""
        found = (head & ~0xFFFF) + number
        return self.branch.block_id(found if found <= head else found - 0x10000)

    def transactions(self, number):
        """The Transactions of a block, in their order."""
        return self._trxs.get(number, [])

    # ---- transactions

    def reference(self, number=None):
        """What a new transaction says of a block; without a number: of the last irreversible one."""
        number = max(self.irreversible, self.branch.first) if number is None else number
        block_id = bytes.fromhex(self.branch.block_id(number))
        return {"ref_block_num": number & 0xFFFF,
                "ref_block_prefix": int.from_bytes(block_id[4:8], "little")}

    def build(self, *ops, by=None, role="posting", seconds_left=60, **changes):
        """A transaction of operations (name, body), signed by an account's key where `by` names it."""
        trx = {**self.reference(), "expiration": clock(self.now + seconds_left),
               "operations": [list(op) for op in ops], "extensions": [], "signatures": [], **changes}
        return wallet.sign(trx, self.values, *([(by, role)] if by else []))

    def submit(self, *ops, **options):
        """Into the pool, as if some node had got it; the id."""
        return self.accept(self.build(*ops, **options)).trx_id

    def read(self, trx, name="", head=None):
        """The Transaction of a JSON value that a node was sent, noted."""
        made = Transaction(trx, self.values)
        with self.lock:
            receipt = Receipt(made.trx_id, made.data + packing.signatures(made.json, self.values),
                              frozenset(made.accounts), made.operations, head or self.head, self.now,
                              time.monotonic(), name)
            self.received.append(receipt)
        made.receipt = receipt
        if self.witness:
            self.witness(receipt)
        return made

    def accept(self, trx, name="", head=None, gossip=True):
        """What a node does with a transaction; raises Refusal. gossip=False: it only says so."""
        read = trx if isinstance(trx, Transaction) else self.read(trx, name, head)
        try:
            self.check(read, self.head if head is None else head, gossip)
        except Refusal as refusal:
            refusal.trx = read.json
            read.receipt.said = str(refusal)
            with self.lock:
                self.refused[refusal.said or refusal.what] += 1
            raise
        return read

    def check(self, trx, head, gossip):
        need = ledgers.need
        need(trx.size <= ledgers.MAX_BLOCK_BYTES - 256,
             "trx_size <= (get_dynamic_global_properties().maximum_block_size - 256)", "")
        ledgers.validate(trx)
        with self.lock:
            self.ledger.check_known(trx, self.now)
            self.ledger.check_authority(trx)
            self._check_tapos(trx, head)
            now = seconds(self.branch.timestamp(head))
            if not now < trx.expiration <= now + ledgers.MAX_UNTIL_EXPIRATION_S:
                raise Refusal("transaction_expiration_exception", "", method="_apply_transaction",
                              data={"now": clock(now), "trx.exp": clock(trx.expiration)})
            mark = self.ledger.mark()
            self.ledger.apply(trx, self.now, self.head, pending=True)
            try:
                self._check_resources(trx)
            except Refusal:
                self.ledger.undo(mark)
                raise
            if not gossip:
                self.ledger.undo(mark)
                return
            self.pool.append(trx)
            self.made.notify_all()

    def _check_tapos(self, trx, head):
        prefix = bytes.fromhex(self.summary(trx.ref_block_num, head))[4:8]
        if trx.ref_block_prefix != int.from_bytes(prefix, "little"):
            raise Refusal("transaction_tapos_exception", "", method="_apply_transaction", data={
                "trx.ref_block_prefix": trx.ref_block_prefix,
                "tapos_block_summary": int.from_bytes(prefix, "little")})

    def _check_resources(self, trx):
        for name in sorted(trx.accounts):
            if self.exhausted.get(name, -1) >= self.head:
                raise Refusal(
                    "plugin_exception", f"Account: {name} has 1234 RC, needs 567890123 RC. Please wait"
                    " to transact, or power up STEEM.", data={"account": name},
                    file="rc_plugin.cpp", method="use_account_rcs")

    def reserve(self, trx):
        """A hostile node keeps it to itself, for the last block that may hold it."""
        with self.lock:
            self.reserved.append(trx)

    def drop_pending(self, wanted=lambda trx: True):
        """Pending transactions vanish, as they do where a witness's node restarts; how many."""
        with self.lock:
            self.ledger.undo(self._head_mark)
            gone = [trx for trx in self.pool if wanted(trx)]
            self.pool = [trx for trx in self.pool if not wanted(trx)]
            self._reapply()
            return len(gone)

    # ---- blocks

    def produce(self, missed=0, space=ledgers.MAX_BLOCK_BYTES - 1024):
        """The next block, of what is in the pool; so many slots before it are missed."""
        with self.lock:
            self.ledger.undo(self._head_mark)
            when = self.now + BLOCK_INTERVAL_S * (1 + missed)
            last_chance = [trx for trx in self.reserved if trx.expiration <= when]
            self.reserved = [trx for trx in self.reserved if trx.expiration > when]
            # The one who reserved them is also the one who makes this block.
            taken, waiting = [], []
            for trx in last_chance + self.pool:
                if trx.expiration < when and trx not in last_chance:
                    continue
                if trx.size > space:
                    waiting.append(trx)
                elif self._takes(trx):
                    taken.append(trx)
                    space -= trx.size
            self._append(clock(when), taken)
            self.pool = waiting
            self._reapply()
            for node in self.nodes:
                node.follow()
            self.made.notify_all()
            return self.head

    def _takes(self, trx):
        """A witness asks for the same when it makes a block as a node does of what is pending: five
        custom operations of an account, for example, also beside one that was reserved."""
        try:
            self.ledger.apply(trx, self.now, self.head, pending=True)
            return True
        except Refusal:
            return False  # it vanishes

    def _reapply(self):
        self.pool = [trx for trx in self.pool if self._takes(trx)]

    def _append(self, timestamp, trxs):
        """A block of transactions that the ledger has taken."""
        number = self.branch.append(timestamp, [
            Trx(trx.text, trx.trx_id, trx.leaf, False) for trx in trxs])
        self._trxs[number] = trxs
        for trx in trxs:
            self.landed[trx.trx_id] = number
        self._marks[number] = self._head_mark = self.ledger.mark()
        self.irreversible = max(self.irreversible, number - self.lag)
        oldest = self._marks.get(self.irreversible)
        if oldest is not None:
            self.ledger.forget(oldest)
            for old in [n for n in self._marks if n < self.irreversible]:
                del self._marks[old]

    def fork(self, depth, lost=()):
        """The newest `depth` blocks are replaced by one more. Their transactions come again, some in the
        new blocks and some by the pool; not those that are lost (ids, or a function)."""
        with self.lock:
            first = self.head - depth + 1
            if depth < 1 or first <= self.irreversible:
                raise ValueError(f"block {first} is irreversible")
            self.ledger.undo(self._head_mark)
            is_lost = lost if callable(lost) else lambda trx: trx.trx_id in lost
            again = [trx for number in range(first, self.head + 1)
                     for trx in self._trxs.pop(number)] + self.pool
            for number in range(first, self.head + 1):
                self._marks.pop(number)
            times = [self.branch.timestamp(number) for number in range(first, self.head + 1)]
            old = self.branch
            self.gone_forks.append(old)
            self.branch = old.branch_off(first, f"{self.name} {len(self.gone_forks)}")
            self.ledger.undo(self._marks[first - 1])
            self._head_mark = self._marks[first - 1]
            self.landed = {trx_id: n for trx_id, n in self.landed.items() if n < first}
            self.pool = [trx for trx in again if not is_lost(trx)]
            self._reapply()
            for timestamp in times:
                self._refill(timestamp)
            self.produce()
            return old

    def _refill(self, timestamp):
        """A block of the new branch, of every other transaction that is in the pool."""
        self.ledger.undo(self._head_mark)
        when = seconds(timestamp)
        kept = [trx for trx in self.pool[::2]
                if trx.expiration >= when and self._takes(trx)]
        self._append(timestamp, kept)
        self.pool = [trx for trx in self.pool if trx not in kept]
        self._reapply()

    def live(self, interval_s=0.1, step=None):
        """A block every so often, or whatever `step` does, until still() is called."""
        self._live = Ticker(interval_s, step or self.produce)

    def still(self):
        if self._live:
            self._live.cancel()
            self._live = None
        return self.head

    # ---- waiting

    def wait_for(self, condition, timeout=20):
        """Until it holds; looked at after each block and each transaction that came."""
        with self.lock:
            if not self.made.wait_for(condition, timeout):
                raise TimeoutError(f"network {self.name}: waited {timeout} s at block {self.head}")

    def wait_landed(self, trx_id, timeout=20):
        """The block that holds it."""
        self.wait_for(lambda: trx_id in self.landed, timeout)
        return self.landed[trx_id]


def talk(network, draw):
    """A block in which two people do something."""
    payer, player = draw.sample(PEOPLE, 2)
    amount = f"{draw.randrange(1, 9000) / 1000:.3f} STEEM"
    network.submit(("transfer", {"from": payer, "to": player, "amount": amount, "memo": "thank you"}),
                   by=payer, role="active")
    network.submit(("custom_json", {"required_auths": [], "required_posting_auths": [player], "id": "game",
                                    "json": json.dumps({"move": draw.randrange(1000)})}), by=player)
    network.produce()


def main():
    """A chain for people: prints the URLs of its nodes, and makes blocks until a signal comes."""
    from .checking import CheckingNode  # pylint: disable=import-outside-toplevel,cyclic-import
    parser = argparse.ArgumentParser(prog="harness.network", description=main.__doc__)
    parser.add_argument("--interval", type=float, default=3, help="seconds from block to block")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--port", type=int, default=0, help="of the first node")
    parser.add_argument("--blocks", type=int, default=1000, help="so many are there at once")
    parser.add_argument("--talk", action="store_true", help="there is something in each block")
    parser.add_argument("--account", action="append", default=[], help="one more account")
    parser.add_argument("--wif", metavar="ACCOUNT/ROLE", help="print this key, and end")
    options = parser.parse_args()
    if options.wif:
        print(wallet.wif(*options.wif.split("/")))
        return
    network = Network(blocks=0 if options.talk else options.blocks, people=[*PEOPLE, *options.account])
    draw = random.Random(1)
    for _ in range(options.blocks if options.talk else 0):
        talk(network, draw)
    nodes = [CheckingNode(network, port=options.port if place == 0 else 0)
             for place in range(options.nodes)]
    network.live(options.interval, (lambda: talk(network, draw)) if options.talk else None)
    print(*(node.url for node in nodes), flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    network.still()
    for node in nodes:
        node.close()


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    main()
