"""A transaction as a node reads it: bytes, id, whose authority it needs, who signed.

    body(data)                     the JSON of a request, by the rules of the node's own reader
    Transaction(trx, values)       raises Refusal where a node cannot read it

What is read differs from what was written in these places (steemit/steem, libraries/fc/src/io/
json.cpp; libraries/plugins/apis/condenser_api/.../condenser_api_legacy_operations.hpp): escapes
other than t n r quote backslash and slash lose only their backslash; sets and maps are sorted;
comment_options.allow_votes becomes true, and a transaction's extensions are lost.
"""

import hashlib
import json
import re

from . import curve, operations, packing, required, wallet
from .refusal import Refusal

ESCAPES = b'tnr"\\/'
NAME_SETS = ("required_auths", "required_posting_auths", "required_active_auths",
             "required_owner_auths")
EXTENSIONS = {"comment_payout_beneficiaries": 0}


def body(data):
    """What a request says."""
    data = re.sub(rb"\\(.)", lambda found: found[0] if found[1] in ESCAPES else found[1], data,
                  flags=re.DOTALL)
    return json.loads(data.decode("utf-8", "surrogateescape"), strict=False)


def _authority(value, values):
    if isinstance(value, dict):
        value["account_auths"] = sorted(value["account_auths"])
        value["key_auths"] = sorted(
            value["key_auths"], key=lambda pair: packing.key_bytes(pair[0], values))


def _amounts(value, values):
    """Amounts of other calls' form as text."""
    if isinstance(value, dict) and "nai" in value:
        symbol, decimals = dict(zip(packing.NAIS, values.symbols))[value["nai"]]
        units = int(value["amount"])
        return f"{units // 10 ** decimals}.{units % 10 ** decimals:0{decimals}d} {symbol}"
    if isinstance(value, dict):
        return {name: _amounts(item, values) for name, item in value.items()}
    return [_amounts(item, values) for item in value] if isinstance(value, list) else value


def _as_read(op, values):
    """One operation, as the node has it."""
    if isinstance(op, dict):  # of network_broadcast_api
        op = [op["type"].removesuffix("_operation"), _amounts(op["value"], values)]
        for place, extension in enumerate(op[1].get("extensions") or []):
            op[1]["extensions"][place] = [EXTENSIONS[extension["type"]], extension["value"]]
    elif op[0] == "comment_options":
        op = [op[0], {**op[1], "allow_votes": True}]
    name, read = op
    if isinstance(name, int):
        name = list(packing.OPERATIONS)[name]
    if name not in packing.OPERATIONS:
        raise Refusal("assert_exception", f"Invalid operation name: {name}",
                      "itr != to_tag.end()", file="static_variant.hpp", method="from_variant")
    for field, value in read.items():
        if field in NAME_SETS and not (field == "required_auths" and name == "custom_binary"):
            read[field] = sorted(set(value))
        elif field in ("owner", "active", "posting", "new_owner_authority",
                       "recent_owner_authority"):
            _authority(value, values)
        elif field == "props" and name == "witness_set_properties":
            read[field] = sorted(value)
    return [name, read]


class Transaction:
    """See the module's text."""

    def __init__(self, trx, values):
        self.values = values
        try:
            self.operations = [_as_read(op, values) for op in trx["operations"]]
            self.json = {
                "ref_block_num": trx["ref_block_num"], "ref_block_prefix": trx["ref_block_prefix"],
                "expiration": trx["expiration"], "operations": self.operations, "extensions": [],
                "signatures": list(trx["signatures"])}
            self.data = bytes(packing.transaction(self.json, values).data)
            tail = packing.signatures(self.json, values)
            self.posting, self.active, self.owner, self.other = required.of(self.operations)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError,
                packing.Unshown) as error:
            raise Refusal("bad_cast_exception", f"Invalid cast: {error!r:.80}", file="variant.cpp",
                          method="as_object") from error
        self.trx_id = packing.trx_id(self.data)
        self.signatures = [bytes.fromhex(text) for text in self.json["signatures"]]
        self.size = len(self.data) + len(tail)
        self.leaf = hashlib.sha256(self.data + tail).digest()
        self.expiration = packing.seconds(self.json["expiration"])
        self.ref_block_num = self.json["ref_block_num"]
        self.ref_block_prefix = self.json["ref_block_prefix"]

    @property
    def accounts(self):
        """Whose authority it needs, whichever."""
        return self.posting | self.active | self.owner

    @property
    def text(self):
        """Its JSON without the last brace, for a block."""
        return operations.emit(self.json)[:-1]

    def keys(self, known):
        """Who signed: 33 bytes each. Keys that are known (curve.Verifier) are tried first."""
        digest, found = wallet.digest(self.data, self.values), []
        for signature in self.signatures:
            if not curve.is_accepted(signature):
                raise Refusal("assert_exception", "signature is not canonical",
                              "is_canonical( c, canon_type )", file="elliptic_secp256k1.cpp",
                              method="public_key")
            try:
                key = next((one.key for one in known if one.made(digest, signature)), None)
                found.append(key or curve.recover(digest, signature))
            except curve.NoKey as error:
                raise Refusal("assert_exception", str(error), "unable to reconstruct public key",
                              file="elliptic_secp256k1.cpp", method="public_key") from error
        if len(set(found)) < len(found):
            raise Refusal("tx_duplicate_sig", "Duplicate Signature detected",
                          file="transaction.cpp", method="get_signature_keys")
        return set(found)
