"""A node of a network: it checks what is broadcast as a real one does, and does wrong what a test asks.

    node = CheckingNode(network, name="node0", shape="old", behind=0)
    node.behind = 12            its head stays so far below that of the others; None: it is stuck
    node.fault("lost_answer", method="broadcast_transaction", times=1)

Faults of a broadcast, besides those of faults.py (what breaks before the call, was never read: reset,
hang, status; what breaks the answer, was read: html, empty, cut, garbage; rpc_error: was refused):

refused (refusal)         as if a check had failed
exhausted                 the account has no resources left, by this node's word
vanish (blocks)           accepted, told to nobody, and forgotten after so many blocks
repeated                  a proxy sends the POST twice, and gives the second answer
lost_answer               accepted; then the connection breaks
late_answer (seconds)     accepted; the answer comes later, or when released
refused_but_sent (refusal)   refused, and told to all the same
withheld (refusal)        refused, and kept for the last block that may hold it
"""

import json

from . import received, wallet
from .node import METHODS, Node
from .refusal import Refusal

OUT_OF_RC = Refusal(
    "plugin_exception", "Account: answer-bot has 1234 RC, needs 567890123 RC. Please wait to transact,"
    " or power up STEEM.", file="rc_plugin.cpp", method="use_account_rcs")
LIMIT_EXCEEDED = Refusal(
    "plugin_exception", "Account: answer-bot bandwidth limit exeeded. Please wait to transact or power"
    " up STEEM.", file="witness_plugin.cpp", method="update_account_bandwidth")
HOSTILE = Refusal(
    "assert_exception", "Account does not have sufficient funds for transfer.",
    "_db.get_balance( o.from, o.amount.symbol ) >= o.amount", file="steem_evaluator.cpp",
    method="do_apply")
LATE_S = 30
SYNCHRONOUS_S = 20
NAMES = ("get_accounts", "find_accounts", "get_config", "get_version", "broadcast_transaction",
         "get_transaction_hex")


class CheckingNode(Node):
    """See the module's text."""

    methods = (*METHODS, *NAMES)

    def __init__(self, network, shape="new", behind=0, **options):
        self.network, self.shape = network, shape
        self._behind, self._vanished = behind, {}
        super().__init__(network.branch, irreversible=network.irreversible, head=network.head,
                         **options)
        with network.lock:
            network.nodes.append(self)
            self.follow()

    def close(self):
        with self.network.lock:
            self.network.nodes.remove(self)
        super().close()

    # ---- what it has of the chain

    @property
    def behind(self):
        return self._behind

    @behind.setter
    def behind(self, blocks):
        self._behind = blocks
        with self.network.lock:
            self.follow()

    def follow(self):
        """The network has another head."""
        if self._behind is None:
            return
        network = self.network
        with self.changed:
            self._spelt = {}
            self.chain = network.branch
            self._head = max(network.head - self._behind, network.branch.first)
            self._irreversible = max(network.irreversible - self._behind, 0)
            for trx_id in [one for one, until in self._vanished.items() if until < network.head]:
                del self._vanished[trx_id]
            self.changed.notify_all()

    # ---- calls

    @staticmethod
    def read(body):
        return received.body(body)

    def _answer(self, call):
        if call.method == "broadcast_transaction" and self._take({"repeated"}, [call]):
            self._answer_once(call)
        return self._answer_once(call)

    def _answer_once(self, call):
        try:
            return super()._answer(call)
        except Refusal as refusal:
            with self.changed:
                self.count["refusals"] += 1
                self.changed.notify_all()
            return refusal.answer(call.ident, self.shape)

    def _send(self, handler, calls, body):
        for fault in self._take({"late_answer", "lost_answer"}, calls):
            if fault.what == "late_answer":
                fault.released.wait(fault.details.get("seconds", LATE_S))
            else:
                handler.reset()
                return
        super()._send(handler, calls, body)

    def _sent(self, call):
        """The transaction of a call, in either API's form."""
        params = call.params
        trx = params.get("trx") if isinstance(params, dict) else params[0] if params else None
        if not isinstance(trx, dict):
            raise Refusal("bad_cast_exception", "Invalid cast from type to object",
                          file="variant.cpp", method="get_object")
        return trx

    def _broadcast_transaction(self, call):
        trx = self.network.read(self._sent(call), self.name, self.head)
        trx.receipt.said = "received"
        for fault in self._take({"refused", "exhausted"}, [call]):
            default = OUT_OF_RC if self.shape != "old" else LIMIT_EXCEEDED
            self._refuse(trx, fault.details.get("refusal", default))
        for fault in self._take({"refused_but_sent", "withheld"}, [call]):
            try:
                self.network.accept(trx, head=self.head, gossip=fault.what == "refused_but_sent")
                if fault.what == "withheld":
                    self.network.reserve(trx)
            except Refusal:
                pass  # it would not have been taken anyway
            self._refuse(trx, fault.details.get("refusal", HOSTILE))
        if trx.trx_id in self._vanished:
            self._refuse(trx, Refusal("assert_exception", "Duplicate transaction check failed"))
        for fault in self._take({"vanish"}, [call]):
            self.network.accept(trx, head=self.head, gossip=False)
            self._vanished[trx.trx_id] = self.network.head + fault.details.get("blocks", 1)
            return b"{}"
        self.network.accept(trx, head=self.head)
        trx.receipt.said = "accepted"
        with self.changed:
            self.count["accepted"] += 1
            self.changed.notify_all()
        return b"{}"

    @staticmethod
    def _refuse(trx, refusal):
        trx.receipt.said = str(refusal)
        raise refusal.with_traceback(None)  # the same one may be raised again and again

    def _broadcast_transaction_synchronous(self, call):
        trx = self.network.accept(self._sent(call), self.name, self.head)
        try:
            number = self.network.wait_landed(trx.trx_id, SYNCHRONOUS_S)
        except TimeoutError:
            return json.dumps({"id": trx.trx_id, "block_num": 0, "trx_num": 0,
                               "expired": True}).encode()
        place = [one.trx_id for one in self.network.transactions(number)].index(trx.trx_id)
        return json.dumps({"id": trx.trx_id, "block_num": number, "trx_num": place,
                           "expired": False}).encode()

    def _get_transaction_hex(self, call):
        trx = received.Transaction(self._sent(call), self.network.values)
        tail = b"".join(trx.signatures)
        return json.dumps((trx.data + bytes([len(trx.signatures)]) + tail).hex()).encode()

    def _account(self, name):
        ledger, values = self.network.ledger, self.network.values
        symbols = dict(zip(("balance", "sbd_balance"), values.symbols))
        balances = {}
        for field, (symbol, decimals) in symbols.items():
            units = ledger.get("balance", (name, symbol), 0)
            balances[field] = f"{units // 10 ** decimals}.{units % 10 ** decimals:0{decimals}d} {symbol}"
        return {"id": 7, "name": name, **ledger.authorities[name], "json_metadata": "", "proxy": "",
                "memo_key": wallet.key_text(name, "memo", values), "created": "2016-03-24T17:00:00",
                "recovery_account": "steem", "post_count": 0, "can_vote": True, **balances,
                "vesting_shares": "1000000.000000 VESTS", "vesting_balance": "0.000 STEEM",
                "reputation": 0, "transfer_history": [], "other_history": []}

    def _accounts(self, names):
        return [self._account(name) for name in names if name in self.network.ledger.authorities]

    def _get_accounts(self, call):
        return json.dumps(self._accounts(call.params[0])).encode()

    def _find_accounts(self, call):
        return json.dumps({"accounts": self._accounts(call.params["accounts"])}).encode()

    def _get_config(self, _):
        values = self.network.values
        return json.dumps({
            "STEEM_CHAIN_ID": values.chain_id.hex(), "STEEM_ADDRESS_PREFIX": values.prefix,
            "STEEM_BLOCK_INTERVAL": 3, "STEEM_BLOCKCHAIN_VERSION": "0.23.1",
            "STEEM_MAX_TIME_UNTIL_EXPIRATION": 3600, "STEEM_SYMBOL": values.symbols[0][0],
        }).encode()

    def _get_version(self, call):
        made = {"blockchain_version": "0.23.1", "steem_revision": "0" * 40, "fc_revision": "0" * 40}
        if call.api == "database_api":
            made["chain_id"] = self.network.values.chain_id.hex()
        return json.dumps(made).encode()
