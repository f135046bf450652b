"""The binary form of transactions and block headers, written for the tests alone.

    transaction(trx, STEEM).data       the bytes without signatures
    signatures(trx, STEEM)             what follows them
    header(block, STEEM)               the bytes of a block's header, without the signature
    trx_id, merkle_root, block_id      what is made of such bytes

Made from the protocol's description (steemit/steem, libraries/protocol: operations.hpp for the
numbers, steem_operations.hpp and sps_operations.hpp for the order of the fields, fc's raw.hpp
for the bytes) and without a look at the reader's own packer: each shall find the other's faults.

Input is what json.loads gives. Everything that a node does not print raises Unshown: what was
signed cannot be known then.
"""

import calendar
import dataclasses
import functools
import hashlib
import json
import re
import time

from . import ripemd

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
NAME_MAX_BYTES = 16
IDENT_MAX_BYTES = 32
REPLACEMENT = "\ufffd"


class Unshown(Exception):
    """The JSON does not show what was signed."""


class Repeated(dict):
    """An object that names a member twice."""


@dataclasses.dataclass(frozen=True)
class Values:
    """What differs from chain to chain."""

    symbols: tuple  # (text, decimals) of the amounts; the order is that of NAIS
    prefix: str  # of keys
    chain_id: bytes
    roots: tuple = ()  # (block, what its transactions give in place of the header's root)


NAIS = ("@@000000021", "@@000000013", "@@000000037")
# Nodes accept these by a table of their own: steemit/steem,
# libraries/chain/include/steem/chain/shared_db_merkle.hpp.
ODD_ROOTS = (
    (3705111, "0a8f0fd5450c3706ec8b8cbad795cd0b3679bf35"),
    (3705120, "2027edb72b671f7011c8cc4c7a8b59c39b305093"),
    (3713940, "bf8a1d516927c506ebdbb7b38bef2e992435435f"),
    (3714132, "e8b77773d268b72c8d650337b8cce360bbe64779"),
    (3714567, "45af59a8c2d7d4a606151ef5dae03d2dfe13fbdd"),
    (3714588, "e64275443bdc82f104ac936486d367af8f6d1584"),
    (4138790, "f65a3a788a2ef52406d8ba5705d7288be228403f"),
    (5435426, "0b32538b2d22bd3146d54b6e3cb5ae8b9780e8a5"),
)
STEEM = Values((("STEEM", 3), ("SBD", 3), ("VESTS", 6)), "STM", bytes(32), ODD_ROOTS)
TESTNET = Values((("TESTS", 3), ("TBD", 3), ("VESTS", 6)), "TST",
                 hashlib.sha256(b"\x07testnet").digest())


# ---- numbers and texts

def varint(number):
    """Seven bits a byte, the low ones first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _integer(size, signed=False):
    lowest = -(1 << (8 * size - 1)) if signed else 0
    highest = lowest + (1 << 8 * size) - 1

    def pack(out, value, _):
        # A node quotes what is above 32 bits.
        if size == 8 and isinstance(value, str) and re.fullmatch("0|-?[1-9][0-9]*", value):
            value = int(value)
        if type(value) is not int or not lowest <= value <= highest:
            raise Unshown(f"{value!r} is no integer of {8 * size} bits")
        out.data += value.to_bytes(size, "little", signed=signed)
    return pack


U16, U32, U64 = _integer(2), _integer(4), _integer(8)
I16, I64 = _integer(2, True), _integer(8, True)


def BOOL(out, value, _):
    if not isinstance(value, bool):
        raise Unshown(f"{value!r} is no truth value")
    out.data.append(value)


def _bytes_of(out, value):
    if not isinstance(value, str):
        raise Unshown(f"{value!r} is no text")
    if REPLACEMENT in value:
        out.doubts.append("U+FFFD may stand for other bytes")
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError:
        pass
    try:
        if out.raw:  # bytes that are not UTF-8 came in as lone surrogates U+DC80 to U+DCFF
            out.doubts.append("what is not UTF-8 may have been an escape")
            return value.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        pass
    raise Unshown("a lone surrogate is no text")


def STR(out, value, _):
    data = _bytes_of(out, value)
    out.data += varint(len(data)) + data


def _short(limit):
    def pack(out, value, _):
        data = _bytes_of(out, value)
        if len(data) > limit or b"\0" in data:
            raise Unshown(f"{value!r} does not fit into {limit} bytes")
        out.data += varint(len(data)) + data
    return pack


NAME, IDENT = _short(NAME_MAX_BYTES), _short(IDENT_MAX_BYTES)


def _hex(value, size=None):
    if not isinstance(value, str) or not re.fullmatch("(?:[0-9a-f]{2})*", value) or \
            size is not None and len(value) != 2 * size:
        raise Unshown(f"{value!r} is not hex as it should be")
    return bytes.fromhex(value)


def BYTES(out, value, _):
    data = _hex(value)
    out.data += varint(len(data)) + data


def _raw_bytes(size):
    def pack(out, value, _):
        out.data += _hex(value, size)
    return pack


H20, H32, SIGNATURE = _raw_bytes(20), _raw_bytes(32), _raw_bytes(65)


@functools.lru_cache(maxsize=4096)
def seconds(text):
    """A time as it is printed, to seconds modulo 2^32: nodes print it as a signed number."""
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", text):
            raise ValueError
        count = calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
    except (TypeError, ValueError):
        raise Unshown(f"{text!r} is no time") from None
    if not -(1 << 31) <= count < 1 << 31 or text.endswith(("60", "61")):
        raise Unshown(f"{text!r} is no time of 32 bits")
    return count & 0xFFFFFFFF


def TIME(out, value, _):
    if not isinstance(value, str):
        raise Unshown(f"{value!r} is no time")
    out.data += seconds(value).to_bytes(4, "little")


# ---- keys

def ripemd160(data):
    """By OpenSSL, where it has it."""
    try:
        return hashlib.new("ripemd160", data).digest()
    except ValueError:
        return ripemd.digest(data)


def key_text(key, values):
    """33 bytes as a node prints them."""
    data = key + ripemd160(key)[:4]
    number, out = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        out = BASE58[digit] + out
    return values.prefix + "1" * (len(data) - len(data.lstrip(b"\0"))) + out


@functools.lru_cache(maxsize=4096)
def key_bytes(text, values):
    """The 33 bytes of a printed key."""
    try:
        if not text.startswith(values.prefix):
            raise ValueError
        number = 0
        for letter in text[len(values.prefix):]:
            number = number * 58 + BASE58.index(letter)
        data = number.to_bytes(37, "big")
        if key_text(data[:33], values) != text:
            raise ValueError
    except (AttributeError, OverflowError, ValueError):
        raise Unshown(f"{text!r} is no key") from None
    return data[:33]


def KEY(out, value, values):
    if not isinstance(value, str):
        raise Unshown(f"{value!r} is no key")
    out.data += key_bytes(value, values)


# ---- amounts

def _symbol(name, decimals):
    return bytes([decimals]) + name.encode().ljust(7, b"\0")


@functools.lru_cache(maxsize=8192)
def _asset_of_text(text, values):
    match = re.fullmatch(r"(0|[1-9][0-9]*)\.([0-9]+) ([A-Z]+)", text)
    for name, decimals in values.symbols if match else ():
        if match[3] == name and len(match[2]) == decimals:
            amount = int(match[1] + match[2])
            if amount < 1 << 63:
                return amount.to_bytes(8, "little", signed=True) + _symbol(name, decimals)
    raise Unshown(f"{text!r} is no amount")


def ASSET(out, value, values):
    """Text, or the object that newer calls and some operations have."""
    if isinstance(value, str):
        out.data += _asset_of_text(value, values)
        return
    inner = Packed(out.raw)
    for name, (symbol, decimals) in zip(NAIS, values.symbols):
        if isinstance(value, dict) and value.get("nai") == name and \
                value.get("precision") == decimals and len(value) == 3:
            I64(inner, value.get("amount"), values)
            if inner.data[7] < 0x80:
                out.data += inner.data + _symbol(symbol, decimals)
                return
    raise Unshown(f"{value!r} is no amount")


def FEE(out, value, values):
    """account_creation_fee, whose symbol some early witnesses had wrong: see Packed.repaired."""
    ASSET(out, value, values)
    out.fees.append(len(out.data) - 8)


def PERCENT(out, value, values):
    """percent_steem_dollars, which nodes of 2018 printed wrong: see Packed.repaired."""
    U16(out, value, values)
    out.percents.append(len(out.data) - 2)


# ---- what is made of others

def _items(value):
    if not isinstance(value, list):
        raise Unshown(f"{value!r} is no list")
    return value


def vec(of):
    """Also a set: its order is the printed one, which is the packed one."""
    def pack(out, value, values):
        out.data += varint(len(_items(value)))
        for item in value:
            of(out, item, values)
    return pack


def mapping(key, of):
    def pack(out, value, values):
        out.data += varint(len(_items(value)))
        for pair in value:
            if len(_items(pair)) != 2:
                raise Unshown(f"{pair!r} is no pair")
            key(out, pair[0], values)
            of(out, pair[1], values)
    return pack


def opt(of):
    def pack(out, value, values):
        out.data.append(value is not None)
        if value is not None:
            of(out, value, values)
    pack.may_be_absent = True
    return pack


def variant(*kinds):
    """[which, value]; kinds: (number, what it is called in JSON, type)."""
    known = {type(name): {} for _, name, _ in kinds}
    for number, name, of in kinds:
        known[type(name)][name] = varint(number), of

    def pack(out, value, values):
        if len(_items(value)) != 2:
            raise Unshown(f"{value!r:.60} is no variant")
        tag, of = known.get(type(value[0]), {}).get(value[0], (None, None))
        if tag is None:
            raise Unshown(f"there is no {value[0]!r:.60} here")
        out.data += tag
        of(out, value[1], values)
    return pack


def struct(*fields, unpacked=()):
    """fields: (name, type) in packed order; unpacked: members that are printed and not signed."""
    names = {name for name, _ in fields} | set(unpacked)

    def pack(out, value, values):
        if not isinstance(value, dict) or isinstance(value, Repeated):
            raise Unshown(f"{value!r:.60} is no object whose members stand there once")
        if not value.keys() <= names:
            raise Unshown(f"a member {min(value.keys() - names)!r}")
        for name, of in fields:
            if value.get(name) is None and not hasattr(of, "may_be_absent"):
                raise Unshown(f"no member {name!r}")
            of(out, value.get(name), values)
    pack.fields = fields
    return pack


def EXTENSIONS(out, value, _):
    """Nothing was ever put there; some calls leave the member out."""
    if value not in (None, []):
        raise Unshown(f"extensions {value!r}")
    out.data.append(0)


EXTENSIONS.may_be_absent = True


def VERSION(out, value, _):
    match = re.fullmatch(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)", value) \
        if isinstance(value, str) else None
    parts = [int(part) for part in match.groups()] if match else [256]
    if parts[0] > 255 or parts[1] > 255 or parts[2] > 65535:
        raise Unshown(f"{value!r} is no version")
    out.data += (parts[0] << 24 | parts[1] << 16 | parts[2]).to_bytes(4, "little")


def VOID(_, value, __):
    if value not in ({}, []):
        raise Unshown(f"{value!r} where nothing is due")


PRICE = struct(("base", ASSET), ("quote", ASSET))
AUTHORITY = struct(("weight_threshold", U32), ("account_auths", mapping(NAME, U16)),
                   ("key_auths", mapping(KEY, U16)))
PROPS = struct(("account_creation_fee", FEE), ("maximum_block_size", U32),
               ("sbd_interest_rate", U16),
               unpacked=("account_subsidy_budget", "account_subsidy_decay"))
HEADER_FIELDS = (
    ("previous", H20), ("timestamp", TIME), ("witness", STR), ("transaction_merkle_root", H20),
    ("extensions", vec(variant(
        (0, 0, VOID), (1, 1, VERSION),
        (2, 2, struct(("hf_version", VERSION), ("hf_time", TIME)))))))
HEADER = struct(*HEADER_FIELDS)
SIGNED_HEADER = struct(*HEADER_FIELDS, ("witness_signature", SIGNATURE))
BENEFICIARIES = struct(("beneficiaries", vec(struct(("account", NAME), ("weight", U16)))))
POW_INPUT = struct(("worker_account", NAME), ("prev_block", H20), ("nonce", U64))
POW2 = variant(
    (0, 0, struct(("input", POW_INPUT), ("pow_summary", U32))),
    (1, 1, struct(
        ("input", POW_INPUT),
        ("proof", struct(("n", U32), ("k", U32), ("seed", H32), ("inputs", vec(U32)))),
        ("prev_block", H20), ("pow_summary", U32))))
_THREE = (("owner", AUTHORITY), ("active", AUTHORITY), ("posting", AUTHORITY))
_THREE_OR_NOT = tuple((name, opt(of)) for name, of in _THREE)
_MEMO_KEY = (("memo_key", KEY), ("json_metadata", STR))
_EXT = ("extensions", EXTENSIONS)
_ESCROW = (("from", NAME), ("to", NAME), ("agent", NAME), ("who", NAME))

# In the order of their numbers.
OPERATIONS = {
    "vote": struct(("voter", NAME), ("author", NAME), ("permlink", STR), ("weight", I16)),
    "comment": struct(("parent_author", NAME), ("parent_permlink", STR), ("author", NAME),
                      ("permlink", STR), ("title", STR), ("body", STR), ("json_metadata", STR)),
    "transfer": struct(("from", NAME), ("to", NAME), ("amount", ASSET), ("memo", STR)),
    "transfer_to_vesting": struct(("from", NAME), ("to", NAME), ("amount", ASSET)),
    "withdraw_vesting": struct(("account", NAME), ("vesting_shares", ASSET)),
    "limit_order_create": struct(
        ("owner", NAME), ("orderid", U32), ("amount_to_sell", ASSET), ("min_to_receive", ASSET),
        ("fill_or_kill", BOOL), ("expiration", TIME)),
    "limit_order_cancel": struct(("owner", NAME), ("orderid", U32)),
    "feed_publish": struct(("publisher", NAME), ("exchange_rate", PRICE)),
    "convert": struct(("owner", NAME), ("requestid", U32), ("amount", ASSET)),
    "account_create": struct(("fee", ASSET), ("creator", NAME), ("new_account_name", NAME),
                             *_THREE, *_MEMO_KEY),
    "account_update": struct(("account", NAME), *_THREE_OR_NOT, *_MEMO_KEY),
    "witness_update": struct(("owner", NAME), ("url", STR), ("block_signing_key", KEY),
                             ("props", PROPS), ("fee", ASSET)),
    "account_witness_vote": struct(("account", NAME), ("witness", NAME), ("approve", BOOL)),
    "account_witness_proxy": struct(("account", NAME), ("proxy", NAME)),
    "pow": struct(("worker_account", NAME), ("block_id", H20), ("nonce", U64),
                  ("work", struct(("worker", KEY), ("input", H32), ("signature", SIGNATURE),
                                  ("work", H32))),
                  ("props", PROPS)),
    "custom": struct(("required_auths", vec(NAME)), ("id", U16), ("data", BYTES)),
    "report_over_production": struct(("reporter", NAME), ("first_block", SIGNED_HEADER),
                                     ("second_block", SIGNED_HEADER)),
    "delete_comment": struct(("author", NAME), ("permlink", STR)),
    "custom_json": struct(("required_auths", vec(NAME)), ("required_posting_auths", vec(NAME)),
                          ("id", IDENT), ("json", STR)),
    "comment_options": struct(
        ("author", NAME), ("permlink", STR), ("max_accepted_payout", ASSET),
        ("percent_steem_dollars", PERCENT), ("allow_votes", BOOL),
        ("allow_curation_rewards", BOOL),
        ("extensions", vec(variant((0, 0, BENEFICIARIES))))),
    "set_withdraw_vesting_route": struct(("from_account", NAME), ("to_account", NAME),
                                         ("percent", U16), ("auto_vest", BOOL)),
    "limit_order_create2": struct(
        ("owner", NAME), ("orderid", U32), ("amount_to_sell", ASSET), ("exchange_rate", PRICE),
        ("fill_or_kill", BOOL), ("expiration", TIME)),
    "claim_account": struct(("creator", NAME), ("fee", ASSET), _EXT),
    "create_claimed_account": struct(("creator", NAME), ("new_account_name", NAME), *_THREE,
                                     *_MEMO_KEY, _EXT),
    "request_account_recovery": struct(("recovery_account", NAME), ("account_to_recover", NAME),
                                       ("new_owner_authority", AUTHORITY), _EXT),
    "recover_account": struct(("account_to_recover", NAME), ("new_owner_authority", AUTHORITY),
                              ("recent_owner_authority", AUTHORITY), _EXT),
    "change_recovery_account": struct(("account_to_recover", NAME),
                                      ("new_recovery_account", NAME), _EXT),
    "escrow_transfer": struct(
        ("from", NAME), ("to", NAME), ("sbd_amount", ASSET), ("steem_amount", ASSET),
        ("escrow_id", U32), ("agent", NAME), ("fee", ASSET), ("json_meta", STR),
        ("ratification_deadline", TIME), ("escrow_expiration", TIME)),
    "escrow_dispute": struct(*_ESCROW, ("escrow_id", U32)),
    "escrow_release": struct(*_ESCROW, ("receiver", NAME), ("escrow_id", U32),
                             ("sbd_amount", ASSET), ("steem_amount", ASSET)),
    "pow2": struct(("work", POW2), ("new_owner_key", opt(KEY)), ("props", PROPS)),
    "escrow_approve": struct(*_ESCROW, ("escrow_id", U32), ("approve", BOOL)),
    "transfer_to_savings": struct(("from", NAME), ("to", NAME), ("amount", ASSET),
                                  ("memo", STR)),
    "transfer_from_savings": struct(("from", NAME), ("request_id", U32), ("to", NAME),
                                    ("amount", ASSET), ("memo", STR)),
    "cancel_transfer_from_savings": struct(("from", NAME), ("request_id", U32)),
    "custom_binary": struct(
        ("required_owner_auths", vec(NAME)), ("required_active_auths", vec(NAME)),
        ("required_posting_auths", vec(NAME)), ("required_auths", vec(AUTHORITY)),
        ("id", IDENT), ("data", BYTES)),
    "decline_voting_rights": struct(("account", NAME), ("decline", BOOL)),
    "reset_account": struct(("reset_account", NAME), ("account_to_reset", NAME),
                            ("new_owner_authority", AUTHORITY)),
    "set_reset_account": struct(("account", NAME), ("current_reset_account", NAME),
                                ("reset_account", NAME)),
    "claim_reward_balance": struct(("account", NAME), ("reward_steem", ASSET),
                                   ("reward_sbd", ASSET), ("reward_vests", ASSET)),
    "delegate_vesting_shares": struct(("delegator", NAME), ("delegatee", NAME),
                                      ("vesting_shares", ASSET)),
    "account_create_with_delegation": struct(
        ("fee", ASSET), ("delegation", ASSET), ("creator", NAME), ("new_account_name", NAME),
        *_THREE, *_MEMO_KEY, _EXT),
    "witness_set_properties": struct(("owner", NAME), ("props", mapping(STR, BYTES)), _EXT),
    "account_update2": struct(("account", NAME), *_THREE_OR_NOT, ("memo_key", opt(KEY)),
                              ("json_metadata", STR), ("posting_json_metadata", STR), _EXT),
    "create_proposal": struct(
        ("creator", NAME), ("receiver", NAME), ("start_date", TIME), ("end_date", TIME),
        ("daily_pay", ASSET), ("subject", STR), ("permlink", STR), _EXT),
    "update_proposal_votes": struct(("voter", NAME), ("proposal_ids", vec(I64)),
                                    ("approve", BOOL), _EXT),
    "remove_proposal": struct(("proposal_owner", NAME), ("proposal_ids", vec(I64)), _EXT),
}
OPERATION = variant(*((number, name, of) for number, (name, of) in enumerate(OPERATIONS.items())))
TRANSACTION = struct(
    ("ref_block_num", U16), ("ref_block_prefix", U32), ("expiration", TIME),
    ("operations", vec(OPERATION)), ("extensions", EXTENSIONS),
    unpacked=("signatures", "transaction_id", "block_num", "transaction_num"))
SIGNATURES = vec(SIGNATURE)

# account_creation_fee as some had it: steemit/steem, libraries/protocol/include/steem/protocol/
# legacy_asset.hpp. Nodes print 3 decimals and STEEM for all of them.
ODD_FEES = tuple(_symbol(name, decimals) for name, decimals in
                 (("STEEM", 1), ("STEEM", 2), ("STEEM", 5), ("0.001", 3), ("6.000", 3)))
# The most likely ones first.
PERCENTS = [percent.to_bytes(2, "little")
            for percent in (10000, 0, *range(1, 10000), *range(10001, 65536))]


class Packed:
    """Bytes in the making; raw: the text that they are from was not all UTF-8."""

    def __init__(self, raw=False):
        self.data, self.raw = bytearray(), raw
        self.doubts, self.fees, self.percents = [], [], []

    def repaired(self, trx_id):
        """(what, bytes) of what was signed under this id in place of what is printed: the fee's
        symbol, and percent_steem_dollars, which nodes before 0.20.0 printed from memory that they
        had not set (steemit/steem issue 2807). Otherwise None."""
        tries = [("account_creation_fee", {at: symbol}) for at in self.fees for symbol in ODD_FEES]
        tries += [("percent_steem_dollars", dict.fromkeys(self.percents, percent))
                  for percent in PERCENTS[:2] if len(self.percents) > 1]
        for what, places in tries:
            data = bytearray(self.data)
            for at, piece in places.items():
                data[at:at + len(piece)] = piece
            if hashlib.sha256(data).hexdigest()[:40] == trx_id:
                return what, bytes(data)
        for at in self.percents:
            head, tail = hashlib.sha256(self.data[:at]), bytes(self.data[at + 2:])
            for percent in PERCENTS:
                hashed = head.copy()
                hashed.update(percent + tail)
                if hashed.hexdigest()[:40] == trx_id:
                    return (f"percent_steem_dollars {int.from_bytes(percent, 'little')}",
                            bytes(self.data[:at]) + percent + tail)
        return None


def transaction(trx, values, raw=False):
    """A transaction without its signatures, as Packed."""
    out = Packed(raw)
    TRANSACTION(out, trx, values)
    return out


def operation(op, values):
    """One operation [name, body]: its bytes."""
    out = Packed()
    OPERATION(out, op, values)
    return bytes(out.data)


def signatures(trx, values):
    """What follows it where it is signed."""
    out = Packed()
    SIGNATURES(out, trx.get("signatures"), values)
    return bytes(out.data)


def header(block, values):
    """The bytes of a block's header."""
    out = Packed()
    HEADER(out, {name: block.get(name) for name, _ in HEADER_FIELDS}, values)
    return bytes(out.data)


def trx_id(data):
    """From the bytes without signatures."""
    return hashlib.sha256(data).hexdigest()[:40]


def merkle_root(leaves):
    """From the SHA-256 of each signed transaction."""
    if not leaves:
        return "0" * 40
    while len(leaves) > 1:
        odd = leaves[len(leaves) & ~1:]
        leaves = [hashlib.sha256(left + right).digest()
                  for left, right in zip(leaves[::2], leaves[1::2])] + odd
    return ripemd160(leaves[0]).hex()


def block_id(number, signed_header):
    """From the header's bytes and those of the witness's signature."""
    return f"{number:08x}" + hashlib.sha224(signed_header).hexdigest()[8:40]


def load(text):
    """JSON text or bytes to (value, whether it held bytes that are not UTF-8)."""
    raw = False
    if isinstance(text, (bytes, bytearray)):
        text = text.decode("utf-8", "surrogateescape")
        raw = not text.isascii() and any("\udc80" <= char <= "\udcff" for char in text)
    return json.loads(text, object_pairs_hook=_members), raw


def _members(pairs):
    made = dict(pairs)
    return made if len(made) == len(pairs) else Repeated(made)
