"""Virtual operations: a chain that has them, and the auditor's own reading of a list of them.

    chain = VirtualChain()                     synthetic, with virtual operations
    chain.virtual(n)                           the text of get_ops_in_block(n, true)'s result
    world.expect(chain, (1, 9), virtual=whole)             all of them are stored
    world.expect(chain, (1, 9), virtual=unrewarded)        as a node that filters gives them

What the node counts has holes, repeats, and comes round to 0; what it says of time and, at the
end of a block, of transactions is wrong in the ways of real nodes. Readers must not care.
"""

import functools
import json

from . import expect, jsontext, operations
from .chain import FIRST_REWARDED, SyntheticChain, _digest

NO_TRX = 4294967295
ZERO = "0" * 40

# Every virtual operation of the protocol, and one that a hardfork may bring.
AT_THE_END = {
    "fill_convert_request": lambda d: {"owner": d.name(), "requestid": d.below(9999),
                                       "amount_in": d.amount("SBD"), "amount_out": d.amount()},
    "author_reward": lambda d: {"author": d.name(), "permlink": "ein-größerer/titel",
                                "sbd_payout": d.amount("SBD"), "steem_payout": d.amount(),
                                "vesting_payout": d.amount("VESTS")},
    "curation_reward": lambda d: {"curator": d.name(), "reward": d.amount("VESTS"),
                                  "comment_author": "curated", "comment_permlink": "你好"},
    "comment_reward": lambda d: {"author": d.name(), "permlink": "p", "payout": d.amount("SBD")},
    "liquidity_reward": lambda d: {"owner": d.name(), "payout": d.amount()},
    "fill_vesting_withdraw": lambda d: {"from_account": d.name(), "to_account": d.name(),
                                        "withdrawn": d.amount("VESTS"), "deposited": d.amount()},
    "shutdown_witness": lambda d: {"owner": d.name()},
    "fill_transfer_from_savings": lambda d: {"from": d.name(), "to": d.name(),
                                             "amount": d.amount(), "request_id": 7,
                                             "memo": "order:\u0001 \"back\"\\"},
    "hardfork": lambda d: {"hardfork_id": d.below(24)},
    "comment_payout_update": lambda d: {"author": d.name(), "permlink": "p"},
    "return_vesting_delegation": lambda d: {"account": d.name(),
                                            "vesting_shares": d.amount("VESTS")},
    "comment_benefactor_reward": lambda d: {"benefactor": d.name(), "author": d.name(),
                                            "permlink": "p", "reward": d.amount("VESTS")},
    "clear_null_account_balance": lambda d: {"total_cleared": [d.amount(), d.amount("SBD")]},
    "proposal_pay": lambda d: {"receiver": d.name(), "payment": d.amount("SBD"), "trx_id": ZERO,
                               "op_in_trx": 0},
    "sps_fund": lambda d: {"additional_funds": d.amount("SBD")},
    "hardfork23": lambda d: {"account": d.name(), "sbd_transferred": d.amount("SBD"),
                             "steem_transferred": d.amount(), "total_steem_from_vests": d.amount()},
    "of_a_later_hardfork": lambda d: {"account": d.name()},
}
IN_A_TRX = {
    "fill_order": lambda d: {"current_owner": d.name(), "current_orderid": d.below(9999),
                             "current_pays": d.amount("SBD"), "open_owner": d.name(),
                             "open_orderid": 1, "open_pays": d.amount()},
    "interest": lambda d: {"owner": d.name(), "interest": d.amount("SBD")},
}
# As in expect.ACCOUNTS; "=name" is this account always.
ACCOUNTS = {
    "fill_convert_request": "owner*", "author_reward": "author*",
    "curation_reward": "curator* comment_author", "comment_reward": "author",
    "liquidity_reward": "owner*", "fill_vesting_withdraw": "from_account* to_account*",
    "shutdown_witness": "owner*", "fill_transfer_from_savings": "from* to*",
    "hardfork": "=initminer*", "comment_payout_update": "author",
    "return_vesting_delegation": "account*", "comment_benefactor_reward": "benefactor* author*",
    "producer_reward": "producer*", "clear_null_account_balance": "",
    "proposal_pay": "receiver* =steem.dao*", "sps_fund": "=steem.dao*",
    "hardfork23": "account* =community321*", "fill_order": "current_owner* open_owner*",
    "interest": "owner*",
}
expect.ACCOUNTS.update(ACCOUNTS)


@functools.lru_cache(maxsize=4096)
def _trx_ids(raw):
    return [node.text() for node in jsontext.parse(raw).get("transaction_ids").items()]


class VirtualChain(SyntheticChain):
    """See the module's text. many={n: count}: so many curation_rewards more in block n."""

    def __init__(self, *args, many=None, **options):
        super().__init__(*args, **options)
        self.many = many or {}

    @functools.lru_cache(maxsize=4096)
    def virtual(self, number):
        return self.spell(self.entries(number))

    def spell(self, entries):
        """A list of entries as a node writes it."""
        return operations.emit(entries).encode("utf-8")

    def entries(self, number):
        """The entries of a block, each a dict."""
        label = self.label_at(number)
        found = []
        for trx_in_block, trx_id in enumerate(_trx_ids(self.raw(number))):
            if (number + trx_in_block) % 3 == 0:
                count = 1 + (number + trx_in_block) % 4
                for i in range(count):
                    name = "interest" if i == 1 else "fill_order"
                    dice = operations.Dice("in", label, number, trx_in_block, i)
                    found.append(self._entry(number, trx_in_block, trx_id, 1 + i * i, name,
                                             IN_A_TRX[name](dice)))
        return found + self._at_the_end(number, label)

    def _at_the_end(self, number, label):
        found = []
        if number >= FIRST_REWARDED or number % 5 == 0:
            found.append(("producer_reward", {"producer": operations.NAMES[number % 7],
                                              "vesting_shares": "1.000000 VESTS"}))
        names = list(AT_THE_END)
        for i in range(number % 4 if number >= FIRST_REWARDED or number % 3 else 0):
            name = names[(number * 3 + i) % len(names)]
            found.append((name, AT_THE_END[name](operations.Dice("end", label, number, i))))
        for i in range(self.many.get(number, 0)):
            found.append(("curation_reward", {
                "curator": operations.NAMES[i % len(operations.NAMES)], "reward": f"{i}.0 VESTS",
                "comment_author": "curated", "comment_permlink": "re-" + "x" * 60}))
        # Of a rejected transaction, as a node may leave it there.
        stale = _digest("stale", label, number)[:40] if number % 4 == 1 else ZERO
        return [self._entry(number, NO_TRX, stale, (i + 1 + (i > 1) * 3) & 0xFFFF, name, body)
                for i, (name, body) in enumerate(found)]

    def _entry(self, number, trx_in_block, trx_id, virtual_op, name, body):
        early = trx_in_block != NO_TRX  # a node gives these the time of the block before
        return {"trx_id": trx_id, "block": number, "trx_in_block": trx_in_block, "op_in_trx": 0,
                "virtual_op": virtual_op,
                "timestamp": self.timestamp(number - 1 if early else number), "op": [name, body]}


def read(raw, block):
    """The text of a list to expect.Operations, in their order, numbered from 1."""
    found = []
    for index, entry in enumerate(jsontext.parse(raw).items()):
        name, body = entry.get("op").items()
        trx_in_block = int(entry.get("trx_in_block").value)
        trx_id = None if trx_in_block == NO_TRX else entry.get("trx_id").text()
        found.append(expect.Operation(
            block.number, trx_in_block, int(entry.get("op_in_trx").value), index + 1, trx_id,
            block.timestamp, name.text(), expect.acting_account(name.text(), body),
            body.canonical(), body))
    return found


def whole(chain, number):
    """What must be known of a block: its state, and the list that was given."""
    return "complete", chain.virtual(number)


def unasked(_chain, _number):
    """Of a block that was stored without them."""
    return "none", b"[]"


def unrewarded(chain, number):
    """Of one whose node leaves out the producer_reward."""
    state = "unverified" if number >= FIRST_REWARDED else "complete"
    return state, without_reward(chain.virtual(number))


def without_reward(raw):
    """A list without its producer_reward."""
    return operations.emit([entry for entry in json.loads(raw)
                            if entry["op"][0] != "producer_reward"]).encode("utf-8")


def _made_up(raw, change):
    """change(entries, reward): the producer_reward of them; without one they stay as they are."""
    entries = json.loads(raw)
    for reward in [entry for entry in entries if entry["op"][0] == "producer_reward"]:
        entries = change(entries, reward)
    return operations.emit(entries).encode("utf-8")


def _of_mallory(entry):
    return {**entry, "op": ["fill_vesting_withdraw", {
        "from_account": "mallory", "to_account": "mallory", "withdrawn": "1.000000 VESTS",
        "deposited": "1000.000 STEEM"}]}


# What a node can make up, of a block that has a producer_reward: nothing in the answer shows it.
INVENTIONS = {
    "added_virtual": lambda raw: _made_up(
        raw, lambda entries, reward: [*entries, _of_mallory(reward)]),
    "changed_virtual": lambda raw: _made_up(
        raw, lambda entries, reward: [
            {**entry, "op": ["producer_reward", {**entry["op"][1], "producer": "mallory"}]}
            if entry is reward else entry for entry in entries]),
    "dropped_virtual": lambda raw: _made_up(raw, lambda entries, reward: [reward]),
}

# What a node can do wrong with such a list: text to text.
LIES = {
    "empty_virtual": lambda raw: b"[]",
    "no_reward": without_reward,
    "other_virtual": lambda raw: _each(raw, lambda entry: entry.update(block=entry["block"] + 1)),
    "real_mixed_in": lambda raw: operations.emit(
        [{"trx_id": ZERO, "block": 0, "trx_in_block": 0, "op_in_trx": 0, "virtual_op": 0,
          "timestamp": "2016-01-01T00:00:00", **_numbers(raw),
          "op": ["vote", {"voter": "alice"}]}, *json.loads(raw)]).encode("utf-8"),
    "other_trx": lambda raw: _each(raw, lambda entry: entry.update(trx_in_block=0,
                                                                    trx_id="ab" * 20)),
}


def _numbers(raw):
    return {"block": entry["block"] for entry in json.loads(raw)[:1]}


def _each(raw, change):
    entries = json.loads(raw)
    for entry in entries:
        change(entry)
    return operations.emit(entries).encode("utf-8")
