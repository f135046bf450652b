"""A poster in a hundred lines, with its tables in memory, to try the network and the audit.

    poster = ModelPoster(network, nodes, seed)
    poster.ask("answer-bot", [["vote", {...}]], role="posting")
    poster.run()                    until nothing is on its way
    poster.book()                   for effects.check()

It keeps the promises: signed first, the same bytes again, a new signature only when an irreversible block is
past the old expiration. With impatient=True it signs again when an answer is lost, and with trusting=True
when a node refuses: two faults that the audit must find.
"""

import json
import random
import urllib.request

from . import effects, packing, wallet
from .network import clock, seconds
from .received import Transaction

TIMEOUT_S = 0.3
EXPIRES_S = 60
MOST_ATTEMPTS, MOST_HASTE = 10, 2


class ModelPoster:
    """See the module's text."""

    def __init__(self, network, nodes, seed=0, impatient=False, trusting=False):
        self.network, self.nodes, self.dice = network, nodes, random.Random(seed)
        self.impatient, self.trusting = impatient, trusting
        self.rows, self.signed, self.roles, self.attempts = [], [], {}, {}
        self.stored = network.irreversible

    def ask(self, account, operations, role="posting"):
        self.rows.append(effects.Row("action", len(self.rows) + 1, account, operations, "pending"))
        self.roles[self.rows[-1].ident] = role
        return self.rows[-1]

    def live(self, row):
        """Its transactions that may still come."""
        return [one for one in self.signed if one.key == row.key and one.outcome is None]

    def sign(self, row):
        network = self.network
        trx = wallet.sign({
            **network.reference(self.stored), "expiration": clock(network.now + EXPIRES_S),
            "operations": row.operations, "extensions": []}, network.values,
            (row.account, self.roles[row.ident]))
        made = Transaction(trx, network.values)
        if any(one.trx_id == made.trx_id for one in self.signed):
            return  # the same bytes: nothing new until the head moves
        self.signed.append(effects.Signed(
            made.trx_id, row.account, row.key, trx, self.stored, seconds(trx["expiration"])))
        row.state = "sent"
        self.attempts[row.ident] = self.attempts.get(row.ident, 0) + 1

    def send(self, row, one):
        """To some node; what that says changes nothing, unless it is one of the two faults."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "condenser_api.broadcast_transaction",
                           "params": [one.trx]}, ensure_ascii=False).encode()
        try:
            with urllib.request.urlopen(self.dice.choice(self.nodes).url, body, timeout=TIMEOUT_S) as got:
                answer = json.load(got)
        except (OSError, ValueError):
            if self.impatient and self.attempts[row.ident] < MOST_HASTE:
                self.sign(row)
            return
        if "error" in answer and self.trusting:
            one.outcome = "expired"
            row.state = "pending"

    def step(self):
        """What is due at this head; then the blocks that have become irreversible are read."""
        for row in self.rows:
            if row.state == "pending":
                self.sign(row)
            if row.state == "sent":
                for one in self.live(row)[-1:]:
                    self.send(row, one)

    def read(self):
        network = self.network
        for number in range(self.stored + 1, network.irreversible + 1):
            ids = json.loads(network.branch.raw(number))["transaction_ids"]
            at = seconds(network.branch.timestamp(number))
            for one in self.signed:
                row = next(row for row in self.rows if row.key == one.key)
                if one.trx_id in ids:
                    one.outcome = row.state = "confirmed"
                    row.trx_id, row.block = one.trx_id, number
                elif one.outcome is None and at >= one.expiration:
                    one.outcome = "expired"
                    if row.state != "confirmed":
                        is_last = self.attempts[row.ident] >= MOST_ATTEMPTS
                        row.state = "failed" if is_last else "pending"
        self.stored = network.irreversible

    def run(self, blocks=600, meanwhile=lambda: None):
        """Until all rows have ended, and nothing can come any more."""
        for _ in range(blocks):
            if all(row.state in effects.ENDS for row in self.rows) and \
                    not any(one.outcome is None for one in self.signed):
                return
            self.step()
            self.network.produce()
            meanwhile()
            self.read()
        raise AssertionError(f"after {blocks} blocks: "
                             + "; ".join(str(row) for row in self.rows if row.state not in effects.ENDS))

    def book(self, **more):
        network = self.network
        branch = network.branch
        return effects.Book(
            {row.account for row in self.rows}, self.rows, self.signed,
            effects.on_chain(branch, branch.first, network.irreversible, network.values),
            {number: seconds(branch.timestamp(number)) for number in range(1, branch.head + 1)},
            network.irreversible, list(network.received), values=packing.STEEM, **more)
