"""What posters did to the chain, and whether it was right: each thing once, or not at all.

    findings, counts = check(Book(...))                  by itself
    audit(db, network, accounts, limits=..., settled=True)   the counts, or auditor.AuditError

The chain is read from its blocks, the tables from the database, and neither from the program. All is
decided by block time. A transaction can be in a block only if the time of the block before it is below its
expiration: once a block at or past it is irreversible, it can come no more.
"""

import collections
import dataclasses
import json

from . import packing, received, required
from .auditor import Findings, rows
from .ledger import CUSTOM_LIMIT, EDIT_S, REPLY_S, ROOT_S, VOTE_S
from .network import clock, seconds

COMMENTS = ("SELECT 'comment', comment_id, author, state, trx_id, block, permlink, parent_author,"
            " parent_permlink, title, body, json_metadata, options FROM comments")
ACTIONS = ("SELECT 'action', action_id, account, state, trx_id, block, action_key, operations"
           " FROM actions")
SIGNED = ("SELECT trx_id, account, comment_id, action_id, signed_trx, ref_block, expiration, outcome,"
          " sends FROM signed_trxs")
ENDS = {"confirmed", "failed", "held"}
DAY_S = 86400
AMOUNTS = {"transfer": "amount", "transfer_to_vesting": "amount", "transfer_to_savings": "amount"}


@dataclasses.dataclass
class Row:
    """A row of the outbox. operations: as the chain has them."""

    kind: str
    ident: int
    account: str
    operations: list
    state: str
    trx_id: str = None
    block: int = None
    name: str = ""

    def __str__(self):
        return f"{self.kind} {self.ident} ({self.account} {self.name}, {self.state})"

    @property
    def key(self):
        return self.kind, self.ident


@dataclasses.dataclass
class Signed:
    """A row of signed_trxs; `key` is that of the row that it carries."""

    trx_id: str
    account: str
    key: tuple
    trx: dict
    ref_block: int
    expiration: int
    outcome: str = None
    sends: int = 1


@dataclasses.dataclass
class OnChain:
    """A transaction of a block; before: the time of the block before it."""

    trx_id: str
    block: int
    before: int
    time: int
    trx: dict
    data: bytes

    @property
    def accounts(self):
        posting, active, owner, _ = required.of(self.trx["operations"])
        return posting | active | owner


@dataclasses.dataclass
class Book:
    """All that is looked at. times: of blocks, by number. horizon: the last block that the readers have
    stored and applied. settled: nothing is on its way any more."""

    accounts: set
    rows: list
    signed: list
    chain: list
    times: dict
    horizon: int
    receipts: list = ()
    limits: dict = dataclasses.field(default_factory=dict)
    values: packing.Values = packing.STEEM
    settled: bool = True


def content(operations, values):
    """The bytes of operations: the same for all spellings of them."""
    trx = {"ref_block_num": 0, "ref_block_prefix": 0, "expiration": clock(0),
           "operations": json.loads(json.dumps(operations)), "extensions": [], "signatures": []}
    return received.Transaction(trx, values).data


def signed_bytes(trx, values):
    """The bytes with the signatures."""
    return bytes(packing.transaction(trx, values).data) + packing.signatures(trx, values)


def on_chain(branch, first, last, values=packing.STEEM):
    """All transactions of these blocks."""
    found = []
    for number in range(first, last + 1):
        block, raw = packing.load(branch.raw(number))
        for trx, trx_id in zip(block["transactions"], block["transaction_ids"]):
            data = bytes(packing.transaction(trx, values, raw).data)
            assert packing.trx_id(data) == trx_id
            found.append(OnChain(trx_id, number, seconds(branch.timestamp(number - 1)),
                                 seconds(block["timestamp"]), trx,
                                 data + packing.signatures(trx, values)))
    return found


def check(book):
    """(what is wrong, counts)"""
    wrong = Findings()
    signed = {one.trx_id: one for one in book.signed}
    of_row = collections.defaultdict(list)
    # In the order of their making by block time; the calendar of the database may go back.
    for one in sorted(book.signed, key=lambda one: (one.ref_block, one.expiration)):
        of_row[one.key].append(one)
    ours = [one for one in book.chain if one.accounts & book.accounts]
    _check_bytes(book, signed, ours, wrong)
    _check_rows(book, of_row, ours, wrong)
    _check_contents(book, ours, wrong)
    _check_signed(book, of_row, ours, wrong)
    _check_pace(ours, book.accounts, wrong)
    _check_limits(book, ours, wrong)
    states = collections.Counter(row.state for row in book.rows)
    counts = {"rows": len(book.rows), **states, "signed": len(signed), "on the chain": len(ours),
              "signed again": len(book.signed) - len({one.key for one in book.signed}),
              "sends": sum(bool(one.accounts & book.accounts) for one in book.receipts)}
    return wrong, counts


def _check_bytes(book, signed, ours, wrong):
    """What was signed, sent and taken are the same bytes."""
    if len(signed) < len(book.signed):
        wrong.note("a transaction stands in signed_trxs twice")
    data = {}
    for one in book.signed:
        data[one.trx_id] = signed_bytes(one.trx, book.values)
        if packing.trx_id(bytes(packing.transaction(one.trx, book.values).data)) != one.trx_id:
            wrong.note(f"signed_trxs: {one.trx_id} is not the id of its bytes")
    for one in ours:
        if one.trx_id not in signed:
            wrong.note(f"block {one.block} has {one.trx_id} of {sorted(one.accounts)}, which"
                       " signed_trxs does not know")
        elif data[one.trx_id] != one.data:
            wrong.note(f"block {one.block} has {one.trx_id} with other bytes than were signed")
    for one in book.receipts:
        if not one.accounts & book.accounts:
            continue
        if one.trx_id not in signed:
            wrong.note(f"{one.node} was sent {one.trx_id}, which signed_trxs does not know")
        elif data[one.trx_id] != one.data:
            wrong.note(f"{one.node} was sent {one.trx_id} with other bytes than were signed")


def _check_rows(book, of_row, ours, wrong):
    """Each row: its transactions on the chain are one, or none."""
    landed = collections.defaultdict(list)
    for one in ours:
        landed[one.trx_id].append(one)
    for trx_id, places in landed.items():
        if len(places) > 1:
            wrong.note(f"{trx_id} is in the blocks {[one.block for one in places]}")
    for row in book.rows:
        mine = [place for one in of_row[row.key] for place in landed.get(one.trx_id, [])]
        stored = [place for place in mine if place.block <= book.horizon]
        if len(mine) > 1:
            wrong.note(f"{row} took effect {len(mine)} times, in the blocks"
                       f" {sorted(place.block for place in mine)}")
        for place in mine:
            if content(place.trx["operations"], book.values) != content(row.operations, book.values):
                wrong.note(f"{row}: {place.trx_id} has other operations than its row")
        if row.state == "confirmed":
            if not stored:
                wrong.note(f"{row} is on the chain nowhere")
            elif (row.trx_id, row.block) not in [(one.trx_id, one.block) for one in stored]:
                wrong.note(f"{row} says {row.trx_id} in block {row.block}, but it is"
                           f" {stored[0].trx_id} in {stored[0].block}")
        elif row.state in ENDS and mine:
            wrong.note(f"{row} took effect in block {mine[0].block}")
        elif row.state not in ENDS and stored and book.settled:
            wrong.note(f"{row} took effect in block {stored[0].block}, and is not confirmed")
        if book.settled and row.state not in ENDS:
            wrong.note(f"{row} is still on its way")


def _check_contents(book, ours, wrong):
    """The same by what they say, whoever signed it: as often as rows ask for it."""
    asked, done = collections.Counter(), collections.Counter()
    names = {}
    for row in book.rows:
        if row.state == "confirmed" or not book.settled:
            names[content(row.operations, book.values)] = row
            asked[content(row.operations, book.values)] += 1
    for one in ours:
        done[content(one.trx["operations"], book.values)] += 1
    for what, count in done.items():
        if count > asked[what]:
            wrong.note(f"what {names.get(what, 'no row')} asks for was done {count} times, should be"
                       f" {asked[what]}")
    if book.settled:
        for what, count in asked.items():
            if done[what] < count:
                wrong.note(f"what {names[what]} asks for was done {done[what]} times, should be {count}")


def _check_signed(book, of_row, ours, wrong):
    """No signature while an older one could live; and what the table says of each."""
    known, landed = {row.key for row in book.rows}, {one.trx_id: one for one in ours}
    first = {}
    for one in book.receipts:
        first.setdefault(one.trx_id, one)
    for key, list_ in of_row.items():
        if key not in known:
            wrong.note(f"{key}: signed_trxs has transactions of a row that is not there")
        for older, newer in zip(list_, list_[1:]):
            made = book.times.get(newer.ref_block)
            if made is None or made < older.expiration:
                wrong.note(f"{key}: signed again on block {newer.ref_block}, while {older.trx_id} could"
                           f" live until {clock(older.expiration)}")
            sent = first.get(newer.trx_id)
            if sent and sent.now < older.expiration:
                wrong.note(f"{key}: {newer.trx_id} was sent at {clock(sent.now)}, while {older.trx_id}"
                           f" could live until {clock(older.expiration)}")
    for one in book.signed:
        place = landed.get(one.trx_id)
        is_stored = place is not None and place.block <= book.horizon
        if one.outcome == "confirmed" and not is_stored:
            wrong.note(f"signed_trxs: {one.trx_id} is called confirmed, but is in no block")
        if one.outcome == "expired" and (place or book.times[book.horizon] < one.expiration):
            wrong.note(f"signed_trxs: {one.trx_id} is called expired, but it is in a block, or can come")
        if one.outcome != "confirmed" and is_stored and book.settled:
            wrong.note(f"signed_trxs: {one.trx_id} is in block {place.block}, but called {one.outcome}")
        if seconds(one.trx["expiration"]) != one.expiration:
            wrong.note(f"signed_trxs: {one.trx_id} has another expiration than its bytes")


def _check_pace(ours, accounts, wrong):
    """As the chain counts: by the time of the block before."""
    last, seen, customs = {}, set(), collections.Counter()

    def paced(account, kind, at, least):
        if at - last.get((account, kind), -10 ** 9) < least:
            wrong.note(f"{account}: two of {kind} within {least} s, at {clock(at)}")
        last[account, kind] = at

    for one in ours:
        for name, body in one.trx["operations"]:
            if name == "comment" and body["author"] in accounts:
                place = body["author"], body["permlink"]
                if place in seen:
                    paced(body["author"], "edits", one.before, EDIT_S)
                elif body["parent_author"]:
                    paced(body["author"], "replies", one.before, REPLY_S)
                else:
                    paced(body["author"], "posts", one.before, ROOT_S + 1)
                seen.add(place)
            elif name == "vote" and body["voter"] in accounts:
                paced(body["voter"], "votes", one.before, VOTE_S)
            elif name == "custom_json":
                for account in {*body["required_auths"], *body["required_posting_auths"]} & accounts:
                    customs[account, one.block] += 1
                    if customs[account, one.block] == CUSTOM_LIMIT + 1:
                        wrong.note(f"{account}: more than {CUSTOM_LIMIT} custom operations in block"
                                   f" {one.block}")


def _check_limits(book, ours, wrong):
    """limits: {account: {"allow": names, "only_to": names, "max_per_day": count,
    "max_amount_per_day": {symbol: units}}}. What lies at midnight counts for no day."""
    counts, sums = collections.Counter(), collections.Counter()
    for one in ours:
        day = one.time // DAY_S
        is_clear = day == (one.before - 120) // DAY_S
        for account in one.accounts & book.limits.keys():
            limits = book.limits[account]
            counts[account, day] += is_clear
            for name, body in one.trx["operations"]:
                if name not in limits.get("allow", [name]):
                    wrong.note(f"{account}: {name} in block {one.block} is not allowed")
                if "to" in body and body["to"] not in limits.get("only_to", [body["to"]]):
                    wrong.note(f"{account}: {name} to {body['to']} in block {one.block} is not allowed")
                if name in AMOUNTS:
                    number, symbol = body[AMOUNTS[name]].split(" ")
                    sums[account, day, symbol] += int(number.replace(".", "")) * is_clear
    for (account, day), count in counts.items():
        if count > book.limits[account].get("max_per_day", count):
            wrong.note(f"{account}: {count} transactions on {clock(day * DAY_S)[:10]}")
    for (account, day, symbol), units in sums.items():
        if units > book.limits[account].get("max_amount_per_day", {}).get(symbol, units):
            wrong.note(f"{account}: {units} units of {symbol} on {clock(day * DAY_S)[:10]}")


# ---- from the database

# What comment_options has where nobody says something else.
OPTIONS = {"max_accepted_payout": "1000000.000 SBD", "percent_steem_dollars": 10000, "allow_votes": True,
           "allow_curation_rewards": True, "extensions": []}


def _comment_row(row):
    kind, ident, author, state, trx_id, block, permlink, parent_author, parent_permlink, title, body, \
        metadata, options = row
    ops = [["comment", {"parent_author": parent_author, "parent_permlink": parent_permlink,
                        "author": author, "permlink": permlink, "title": title, "body": body,
                        "json_metadata": metadata}]]
    if options:
        ops.append(["comment_options", {"author": author, "permlink": permlink, **OPTIONS,
                                        **json.loads(options)}])
    return Row(kind, ident, author, ops, state, trx_id, block, permlink)


def read_rows(db):
    """The outbox, of both kinds."""
    found = [_comment_row(row) for row in rows(db, COMMENTS)]
    return found + [Row(kind, ident, account, json.loads(operations), state, trx_id, block, name)
                    for kind, ident, account, state, trx_id, block, name, operations in
                    rows(db, ACTIONS)]


def read_signed(db):
    return [Signed(trx_id, account, ("comment", comment) if comment else ("action", action),
                   json.loads(text), ref_block, seconds(expiration.isoformat()), outcome, sends)
            for trx_id, account, comment, action, text, ref_block, expiration, outcome, sends in
            rows(db, SIGNED)]


def book_of(db, network, accounts, horizon=None, **more):
    """Everything as it is now; horizon: what is irreversible, where nothing else is said."""
    with network.lock:
        branch, horizon = network.branch, horizon or network.irreversible
        receipts = list(network.received)
        chain = on_chain(branch, branch.first, branch.head, network.values)
    times = {number: seconds(branch.timestamp(number))
             for number in range(branch.first, branch.head + 1)}
    chain = [one for one in chain if one.block <= network.irreversible]
    return Book(set(accounts), read_rows(db), read_signed(db), chain, times, horizon, receipts,
                values=network.values, **more)


def audit(db, network, accounts, **more):
    """The tables against the irreversible part of the chain; the counts."""
    wrong, counts = check(book_of(db, network, accounts, **more))
    wrong.done()
    return counts
