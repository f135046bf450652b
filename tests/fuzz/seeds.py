"""Seeds for the fuzz targets, from recorded answers where they are there: TOP CORPUS."""

import json
import pathlib
import struct
import sys

MOST_BYTES = 65536
SMALL_BLOCK = {
    "previous": "00000009" + "11" * 16, "timestamp": "2016-03-24T16:05:30", "witness": "initminer",
    "transaction_merkle_root": "22" * 20, "extensions": [], "witness_signature": "33" * 65,
    "transactions": [{
        "ref_block_num": 1, "ref_block_prefix": 2, "expiration": "2016-03-24T16:06:30",
        "operations": [["comment", {"author": "alice", "body": "!ask \\ud83d\\u00e9\\n"}],
                       ["transfer", {"from": "bob", "to": "alice", "amount": "1.000 STEEM"}]],
        "extensions": [], "signatures": [], "transaction_id": "44" * 20}],
    "block_id": "0000000a" + "55" * 16, "signing_key": "STM1", "transaction_ids": ["44" * 20],
}
VIRTUAL = [{"trx_id": "00" * 20, "block": 10, "trx_in_block": 4294967295, "op_in_trx": 0,
            "virtual_op": 1, "timestamp": "2016-03-24T16:05:30",
            "op": ["producer_reward", {"producer": "initminer", "vesting_shares": "1.0 VESTS"}]}]
HEAD = {"head_block_number": 20, "last_irreversible_block_num": 10, "time": "2016-03-24T16:05:30"}
ERROR = {"code": -32003, "message": "Assert Exception", "data": {"name": "x"}}


def put(folder, name, data):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def answer(*results, first_id=1):
    return json.dumps([{"jsonrpc": "2.0", "id": first_id + i, **result}
                       for i, result in enumerate(results)]).encode()


def blocks(top):
    """(number, text) of small recorded blocks."""
    for path in sorted((top / "../shared/chain/blocks").glob("*.json")):
        text = path.read_bytes()
        if len(text) <= MOST_BYTES and path.stem.isdigit():
            yield int(path.stem), text


def recorded(top, what):
    for path in sorted((top / "../shared/chain" / what).glob("*.json")):
        if path.stat().st_size <= MOST_BYTES:
            yield path.name, path.read_bytes()


def main():
    top, corpus = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    text = json.dumps(SMALL_BLOCK).encode()
    put(corpus / "block", "made", struct.pack("=I", 10) + text)
    for number, text in blocks(top):
        # what was recorded may be the whole answer or the block alone
        value = json.loads(text)
        value = value.get("result", value)
        value = value.get("block", value) if "block_id" not in value else value
        put(corpus / "block", str(number),
            struct.pack("=I", number) + json.dumps(value).encode())
    put(corpus / "answer", "made", b"\x02" + answer({"result": HEAD}, {"result": VIRTUAL},
                                                    {"error": ERROR}))
    put(corpus / "answer", "one", b"\x00" + answer({"result": HEAD})[1:-1])
    for folder in ("errors", "ops_in_block"):
        for name, text in recorded(top, folder):
            put(corpus / "answer", name, b"\x00" + text)
    put(corpus / "config", "sample", (top / "etc/steem-reader.conf").read_bytes())
    put(corpus / "range", "typed", b"70000000-70001000,5+7,1_000")
    put(corpus / "range", "orders", bytes([129, 5, 9, 130, 7, 3, 131, 1, 200]))


if __name__ == "__main__":
    main()
