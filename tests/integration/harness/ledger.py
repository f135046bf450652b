"""What a chain knows of its accounts at a block, and what it lets them do.

    ledger = Ledger(values)
    ledger.account("bot-one", steem=100_000)         keys: see wallet.py
    ledger.comment("alice", "question")              one that exists from the beginning
    mark = ledger.mark(); ledger.apply(trx, now, head, pending=True); ledger.undo(mark)

Rules and texts are those of steemit/steem 0.23 with all its hardforks: libraries/protocol/
steem_operations.cpp (validate), libraries/chain/steem_evaluator.cpp, libraries/chain/database.cpp and
libraries/plugins/witness/witness_plugin.cpp. Of a block's transactions, `now` is the time of the block
before it: so a real node has it too. Operations that are not in EVALUATORS are let through and do nothing.
"""

import json
import re

from . import curve, packing, wallet
from .refusal import UNKNOWN_KEY, Refusal, need

MAX_UNTIL_EXPIRATION_S = 3600
REPLY_S, ROOT_S, EDIT_S, VOTE_S = 3, 300, 3, 3
CUSTOM_LIMIT, CUSTOM_BYTES = 5, 8192
MAX_DEPTH, SOFT_DEPTH = 0xFFFF, 255
MAX_BLOCK_BYTES = 65536
AUTHORITY_DEPTH = 2
NAME = re.compile(r"(?=.{3,16}\Z)[a-z][a-z0-9-]*[a-z0-9](\.[a-z][a-z0-9-]*[a-z0-9])*")
PERMLINK = re.compile(r"[a-z0-9-]*\Z")
LONG_AGO = -10 ** 9


def _missing(what, **data):
    raise Refusal(UNKNOWN_KEY, "unknown key", data={"what": "unknown key", **data},
                  file="database.cpp", method=what)


def _utf8(text, test, said):
    try:
        text.encode("utf-8")
        is_utf8 = True
    except UnicodeEncodeError:
        is_utf8 = False
    need(is_utf8, test, said)


def _name(text):
    # Parts of a name are at least three letters; the whole of it is checked part by part.
    is_valid = NAME.fullmatch(text) and all(len(part) >= 3 for part in text.split("."))
    need(is_valid, "is_valid_account_name( name )", f"Account name {text} is invalid", n=text)


def _permlink(text):
    need(len(text.encode()) < 256, "permlink.size() < STEEM_MAX_PERMLINK_LENGTH",
         "permlink is too long")
    _utf8(text, "fc::is_utf8( permlink )", "permlink not formatted in UTF8")


def _is_json(text):
    try:
        json.loads(text, strict=False)
        return True
    except ValueError:
        return False


# ---- validate(): what needs no knowledge of the chain

def _validate_comment(body):
    need(len(body["title"].encode()) < 256, "title.size() < STEEM_COMMENT_TITLE_LIMIT",
         "Title larger than size limit")
    _utf8(body["title"], "fc::is_utf8( title )", "Title not formatted in UTF8")
    need(body["body"], "body.size() > 0", "Body is empty")
    _utf8(body["body"], "fc::is_utf8( body )", "Body not formatted in UTF8")
    if body["parent_author"]:
        _name(body["parent_author"])
    _name(body["author"])
    _permlink(body["parent_permlink"])
    _permlink(body["permlink"])
    if body["json_metadata"]:
        need(_is_json(body["json_metadata"]), "fc::json::is_valid(json_metadata, fc::json::"
             "broken_nul_parser)", "JSON Metadata not valid JSON")


def _validate_options(body):
    _name(body["author"])
    need(body["percent_steem_dollars"] <= 10000, "percent_steem_dollars <= STEEM_100_PERCENT",
         "Percent cannot exceed 100%")
    need(body["max_accepted_payout"].endswith(("SBD", "TBD")),
         "max_accepted_payout.symbol == SBD_SYMBOL", "Max accepted payout must be in SBD")
    _permlink(body["permlink"])
    for _, extension in body["extensions"]:
        rows = [(row["account"], row["weight"]) for row in extension["beneficiaries"]]
        need(rows, "beneficiaries.size()", "Must specify at least one beneficiary")
        need(len(rows) < 128, "beneficiaries.size() < 128",
             "Cannot specify more than 127 beneficiaries.")
        for name, _ in rows:
            _name(name)
        need(sum(weight for _, weight in rows) <= 10000, "sum <= STEEM_100_PERCENT",
             "Cannot allocate more than 100% of rewards to a comment")
        need(all(one < two for (one, _), (two, _) in zip(rows, rows[1:])),
             "beneficiaries[i - 1] < beneficiaries[i]",
             "Benficiaries must be specified in sorted order (account ascending)")


def _validate_vote(body):
    _name(body["voter"])
    _name(body["author"])
    need(abs(body["weight"]) <= 10000, "abs(weight) <= STEEM_100_PERCENT",
         "Weight is not a STEEMIT percentage")
    _permlink(body["permlink"])


def _amount(text):
    """(units, symbol)"""
    number, symbol = text.split(" ")
    return int(number.replace(".", "")), symbol


def _validate_transfer(body):
    _name(body["from"])
    _name(body["to"])
    units, symbol = _amount(body["amount"])
    need(symbol != "VESTS", "amount.symbol.is_vesting() == false",
         "Transferring vests is not allowed.")
    need(units > 0, "amount.amount > 0", "Cannot transfer a negative amount (aka: stealing)")
    need(len(body["memo"].encode()) < 2048, "memo.size() < STEEM_MAX_MEMO_SIZE",
         "Memo is too large")
    _utf8(body["memo"], "fc::is_utf8( memo )", "Memo is not UTF8")


def _validate_custom_json(body):
    need(body["required_auths"] or body["required_posting_auths"],
         "(required_auths.size() + required_posting_auths.size()) > 0",
         "at least one account must be specified")
    _utf8(body["json"], "fc::is_utf8(json)", "JSON Metadata not formatted in UTF8")
    need(_is_json(body["json"]), "fc::json::is_valid(json)", "JSON Metadata not valid JSON")


VALIDATORS = {
    "comment": _validate_comment, "comment_options": _validate_options, "vote": _validate_vote,
    "transfer": _validate_transfer, "custom_json": _validate_custom_json,
    "delete_comment": lambda body: (_name(body["author"]), _permlink(body["permlink"])),
}


def validate(trx):
    need(trx.operations, "operations.size() > 0", "A transaction must have at least one operation")
    for name, body in trx.operations:
        if name in VALIDATORS:
            VALIDATORS[name](body)


class Ledger:
    """See the module's text. Tables are dicts; what changes is written down, to be undone."""

    def __init__(self, values=packing.STEEM):
        self.values = values
        self.authorities, self.verifiers = {}, {}
        self.tables, self.changes, self.forgotten = {}, [], 0

    # ---- tables

    def get(self, table, key, default=None):
        return self.tables.get((table, key), default)

    def set(self, table, key, value):
        self.changes.append(((table, key), self.tables.get((table, key))))
        if value is None:
            self.tables.pop((table, key), None)
        else:
            self.tables[table, key] = value

    def mark(self):
        return self.forgotten + len(self.changes)

    def undo(self, mark):
        """Back to where it was at this mark."""
        while self.forgotten + len(self.changes) > mark:
            key, old = self.changes.pop()
            if old is None:
                self.tables.pop(key, None)
            else:
                self.tables[key] = old

    def forget(self, mark):
        """Nobody will go back beyond this mark."""
        del self.changes[:mark - self.forgotten]
        self.forgotten = max(self.forgotten, mark)

    # ---- what is there from the beginning

    def account(self, name, steem=0, sbd=0, **authorities):
        """An account; balances in thousandths; authorities: of other roles than wallet.py gives it."""
        made = {role: wallet.authority(wallet.key_text(name, role, self.values), values=self.values)
                for role in ("owner", "active", "posting")}
        self.authorities[name] = {**made, **authorities}
        for (symbol, _), units in zip(self.values.symbols, (steem, sbd)):
            self.tables["balance", (name, symbol)] = units
        for authority in self.authorities[name].values():
            for text, _ in authority["key_auths"]:
                self._verifier(text)

    def _verifier(self, text):
        if text not in self.verifiers:
            self.verifiers[text] = curve.Verifier(packing.key_bytes(text, self.values))
        return self.verifiers[text]

    def comment(self, author, permlink, parent=None, **changes):
        """changes: allow_replies, allow_votes"""
        self.tables["comment", (author, permlink)] = {**self.new_comment(parent), **changes}

    def new_comment(self, parent):
        depth = self.get("comment", parent)["depth"] + 1 if parent else 0
        return {"parent": parent, "depth": depth, "allow_replies": True, "allow_votes": True}

    # ---- one transaction

    def check_authority(self, trx):
        """As libraries/protocol/include/steem/protocol/transaction_util.hpp has it."""
        for name in sorted(trx.accounts):
            if name not in self.authorities:
                _missing("get_account", name=name)
        near = [self._verifier(text) for name in sorted(trx.accounts)
                for text in self._texts(name, AUTHORITY_DEPTH)]
        keys, used = trx.keys(dict.fromkeys(near)), set()

        def holds(authority, role, depth=0):
            """Whether these keys make it; which of them, is noted."""
            total = 0
            for text, weight in authority.get("key_auths", []):
                key = packing.key_bytes(text, self.values)
                if key in keys:
                    used.add(key)
                    total += weight
            if authority.get("key_bytes") and bytes.fromhex(authority["key_bytes"]) in keys:
                used.add(bytes.fromhex(authority["key_bytes"]))
                total += 1
            if total < authority["weight_threshold"] and depth < AUTHORITY_DEPTH:
                for name, weight in authority["account_auths"]:
                    other = self.authorities.get(name)
                    if other and holds(other[role], role, depth + 1):
                        total += weight
            return total >= authority["weight_threshold"]

        if trx.posting:
            need(not trx.active, "required_active.size() == 0", "")
            need(not trx.owner, "required_owner.size() == 0", "")
            need(not trx.other, "other.size() == 0", "")
        for authority in trx.other:
            if not holds(authority, "active"):
                raise Refusal("tx_missing_other_auth", "Missing Authority",
                              file="transaction_util.hpp", method="verify_authority")
        for role, names in (("posting", trx.posting), ("active", trx.active), ("owner", trx.owner)):
            for name in sorted(names):
                known = self.authorities[name]
                roles = {"posting": ("posting", "active", "owner"), "active": ("active", "owner"),
                         "owner": ("owner",)}[role]
                # Accounts that an authority names are asked for the authority that is needed.
                asked = "posting" if role == "posting" else "active"
                if not any(holds(known[one], asked) for one in roles):
                    raise Refusal(
                        f"tx_missing_{role}_auth", f"Missing {role.title()} Authority {name}",
                        data={"id": name, **{one: known[one] for one in roles}},
                        file="transaction_util.hpp", method="verify_authority")
        if keys - used:
            raise Refusal("tx_irrelevant_sig", "Unnecessary signature(s) detected",
                          file="transaction_util.hpp", method="verify_authority")

    def _texts(self, name, depth):
        for authority in self.authorities.get(name, {}).values():
            yield from (text for text, _ in authority["key_auths"])
            if depth:
                for other, _ in authority["account_auths"]:
                    yield from self._texts(other, depth - 1)

    def check_known(self, trx, now):
        """What was seen may not be sent again; it is forgotten once it has expired."""
        if self.get("trx", trx.trx_id) is not None and now <= trx.expiration:
            raise Refusal("assert_exception", "Duplicate transaction check failed",
                          "(skip & skip_transaction_dupe_check) || trx_idx.indices().get<by_trx_id>()"
                          ".find(trx_id) == trx_idx.indices().get<by_trx_id>().end()",
                          {"trx_ix": trx.trx_id}, method="_apply_transaction")

    def apply(self, trx, now, head, pending=False):
        """All its operations, or Refusal and nothing. pending: with what only producers ask for."""
        mark = self.mark()
        try:
            self.check_known(trx, now)
            if not now < trx.expiration <= now + MAX_UNTIL_EXPIRATION_S:
                raise Refusal("transaction_expiration_exception", "", data={
                    "now": now, "trx.exp": trx.expiration}, method="_apply_transaction")
            self.set("trx", trx.trx_id, trx.expiration)
            for name, body in trx.operations:
                if name in EVALUATORS:
                    EVALUATORS[name](self, body, now, head if pending else None)
        except Refusal:
            self.undo(mark)
            raise

    def known_account(self, name):
        if name not in self.authorities:
            _missing("get_account", name=name)

    def change_balance(self, name, units, symbol):
        self.set("balance", (name, symbol), self.get("balance", (name, symbol), 0) + units)


# ---- the evaluators: (ledger, body, time, head number while pending)

def _comment(ledger, body, now, pending):
    author, place = body["author"], (body["author"], body["permlink"])
    ledger.known_account(author)
    there = ledger.get("comment", place)
    parent = None
    if body["parent_author"]:
        parent = ledger.get("comment", (body["parent_author"], body["parent_permlink"]))
        if parent is None:
            _missing("get_comment", author=body["parent_author"], permlink=body["parent_permlink"])
        need(parent["depth"] < MAX_DEPTH, "parent->depth < STEEM_MAX_COMMENT_DEPTH",
             f"Comment is nested {parent['depth']} posts deep, maximum depth is {MAX_DEPTH}.")
        if pending is not None and parent["depth"] >= SOFT_DEPTH:
            raise Refusal("plugin_exception", f"Comment is nested {parent['depth']} posts deep,"
                          f" maximum depth is {SOFT_DEPTH}.", file="witness_plugin.cpp",
                          method="operator()")
    if there is None:
        _new_comment(ledger, body, now, parent)
        return
    need(now - ledger.get("last edit", author, LONG_AGO) >= EDIT_S,
         "now - auth.last_post_edit >= STEEM_MIN_COMMENT_EDIT_INTERVAL",
         "Can only perform one comment edit per block.")
    named = (body["parent_author"], body["parent_permlink"]) if parent else None
    need(there["parent"] == named, "com.parent_author == o.parent_author",
         "The parent of a comment cannot change.")
    ledger.set("last edit", author, now)


def _new_comment(ledger, body, now, parent):
    author = body["author"]
    if parent is None:
        need(now - ledger.get("last root", author, LONG_AGO) > ROOT_S,
             "( now - auth.last_root_post ) > STEEM_MIN_ROOT_COMMENT_INTERVAL",
             "You may only post once every 5 minutes.", now=now)
    else:
        root = parent
        while root["parent"]:
            root = ledger.get("comment", root["parent"])
        need(root["allow_replies"], "_db.get( parent->root_comment ).allow_replies",
             "The parent comment has disabled replies.")
        need(now - ledger.get("last post", author, LONG_AGO) >= REPLY_S,
             "(now - auth.last_post) >= STEEM_MIN_REPLY_INTERVAL_HF20",
             "You may only comment once every 3 seconds.", now=now)
    for field in ("parent_permlink", "permlink"):
        need(0 < len(body[field]) < 256, "permlink.size() > STEEM_MIN_PERMLINK_LENGTH && permlink"
             ".size() < STEEM_MAX_PERMLINK_LENGTH", "Permlink is not a valid size.")
        need(PERMLINK.match(body[field]), "false", "Invalid permlink character")
    for table in ("last post", "last edit", *(("last root",) if parent is None else ())):
        ledger.set(table, author, now)
    named = (body["parent_author"], body["parent_permlink"]) if parent else None
    ledger.set("comment", (author, body["permlink"]), ledger.new_comment(named))


def _options(ledger, body, _, pending):
    place = body["author"], body["permlink"]
    there = ledger.get("comment", place)
    if there is None:
        _missing("get_comment", author=place[0], permlink=place[1])
    for _, extension in body["extensions"]:
        if pending is not None and len(extension["beneficiaries"]) > 8:
            raise Refusal("plugin_exception", "Cannot specify more than 8 beneficiaries.",
                          file="witness_plugin.cpp", method="operator()")
        for row in extension["beneficiaries"]:
            need(row["account"] in ledger.authorities, "acc != nullptr",
                 f'Beneficiary "{row["account"]}" must exist.')
        need(not there.get("beneficiaries"), "_c.beneficiaries.size() == 0",
             "Comment already has beneficiaries specified.")
    ledger.set("comment", place, {**there, "beneficiaries": bool(body["extensions"]),
                                  "allow_votes": body["allow_votes"]})


def _delete(ledger, body, _, __):
    place = body["author"], body["permlink"]
    if ledger.get("comment", place) is None:
        _missing("get_comment", author=place[0], permlink=place[1])
    ledger.set("comment", place, None)


def _vote(ledger, body, now, _):
    voter, place = body["voter"], (body["author"], body["permlink"])
    there = ledger.get("comment", place)
    if there is None:
        _missing("get_comment", author=place[0], permlink=place[1])
    ledger.known_account(voter)
    need(there["allow_votes"], "comment.allow_votes", "Votes are not allowed on the comment.")
    need(now - ledger.get("last vote", voter, LONG_AGO) >= VOTE_S,
         "elapsed_seconds >= STEEM_MIN_VOTE_INTERVAL_SEC", "Can only vote once every 3 seconds.")
    before = ledger.get("vote", (voter, *place))
    if before is None:
        need(body["weight"] != 0, "o.weight != 0", "Vote weight cannot be 0.")
    else:
        need(before[1] < 5, "itr->num_changes < STEEM_MAX_VOTE_CHANGES",
             "Voter has used the maximum number of vote changes on this comment.")
        need(before[0] != body["weight"], "itr->vote_percent != o.weight",
             "Your current vote on this comment is identical to this vote.")
    ledger.set("vote", (voter, *place), (body["weight"], before[1] + 1 if before else 0))
    ledger.set("last vote", voter, now)


def _transfer(ledger, body, _, __):
    ledger.known_account(body["from"])
    ledger.known_account(body["to"])
    units, symbol = _amount(body["amount"])
    need(ledger.get("balance", (body["from"], symbol), 0) >= units,
         "_db.get_balance( o.from, o.amount.symbol ) >= o.amount",
         "Account does not have sufficient funds for transfer.")
    ledger.change_balance(body["from"], -units, symbol)
    ledger.change_balance(body["to"], units, symbol)


def _custom_json(ledger, body, _, pending):
    if pending is None:
        return
    if len(body["json"].encode()) > CUSTOM_BYTES:
        raise Refusal("plugin_exception", f"Operation JSON must be less than {CUSTOM_BYTES} bytes.",
                      file="witness_plugin.cpp", method="operator()")
    for name in sorted({*body["required_auths"], *body["required_posting_auths"]}):
        head, count = ledger.get("customs", name, (pending, 0))
        count = count if head == pending else 0
        if count >= CUSTOM_LIMIT:
            raise Refusal(
                "plugin_exception", f"Account {name} already submitted {CUSTOM_LIMIT} custom json"
                " operation(s) this block.", data={"a": name, "n": CUSTOM_LIMIT},
                file="witness_plugin.cpp", method="limit_custom_op_count")
        ledger.set("customs", name, (pending, count + 1))


EVALUATORS = {"comment": _comment, "comment_options": _options, "delete_comment": _delete,
              "vote": _vote, "transfer": _transfer, "custom_json": _custom_json}
