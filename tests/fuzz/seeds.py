"""Seeds for the fuzz targets, small ones made here and recorded answers where they are there: TOP CORPUS."""

import gzip
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


PARTING = b"\x1e"
OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"Content-Length: 3\r\nServer: WebSocket++/0.8.1\r\n\r\n[1]"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\n[1]\r\n0\r\n"
PACKED = gzip.compress(b"[" + b" " * 200000 + b"]", mtime=0)
# What a node may send: for each answer its bytes.
STREAMS = {
    "whole": (WHOLE, WHOLE, WHOLE),
    "folded_first": (WHOLE, OK + b" fold: " + b"A" * 300 + b"\r\nContent-Length: 3\r\n\r\n[1]", WHOLE),
    "folded": (OK + b"a: b\r\n c\r\n\td\r\nContent-Length: 3\r\n\r\n[1]", WHOLE),
    "folded_trailer": (CHUNKED + b" fold\r\n\r\n", CHUNKED + b"a: b\r\n c\r\n\r\n", WHOLE),
    "extension": (OK + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\n[1]\r\n0;c\r\n\r\n", WHOLE),
    "interim": (b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" * 3 + WHOLE, WHOLE),
    "nothing": (b"", WHOLE),
    "cut": (WHOLE[:-1], WHOLE[:20], WHOLE),
    "old": (b"HTTP/1.0 200\r\n\r\n[1]", b"[1]"),
    "no_body": (b"HTTP/1.1 204 No\r\n\r\n", b"HTTP/1.1 304 No\r\n\r\n", WHOLE),
    "two_lengths": (OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\n[1]", WHOLE),
    "huge_length": (OK + b"Content-Length: 99999999999999999999\r\n\r\n[1]",
                    OK + b"Content-Length: -1\r\n\r\n[1]", WHOLE),
    "packed": (OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
               % (len(PACKED), PACKED.replace(PARTING, b"x")), WHOLE),
    "packed_badly": (OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\n[1]",
                     OK + b"Content-Encoding: deflate, gzip, gzip\r\n\r\nxx", WHOLE),
    "zstd": (OK + b"Content-Encoding: zstd\r\n\r\n\x28\xb5\x2f\xfd\x00\x88", WHOLE),
    "busy": (b"HTTP/1.1 429 x\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
             b"HTTP/1.1 503 x\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 GMT\r\n\r\n"),
    "moved": (b"HTTP/1.1 301 x\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", WHOLE),
    "page": (b"HTTP/1.1 502 x\r\nContent-Type: text/html\r\n\r\n<title>\xff\x1b[2J\xc2\x9b</title>",),
    "error": (b"HTTP/1.1 500 x\r\nContent-Type: application/json\r\n\r\n"
              b'{"error":{"code":-32003,"message":"\xff\xe2\x80\xae"}}',),
    "login": (b"HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm=\"\xff\", nonce=\"\"\r\n\r\n", WHOLE),
    "upgrade": (b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n\x81\x01", WHOLE),
    "many_headers": (OK + b"a: b\r\n" * 300 + b"\r\n", WHOLE),
    "long_header": (OK + b"a: " + b"b" * 70000 + b"\r\n\r\n", WHOLE),
}
LINES = {
    "done": b'{"delivery_id":7,"result":"done","reply":"\\ud83d\\ude00 \\ud800 \\u0000"}',
    "act": b'{"delivery_id":7,"result":"done","act":[["vote",{"voter":"a"}]],"reply":null}',
    "retry": b'{"delivery_id":7,"result":"retry","delay_s":60,"error":"later\\u001b[2J"}',
    "fail": b'{"delivery_id":7,"result":"fail","error":"\xff\xc3\x28\xed\xa0\x80"}',
    "other": b'{"delivery_id":8,"result":"done"}',
    "null": b'{"result":null,"delivery_id":7,"delay_s":null,"x":[{}]}',
    "plain": b"My answer.\r\n\r\n",
    "bytes": bytes(range(1, 256)),
    "time": b"2026-11-23 18:00:00.25",
}


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


def wanted(top):
    """(name, operations) of recorded transactions and of the vectors."""
    yield "made", SMALL_BLOCK["transactions"][0]["operations"]
    for number, text in blocks(top):
        value = json.loads(text)
        value = value.get("result", value)
        for i, trx in enumerate(value.get("transactions", [])):
            yield f"{number}_{i}", trx["operations"]
    path = top / "../shared/codec/vectors.json"
    for i, one in enumerate(json.loads(path.read_bytes())["steem_ops"] if path.exists() else ()):
        yield f"vector_{i}", [one["op"]]


def signed(top):
    """A digest, a public key and the right answer, for each of some digests."""
    sys.path.insert(0, str(top / "tests/integration"))
    from harness import curve  # pylint: disable=import-outside-toplevel
    for number in range(4):
        digest = bytes([number]) * 32
        yield digest + curve.public_key(7) + curve.sign(digest, 7).hex().encode() + b"\n"


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
        put(corpus / "prove", str(number), struct.pack("=I", number) + text)
    for name in ("runs/4999981-5000000.jsonl", "testnet/blocks/condenser_get_block.jsonl"):
        path = top / "../shared/chain" / name
        for line in path.read_bytes().splitlines() if path.exists() else ():
            value = json.loads(line)
            value = value.get("result", value)
            put(corpus / "prove", value["block_id"], struct.pack("=I", int(value["block_id"][:8], 16))
                + json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())
    put(corpus / "prove", "made", struct.pack("=I", 10) + json.dumps(SMALL_BLOCK).encode())
    put(corpus / "answer", "made", b"\x02" + answer({"result": HEAD}, {"result": VIRTUAL},
                                                    {"error": ERROR}))
    put(corpus / "answer", "one", b"\x00" + answer({"result": HEAD})[1:-1])
    following = []
    for i in range(3):
        following.append({**SMALL_BLOCK, "previous": f"{9 + i:08x}" + "11" * 16,
                          "block_id": f"{10 + i:08x}" + "55" * 16})
    put(corpus / "answer", "blocks", b"\x02" + answer(*({"result": block} for block in following)))
    put(corpus / "answer", "blocks_and_more",
        b"\x03" + answer({"result": following[0]}, {"result": None}, {"error": ERROR},
                         {"result": VIRTUAL}))
    put(corpus / "answer", "late_ids", b"\x01" + json.dumps(
        [{"result": following[i], "id": 1 + i} for i in (1, 0)]).encode())
    bad_time = {**following[0], "timestamp": "2016-03-24T16:05:3\x00"}
    put(corpus / "answer", "bad_time", b"\x00" + answer({"result": bad_time})[1:-1].replace(
        b"\\u0000", b"\xff"))
    put(corpus / "answer", "bad_error", b'\x00{"id":1,"error":{"code":1,"message":"\xff\\u001b"}}')
    for name, answers in STREAMS.items():
        for closings in (0, 0xff):
            put(corpus / "http", f"{name}_{closings}", bytes([closings]) + PARTING.join(answers))
    for name, line in LINES.items():
        put(corpus / "worker", name, b"\0" + line)
        put(corpus / "worker", f"{name}_75", bytes([75]) + line)
    for folder in ("errors", "ops_in_block"):
        for name, text in recorded(top, folder):
            put(corpus / "answer", name, b"\x00" + text)
        for name, text in recorded(top, folder):
            body = json.loads(text)
            body = body.get("body") if isinstance(body, dict) else None
            if isinstance(body, str):
                put(corpus / "broadcast", name, body.encode())
    put(corpus / "broadcast", "accepted", b'{"jsonrpc":"2.0","id":1,"result":{}}')
    for name, operations in wanted(top):
        put(corpus / "transaction", name, json.dumps(operations, ensure_ascii=False).encode())
    for number, text in enumerate(signed(top)):
        put(corpus / "signature", str(number), text)
    put(corpus / "config", "sample", (top / "etc/steem-reader.conf").read_bytes())
    put(corpus / "range", "typed", b"70000000-70001000,5+7,1_000")
    put(corpus / "range", "orders", bytes([129, 5, 9, 130, 7, 3, 131, 1, 200]))


if __name__ == "__main__":
    main()
