"""Sample operations for the synthetic chain: every real operation type, and odd content.

Bodies are Python values; `emit` writes them as a node does. Raw carries text that must reach
the reader as it is (numbers above 2^64, 1.50, repeated keys).
"""

import functools
import hashlib

from . import curve, jsontext, packing

NAMES = ("alice bob carol dan erin frank grace heidi ivan judy mallory niaj oscar peggy rupert "
         "sybil steemit ned a-b.c-d abc sixteen-chars-ab").split()
KEY = "STM8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX"
EVERY_CONTROL = "".join(map(chr, range(0x20))) + "\x7f\x80\x9f"


@functools.lru_cache(maxsize=None)
def signing_key(secret):
    """The public key, as text, of the secret that everybody can work out from this text."""
    return packing.key_text(curve.Signer(curve.secret_of(secret)).key, packing.STEEM)


def same_key(witness):
    """What a witness_update says that changes no key."""
    return {"owner": witness, "url": "https://steemit.com/witness/@x",
            "block_signing_key": signing_key(witness)}


class Raw(str):
    """JSON text that goes out as it is."""


class Dice:
    """Choices that are a pure function of label, block and place."""

    def __init__(self, *seed):
        self.number = int.from_bytes(hashlib.sha256(repr(seed).encode()).digest(), "big")

    def below(self, limit):
        self.number, rest = divmod(self.number, limit)
        return rest

    def name(self):
        return NAMES[self.below(len(NAMES))]

    def amount(self, unit="STEEM"):
        digits = 6 if unit == "VESTS" else 3
        return f"{self.below(10 ** 7) / 1000:.{digits}f} {unit}"


def emit(value):
    """A Python value as steemd spells it: raw UTF-8, no white space, slashes as they are."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{emit(k)}:{emit(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(map(emit, value)) + "]"
    if isinstance(value, str):
        return jsontext.quote(value)
    return {True: "true", False: "false", None: "null"}[value] \
        if value is None or isinstance(value, bool) else str(value)


def authority(*accounts):
    return {"weight_threshold": 1, "account_auths": [[name, 1] for name in accounts],
            "key_auths": [[KEY, 1]]}


def price(dice):
    return {"base": dice.amount("SBD"), "quote": dice.amount("STEEM")}


def _escrow(d, **more):
    return {"from": d.name(), "to": d.name(), "agent": d.name(), "escrow_id": d.below(99), **more}


def _savings(d, **more):
    return {"from": d.name(), "request_id": d.below(10 ** 6), **more}


def _create(d, **more):
    return {"fee": d.amount(), "creator": d.name(), "new_account_name": d.name(),
            "owner": authority(), "active": authority("auth-active"), "posting": authority(),
            "memo_key": KEY, "json_metadata": "", **more}


def _comment(d, body, parent=""):
    return {"parent_author": parent, "parent_permlink": "test/ing", "author": d.name(),
            "permlink": f"re-{d.below(9999)}", "title": "Größe – 你好", "body": body,
            "json_metadata": '{"tags":["a","b"],"app":"steemit\\/0.1"}'}


def _transfer(d, memo):
    return {"from": d.name(), "to": d.name(), "amount": d.amount(), "memo": memo}


def _custom_json(d, ident, text, active=False):
    auths = [d.name()]
    return {"required_auths": auths if active else [],
            "required_posting_auths": [] if active else auths, "id": ident, "json": text}


def _header(d):
    return {"previous": "0000000a" + "55" * 16, "timestamp": "2016-03-24T16:00:30",
            "witness": d.name(), "transaction_merkle_root": "66" * 20, "extensions": [],
            "witness_signature": "1f" + "33" * 32 + "44" * 32}


# The 47 real operations, in the order of the protocol's variant.
REAL = {
    "vote": lambda d: {"voter": d.name(), "author": d.name(), "permlink": "a-b",
                       "weight": d.below(20001) - 10000},
    "comment": lambda d: _comment(d, "Hello, world / 你好 😀"),
    "transfer": lambda d: _transfer(d, "thanks!"),
    "transfer_to_vesting": lambda d: {"from": d.name(), "to": "", "amount": d.amount()},
    "withdraw_vesting": lambda d: {"account": d.name(), "vesting_shares": d.amount("VESTS")},
    "limit_order_create": lambda d: {
        "owner": d.name(), "orderid": 4294967295, "amount_to_sell": d.amount("SBD"),
        "min_to_receive": d.amount(), "fill_or_kill": False, "expiration": "2035-10-29T06:32:22"},
    "limit_order_cancel": lambda d: {"owner": d.name(), "orderid": d.below(2 ** 32)},
    "feed_publish": lambda d: {"publisher": d.name(), "exchange_rate": price(d)},
    "convert": lambda d: {"owner": d.name(), "requestid": d.below(2 ** 31),
                          "amount": d.amount("SBD")},
    "account_create": _create,
    "account_update": lambda d: {"account": d.name(), "posting": authority("auth-posting"),
                                 "memo_key": KEY, "json_metadata": "{}"},
    "witness_update": lambda d: {
        **same_key(d.name()),
        "props": {"account_creation_fee": "0.100 STEEM", "maximum_block_size": 65536,
                  "sbd_interest_rate": 0}, "fee": "0.000 STEEM"},
    "account_witness_vote": lambda d: {"account": d.name(), "witness": d.name(), "approve": True},
    "account_witness_proxy": lambda d: {"account": d.name(), "proxy": ""},
    "pow": lambda d: {"worker_account": d.name(), "block_id": "00" * 20, "nonce": str(2 ** 63 + 5),
                      "work": {"worker": KEY, "input": "ab" * 32, "signature": "1f" * 65,
                               "work": "00" * 32},
                      "props": {"account_creation_fee": "100.000 STEEM",
                                "maximum_block_size": 131072, "sbd_interest_rate": 1000}},
    "custom": lambda d: {"required_auths": sorted({d.name(), d.name()}), "id": 777,
                         "data": "0a" * 20},
    "report_over_production": lambda d: {"reporter": d.name(), "first_block": _header(d),
                                         "second_block": _header(d)},
    "delete_comment": lambda d: {"author": d.name(), "permlink": "gone"},
    "custom_json": lambda d: _custom_json(d, "follow", '["follow",{"follower":"a","what":[]}]'),
    "comment_options": lambda d: {
        "author": d.name(), "permlink": "p", "max_accepted_payout": "1000000.000 SBD",
        "percent_steem_dollars": 10000, "allow_votes": True, "allow_curation_rewards": True,
        "extensions": [[0, {"beneficiaries": [{"account": "benefactor", "weight": 500},
                                              {"account": d.name(), "weight": 1}]}]]},
    "set_withdraw_vesting_route": lambda d: {"from_account": d.name(), "to_account": d.name(),
                                             "percent": 100, "auto_vest": True},
    "limit_order_create2": lambda d: {
        "owner": d.name(), "orderid": 1, "amount_to_sell": d.amount(), "exchange_rate": price(d),
        "fill_or_kill": False, "expiration": "2030-01-01T00:00:00"},
    "claim_account": lambda d: {"creator": d.name(), "fee": "0.000 STEEM", "extensions": []},
    "create_claimed_account": lambda d: {
        "creator": d.name(), "new_account_name": d.name(), "owner": authority("auth-owner"),
        "active": authority(), "posting": authority(), "memo_key": KEY, "json_metadata": "",
        "extensions": []},
    "request_account_recovery": lambda d: {
        "recovery_account": d.name(), "account_to_recover": d.name(),
        "new_owner_authority": authority(), "extensions": []},
    "recover_account": lambda d: {"account_to_recover": d.name(), "new_owner_authority":
                                  authority(), "recent_owner_authority": authority(),
                                  "extensions": []},
    "change_recovery_account": lambda d: {"account_to_recover": d.name(),
                                          "new_recovery_account": "recoverer", "extensions": []},
    "escrow_transfer": lambda d: _escrow(
        d, sbd_amount=d.amount("SBD"), steem_amount=d.amount(), fee=d.amount(),
        ratification_deadline="2018-01-01T00:00:00", escrow_expiration="2018-02-01T00:00:00",
        json_meta='{"terms":"test"}'),
    "escrow_dispute": lambda d: _escrow(d, who="disputer"),
    "escrow_release": lambda d: _escrow(d, who="releaser", receiver="receiver",
                                        sbd_amount="0.000 SBD", steem_amount=d.amount()),
    "pow2": lambda d: {
        "work": [1, {"input": {"worker_account": d.name(), "prev_block": "01" * 20,
                               "nonce": "9007199254740993"}, "prev_block": "01" * 20,
                     "pow_summary": 3868549, "proof":
                     {"n": 140, "k": 6, "seed": "8a" * 32, "inputs": [1, 2, 4294967295]}}],
        "new_owner_key": KEY, "props": {"account_creation_fee": "3.000 STEEM",
                                        "maximum_block_size": 65536, "sbd_interest_rate": 1000}},
    "escrow_approve": lambda d: _escrow(d, who="approver", approve=True),
    "transfer_to_savings": lambda d: _transfer(d, "for later"),
    "transfer_from_savings": lambda d: _savings(d, to=d.name(), amount=d.amount(), memo="/back/"),
    "cancel_transfer_from_savings": _savings,
    "custom_binary": lambda d: {
        "required_owner_auths": [], "required_active_auths": [],
        "required_posting_auths": [d.name()], "required_auths": [authority("auth-binary")],
        "id": "binary", "data": "ff00ff"},
    "decline_voting_rights": lambda d: {"account": d.name(), "decline": True},
    "reset_account": lambda d: {"reset_account": d.name(), "account_to_reset": "to-reset",
                                "new_owner_authority": authority()},
    "set_reset_account": lambda d: {"account": d.name(), "current_reset_account": "old-reset",
                                    "reset_account": "new-reset"},
    "claim_reward_balance": lambda d: {
        "account": d.name(), "reward_steem": d.amount(), "reward_sbd": "0.000 SBD",
        "reward_vests": d.amount("VESTS")},
    "delegate_vesting_shares": lambda d: {"delegator": d.name(), "delegatee": d.name(),
                                          "vesting_shares": d.amount("VESTS")},
    "account_create_with_delegation": lambda d: _create(d, delegation=d.amount("VESTS"),
                                                        extensions=[]),
    "witness_set_properties": lambda d: {
        "owner": d.name(), "props": [["account_creation_fee", "b80b00000000000003535445454d0000"],
                                     ["key", "02" * 33]], "extensions": []},
    "account_update2": lambda d: {"account": d.name(), "json_metadata": "",
                                  "posting_json_metadata": '{"profile":{"name":"Ж"}}',
                                  "extensions": []},
    "create_proposal": lambda d: {
        "creator": d.name(), "receiver": d.name(), "start_date": "2019-09-01T00:00:00",
        "end_date": "2019-10-01T00:00:00", "daily_pay": "1.000 SBD", "subject": "s",
        "permlink": "p", "extensions": []},
    "update_proposal_votes": lambda d: {"voter": d.name(), "proposal_ids": [0, 1, 4294967295],
                                        "approve": True, "extensions": []},
    "remove_proposal": lambda d: {"proposal_owner": d.name(), "proposal_ids": [3],
                                  "extensions": []},
}


def nest(depth, inside):
    """A value under that many objects and arrays by turns."""
    for level in range(depth):
        inside = {"n": inside} if level % 2 else [inside]
    return inside


# Content that is rare on the chain.
ODD = [
    ("comment", lambda d: _comment(d, f"!ask what is {d.below(99)}?", "alice")),
    ("comment", lambda d: _comment(d, "!asking is not asking")),
    ("comment", lambda d: _comment(d, "please !ask later")),
    ("comment", lambda d: _comment(d, EVERY_CONTROL + "\\\"/<>&'")),
    ("comment", lambda d: _comment(d, "emoji 😀👨\u200d👩\u200d👧 \U0010ffff CJK 漢字かな 한국")),
    ("comment", lambda d: _comment(d, "separators \u2028\u2029\ufeff\ufffd e\u0301\u202e\u0085")),
    ("comment", lambda d: _comment(d, "\x00starts with NUL, ends with NUL\x00")),
    ("transfer", lambda d: _transfer(d, f"order:{d.below(999)}")),
    ("transfer", lambda d: _transfer(d, "#encryptedMemo/+=")),
    ("transfer", lambda d: {"to": "bob", "from": "", "amount": "0.001 SBD", "memo": ""}),
    ("custom_json", lambda d: _custom_json(d, "sm_market_purchase", '{"x":"\\u0000/"}', True)),
    ("custom_json", lambda d: _custom_json(d, "ssc-mainnet1", "[1,2.50,null]")),
    ("custom_json", lambda d: {"required_auths": [], "required_posting_auths": [], "id": "",
                               "json": ""}),
    ("vote", lambda d: {"voter": "größe", "author": "x", "permlink": "", "weight": 0}),
]
# Content that only a proxy or a hardfork could bring: nobody can pack it, see packing.py.
UNPACKED = [
    ("comment", lambda d: _comment(d, "lone \ud83d high, low \udE00, turned \ude00\ud83d!")),
    ("vote", lambda d: {"voter": "seventeen-chars-a", "author": "x", "permlink": "", "weight": 0}),
    ("vote", lambda d: {}),
    ("smt_of_the_future", lambda d: {"owner": d.name(), "memo": "order:1", "body": "!ask me"}),
    ("an_empty_one", lambda d: {}),
    ("numbers", lambda d: Raw(
        '{"a":0,"b":-1,"c":4294967296,"d":9007199254740993,"e":-9223372036854775808,'
        '"f":9223372036854775807,"g":18446744073709551615,"h":18446744073709551616,'
        '"i":123456789012345678901234567890,"j":1.50,"k":1e5,"l":-0,"m":-0.0,"n":1E+400,'
        '"o":0.1000000000000000055511151231257827,"p":"18446744073709551615",'
        '"q":[true,false,null],"r":1e-7}')),
    ("deep", lambda d: {"down": nest(60, "the bottom / ü")}),
    ("odd_keys", lambda d: {"": 1, "a/b": 2, "\u2028": 3, "\x01": 4, "z": 5, "a": 6, "😀": {}}),
]
TEMPLATES = list(REAL.items()) + ODD
BIG_BODY_BYTES = 64 * 1024


def sample(index, *seed, odd=False):
    """Operation number `index` of an endless series: (name, body text). odd: with UNPACKED."""
    index %= len(TEMPLATES) + len(UNPACKED)
    if index < len(TEMPLATES):
        name, make = TEMPLATES[index]
    else:
        name, make = (UNPACKED if odd else ODD)[index - len(TEMPLATES)]
    return name, emit(make(Dice(index, *seed)))


def made(name, **members):
    """An operation with these members and all others that it must have: (name, body text)."""
    return name, emit({**REAL[name](Dice(name)), **members})


def big(*seed):
    """A custom_json of 64 kB."""
    dice = Dice("big", *seed)
    text = f"{dice.below(10 ** 9)} 你好/\\\"\n"
    text = text * (BIG_BODY_BYTES // len(text.encode()))
    return "custom_json", emit(_custom_json(dice, "big", text))
