"""Whether a block's own bytes prove what its JSON says.

    verdict, reason, key = prove_block(chain.raw(7), packing.STEEM)

The verdict is "content": every operation is bound to the block's id, and key is the text of the
key that signed it; the reason then says what was signed in place of what is printed, if
something was. "false": somebody changed it. "not shown": the JSON cannot show what was signed.
Nothing here says that the key is one of the witness, nor that the block is one of the chain.
"""

import hashlib

from . import curve, packing
from .packing import Unshown

BLOCK_MEMBERS = {"previous", "timestamp", "witness", "transaction_merkle_root", "extensions",
                 "witness_signature", "transactions", "block_id", "signing_key",
                 "transaction_ids"}


class NotSigned(Exception):
    """What is printed was not signed."""


def prove_block(answer, values):
    """answer: the result of condenser_api.get_block, as text, bytes, or what they mean."""
    raw = False
    if isinstance(answer, (bytes, str)):
        answer, raw = packing.load(answer)
    if not isinstance(answer, dict):
        return "false", "this is no block", None
    unshown, repaired, key = [], [], None
    try:
        header, signature = _prove_header(answer, values, unshown)
        if header is None:
            return "not shown", unshown[-1], None
        found = _prove_transactions(answer, values, raw, unshown, repaired)
        if not unshown and packing.merkle_root(found) != _root(answer, values):
            raise NotSigned("the transactions do not give the Merkle root")
        key = _signer(answer, values, header, signature)
    except NotSigned as error:
        return "false", str(error), None
    if unshown:
        return "not shown", "; ".join(unshown), key
    return "content", "; ".join(repaired), key


def leaves(answer, values):
    """Of the Merkle tree of a block that proves: SHA-256 of each signed transaction."""
    unshown = []
    block, raw = packing.load(answer)
    found = _prove_transactions(block, values, raw, unshown, [])
    assert not unshown, unshown
    return found


def number_of(block):
    """By what it names as the one before."""
    return int(block["previous"][:8], 16) + 1


def _root(block, values):
    return dict(values.roots).get(number_of(block), block["transaction_merkle_root"])


def _prove_header(block, values, unshown):
    """The bytes of the header and of the signature, or None twice."""
    if isinstance(block, packing.Repeated) or not block.keys() <= BLOCK_MEMBERS:
        unshown.append("the block has members that are not known, or twice")
    try:
        header = packing.header(block, values)
        signature = packing.Packed()
        packing.SIGNATURE(signature, block.get("witness_signature"), values)
    except Unshown as error:
        unshown.append(f"header: {error}")
        return None, None
    if packing.block_id(number_of(block), header + signature.data) != block.get("block_id"):
        raise NotSigned("the header does not give the block id")
    return header, bytes(signature.data)


def _signer(block, values, header, signature):
    try:
        key = curve.recover(hashlib.sha256(header).digest(), signature)
    except curve.NoKey as error:
        raise NotSigned(f"witness_signature: {error}") from None
    if block.get("signing_key") != packing.key_text(key, values):
        raise NotSigned("signing_key is not the key that signed")
    return block["signing_key"]


def _prove_transactions(block, values, raw, unshown, repaired):
    """The leaves, where all could be packed."""
    transactions, ids = block.get("transactions"), block.get("transaction_ids")
    if not isinstance(transactions, list) or not isinstance(ids, list) or \
            len(transactions) != len(ids):
        raise NotSigned("there are not as many ids as transactions")
    leaves = []
    for index, (trx, trx_id) in enumerate(zip(transactions, ids)):
        if not isinstance(trx, dict) or not _is_placed(trx, number_of(block), index, trx_id):
            raise NotSigned(f"transaction {index} is called another one")
        try:
            packed = packing.transaction(trx, values, raw)
            signatures = packing.signatures(trx, values)
            data = _as_signed(packed, trx_id, index, repaired)
        except Unshown as error:
            unshown.append(f"transaction {index}: {error}")
            continue
        leaves.append(hashlib.sha256(data + signatures).digest())
    return leaves


def _is_placed(trx, number, index, trx_id):
    """Old nodes leave these members out, and some of 2018 print zeros."""
    return (trx.get("transaction_id", trx_id) == trx_id
            and trx.get("block_num", number) in (number, 0)
            and trx.get("transaction_num", index) in (index, 0))


def _as_signed(packed, trx_id, index, repaired):
    """The bytes that give this id."""
    if packing.trx_id(packed.data) == trx_id:
        return packed.data
    found = packed.repaired(trx_id)
    if found:
        repaired.append(f"transaction {index}: {found[0]}")
        return found[1]
    if packed.doubts:
        raise Unshown(packed.doubts[0])
    raise NotSigned(f"transaction {index} does not give its id")
