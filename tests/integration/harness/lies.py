"""What a lying node can say of a block: true answers with something changed.

    for lie in lies(block): lie.name, lie.block, lie.verdict     every one that this block allows
    tell(raw, "changed")                                         the text of the first one of a kind

A lie's name is its kind and, behind a colon, where it is. Its verdict is what prover.py must say.
The kinds of FITTING go on from there: an operation is changed and then, one after the other, its
id, the Merkle root, the block's id and the key are made to fit. Only who has the witness's own
key gets as far as the last one, and no prover can tell that from the truth.
"""

import collections
import copy
import hashlib
import json
import re

from . import chain as chains, curve, operations, packing

Lie = collections.namedtuple("Lie", "name block verdict")

AMOUNT = re.compile(r"\d+\.\d+ [A-Z]+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
KEY_TEXT = re.compile(r"STM[1-9A-HJ-NP-Za-km-z]{50}")
HEX = re.compile(r"(?:[0-9a-f]{2}){20,}")
PAIRS = ("account_auths", "key_auths", "props")  # lists of [name, value]
UNSIGNED = ("account_subsidy_budget", "account_subsidy_decay")
# What a node of 2018 got wrong by itself: the prover finds the true value and takes that.
REPAIRED = "percent_steem_dollars"
# Operations that differ in nothing but the name.
SAME_MEMBERS = {"transfer": "transfer_to_savings", "transfer_to_savings": "transfer"}
STRANGER = curve.secret_of("a stranger to all witnesses")
FITTING = ("fitting id", "fitting root", "fitting block id", "fitting key", "signed by a stranger",
           "signed by the witness")
PLAIN = ("changed", "renamed", "member missing", "member more", "operation removed",
         "operation doubled", "operations swapped", "operation moved", "transaction removed",
         "transaction doubled", "transactions swapped", "removed with its id",
         "doubled with its id", "swapped with their ids", "envelope", "place", "header",
         "signature", "other signature", "other signature with its id")
KINDS = PLAIN + FITTING


def lies(block):
    """Every lie about a block (as json.loads has it) that it allows, as Lie."""
    yield from _of_operations(block)
    yield from _of_order(block)
    yield from _of_transactions(block)
    yield from _of_header(block)
    yield from _of_signature(block)
    yield from _that_fit(block)


def tell(raw, kind):
    """The text of a block with the first lie of a kind; as it is where it allows none."""
    if kind not in KINDS:
        raise ValueError(f"no lie is called {kind}")
    for lie in lies(packing.load(raw)[0]):
        if lie.name.partition(":")[0] == kind:
            return operations.emit(lie.block).encode("utf-8", "surrogateescape")
    return raw


def _doubtful(*trxs):
    """What hides a lie: the prover cannot know which bytes a U+FFFD stands for."""
    return "not shown" if "\\ufffd" in json.dumps(trxs) else "false"


# ---- what changes one thing

def _changed(value, name=""):
    """(where, another value): each place of a value changed once, as a node could print it."""
    if isinstance(value, dict):
        for member, inner in value.items():
            if member not in UNSIGNED:
                for where, other in _changed(inner, member):
                    yield f".{member}{where}", {**value, member: other}
    elif isinstance(value, list):
        yield from _changed_list(value, name)
    elif isinstance(value, bool):
        yield "", not value
    elif isinstance(value, int):
        yield "", value - 1 if value > 0 else value + 1
    elif isinstance(value, str):
        for other in _changed_text(value, name):
            yield "", other


def _changed_list(value, name):
    is_variant = (len(value) == 2 and isinstance(value[0], int)
                  and not isinstance(value[1], int))
    is_pair = name == "pair"
    for index, inner in enumerate(value):
        if not (is_variant and index == 0):
            for where, other in _changed(inner, "pair" if name in PAIRS else name):
                yield f"[{index}]{where}", value[:index] + [other] + value[index + 1:]
    if value and not is_variant and not is_pair:
        yield "[-1] removed", value[:-1]
        yield "[-1] doubled", value + value[-1:]
        if value[0] != value[-1]:
            yield "[] turned", value[::-1]


def _changed_text(value, name):
    if AMOUNT.fullmatch(value):
        yield ("1" if value[0] != "1" else "2") + value[1:]
        for one, other in (("STEEM", "SBD"), ("SBD", "STEEM")):
            if value.endswith(" " + one):
                yield value.replace(one, other)
    elif TIME.fullmatch(value):
        yield value[:-1] + ("1" if value[-1] != "1" else "2")
    elif KEY_TEXT.fullmatch(value):
        yield packing.key_text(curve.public_key(STRANGER), packing.STEEM)
    elif HEX.fullmatch(value) or value.isdigit() or name == "data" or name == "pair" and \
            re.fullmatch("(?:[0-9a-f]{2}){8,}", value):
        yield value[:-1] + ("1" if value[-1:] != "1" else "2") if value else "00"
    elif re.fullmatch(r"\d+\.\d+\.\d+", value):
        yield value[:-1] + ("3" if value[-1] != "3" else "4")
    else:
        yield value[:-1] + ("x" if value[-1:] != "x" else "y")


def _with(block, change):
    """A copy, changed."""
    made = copy.deepcopy(block)
    change(made)
    return made


def _with_body(block, place, body):
    t, o = place
    return _with(block, lambda b: b["transactions"][t]["operations"][o].__setitem__(1, body))


def _places(block):
    for t, trx in enumerate(block["transactions"]):
        for o in range(len(trx["operations"])):
            yield t, o


# ---- the kinds

def _of_operations(block):
    for t, o in _places(block):
        trx = block["transactions"][t]
        name, body = trx["operations"][o]
        for where, other in _changed(body):
            verdict = _doubtful(trx, other) if REPAIRED not in where else "content"
            yield Lie(f"changed: {t}.{o} {name}{where}", _with_body(block, (t, o), other), verdict)
        if name in SAME_MEMBERS:
            yield Lie(f"renamed: {t}.{o} {name}", _with(
                block, lambda b, t=t, o=o, name=name: b["transactions"][t]["operations"][o]
                .__setitem__(0, SAME_MEMBERS[name])), _doubtful(trx))
        for member in body:
            if member in UNSIGNED or name in ("account_update", "account_update2") or \
                    member in ("extensions", "new_owner_key"):
                continue  # may be left out
            rest = {one: value for one, value in body.items() if one != member}
            yield Lie(f"member missing: {t}.{o} {name}.{member}",
                      _with_body(block, (t, o), rest), "not shown")
        yield Lie(f"member more: {t}.{o} {name}",
                  _with_body(block, (t, o), {**body, "memo2": "more"}), "not shown")


def _of_order(block):
    """Inside of transactions."""
    trxs = block["transactions"]

    def with_ops(t, ops):
        return _with(block, lambda b: b["transactions"][t].update(operations=ops))

    for t, trx in enumerate(trxs):
        ops = trx["operations"]
        yield Lie(f"operation removed: {t}.0", with_ops(t, ops[1:]), _doubtful(ops[1:]))
        yield Lie(f"operation doubled: {t}.0", with_ops(t, ops[:1] + ops), _doubtful(ops))
        if ops[0] != ops[-1]:
            yield Lie(f"operations swapped: {t}", with_ops(t, ops[::-1]), _doubtful(ops))
        if t + 1 < len(trxs):
            moved = with_ops(t, ops[:-1])
            moved["transactions"][t + 1]["operations"].insert(0, ops[-1])
            both = {_doubtful(each) for each in moved["transactions"][t:t + 2]}
            yield Lie(f"operation moved: {t}", moved, min(both))  # one that is false will do


def _of_transactions(block):
    """Whole ones, with and without their ids."""
    trxs, ids = block["transactions"], block["transaction_ids"]

    def order(places, with_ids):
        made = copy.deepcopy(block)
        made["transactions"] = [copy.deepcopy(trxs[place]) for place in places]
        if with_ids:
            made["transaction_ids"] = [ids[place] for place in places]
        for index, trx in enumerate(made["transactions"]):
            if "transaction_num" in trx:
                trx["transaction_num"] = index
        return made

    everything = list(range(len(trxs)))
    for t in everything:
        for with_ids, removed, doubled in ((False, "transaction removed", "transaction doubled"),
                                           (True, "removed with its id", "doubled with its id")):
            yield Lie(f"{removed}: {t}", order(everything[:t] + everything[t + 1:], with_ids),
                      "false")
            yield Lie(f"{doubled}: {t}", order(everything[:t] + everything[t:t + 1]
                                               + everything[t:], with_ids), "false")
    if len(trxs) > 1:
        yield Lie("transactions swapped:", order(everything[::-1], False), "false")
        yield Lie("swapped with their ids:", order(everything[::-1], True), "false")
    for t, trx in enumerate(trxs):
        envelope = {name: trx[name] for name in ("ref_block_num", "ref_block_prefix", "expiration",
                                                 "signatures")}
        for where, other in _changed(envelope):
            # signatures are no part of the id, so no doubt about texts hides them
            verdict = _doubtful(trx) if "signatures" not in where else "false"
            yield Lie(f"envelope: {t}{where}", _with(
                block, lambda b, t=t, other=other: b["transactions"][t].update(other)), verdict)
        place = {name: trx[name] for name in ("transaction_id", "block_num", "transaction_num")
                 if trx.get(name)}
        for where, other in _changed(place):
            if 0 not in other.values():  # as some nodes have it
                yield Lie(f"place: {t}{where}", _with(
                    block, lambda b, t=t, other=other: b["transactions"][t].update(other)), "false")
        yield Lie(f"place: {t} id", _with(
            block, lambda b, t=t: b["transaction_ids"].__setitem__(t, "ab" * 20)), "false")


def _of_header(block):
    for member in ("previous", "timestamp", "witness", "transaction_merkle_root", "extensions",
                   "block_id", "signing_key"):
        for where, other in _changed(block[member], member):
            yield Lie(f"header: {member}{where}", {**block, member: other}, "false")
    previous = block["previous"]
    yield Lie("header: another number", {**block, "previous": f"{int(previous[:8], 16) + 7:08x}"
                                         + previous[8:]}, "false")
    if not block["extensions"]:
        yield Lie("header: extensions added", {**block, "extensions": [[1, "0.23.0"]]}, "false")


def _of_signature(block):
    signature = bytes.fromhex(block["witness_signature"])
    for at in (0, 1, 64):
        other = bytes(byte ^ (at == index) for index, byte in enumerate(signature))
        yield Lie(f"signature: byte {at}", {**block, "witness_signature": other.hex()}, "false")
    # Who has no key can still turn a signature into the other one that is valid: S into N - S. The
    # block says the same and has another id.
    s = curve.N - int.from_bytes(signature[33:], "big")
    other = bytes([31 + (signature[0] - 31 & 3 ^ 1)]) + signature[1:33] + s.to_bytes(32, "big")
    made = {**block, "witness_signature": other.hex()}
    yield Lie("other signature:", made, "false")
    yield Lie("other signature with its id:", fit_block_id(dict(made)), "content")


def _that_fit(block):
    """An operation is changed, and what hangs on it made to fit, step by step."""
    for lie in _of_operations(block):
        if lie.name.startswith("changed") and lie.verdict == "false":
            break
    else:
        return
    made = copy.deepcopy(lie.block)
    steps = (fit_ids, fit_root, fit_block_id, fit_key, sign_as(curve.Signer(STRANGER)),
             sign_as(chains.signer_of(block["witness"])))
    for kind, fit in zip(FITTING, steps):
        try:
            made = fit(copy.deepcopy(made))
        except packing.Unshown:  # an operation beside it that nobody can pack
            return
        yield Lie(f"{kind}: {lie.name}", made, "content" if kind in FITTING[3:] else "false")


# ---- what makes it fit; each changes the block and returns it

def fit_ids(block):
    for t, trx in enumerate(block["transactions"]):
        trx_id = packing.trx_id(packing.transaction(trx, packing.STEEM).data)
        block["transaction_ids"][t] = trx_id
        if "transaction_id" in trx:
            trx["transaction_id"] = trx_id
    return block


def fit_root(block):
    block["transaction_merkle_root"] = packing.merkle_root([
        hashlib.sha256(packing.transaction(trx, packing.STEEM).data
                       + packing.signatures(trx, packing.STEEM)).digest()
        for trx in block["transactions"]])
    return block


def fit_block_id(block):
    number = int(block["previous"][:8], 16) + 1
    block["block_id"] = packing.block_id(number, packing.header(block, packing.STEEM)
                                         + bytes.fromhex(block["witness_signature"]))
    return block


def fit_key(block):
    """The old signature over the new header is one of some other key."""
    digest = hashlib.sha256(packing.header(block, packing.STEEM)).digest()
    key = curve.recover(digest, bytes.fromhex(block["witness_signature"]))
    block["signing_key"] = packing.key_text(key, packing.STEEM)
    return block


def sign_as(signer):
    def fit(block):
        digest = hashlib.sha256(packing.header(block, packing.STEEM)).digest()
        block["witness_signature"] = signer.sign(digest).hex()
        block["signing_key"] = packing.key_text(signer.key, packing.STEEM)
        return fit_block_id(block)
    return fit
