"""Accounts of the test chain and their keys, which everybody can work out from the names.

    key_text("bot-one", "posting")      STM...
    wif("bot-one", "posting")           5J... or 5K..., as a key file holds it
    sign(trx, values, ("bot-one", "posting"))    the transaction with its signatures
"""

import functools
import hashlib

from . import curve, packing

ROLES = ("owner", "active", "posting", "memo")


def secret(name, role):
    return curve.secret_of(f"{role} of {name}")


@functools.lru_cache(maxsize=None)
def signer(name, role):
    return curve.Signer(secret(name, role))


@functools.lru_cache(maxsize=None)
def key_text(name, role, values=packing.STEEM):
    return packing.key_text(signer(name, role).key, values)


def wif_of(number):
    """A secret number as Wallet Import Format: base58 of 0x80, 32 bytes, and a checksum."""
    data = b"\x80" + number.to_bytes(32, "big")
    data += hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4]
    value, text = int.from_bytes(data, "big"), ""
    while value:
        value, digit = divmod(value, 58)
        text = packing.BASE58[digit] + text
    return text


def wif(name, role):
    return wif_of(secret(name, role))


def digest(data, values):
    """What is signed, of a transaction's bytes."""
    return hashlib.sha256(values.chain_id + data).digest()


def sign(trx, values, *keys):
    """With the keys of (name, role), or with secret numbers."""
    data = digest(bytes(packing.transaction(trx, values).data), values)
    made = [curve.sign(data, key) if isinstance(key, int) else signer(*key).sign(data)
            for key in keys]
    return {**trx, "signatures": [signature.hex() for signature in made]}


def authority(*keys, accounts=(), threshold=1, values=packing.STEEM):
    """As a node prints it, in the order that it has; keys: texts."""
    return {"weight_threshold": threshold,
            "account_auths": [[name, 1] for name in sorted(accounts)],
            "key_auths": [[key, 1] for key in
                          sorted(keys, key=lambda text: packing.key_bytes(text, values))]}
