"""Somebody who asks on a sample chain: a comment of alice, signed and broadcast.

    python3 -m harness.asker --node URL TEXT
"""

import argparse
import json
import time
import urllib.request

from . import network, packing, publisher, wallet


def call(url, method, *params):
    """The result of condenser_api.METHOD."""
    request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": f"condenser_api.{method}",
                          "params": params}).encode()
    with urllib.request.urlopen(url, request, timeout=10) as answer:
        got = json.load(answer)
    if "error" in got:
        raise SystemExit(f"asker: {method}: {got['error']['message']}")
    return got["result"]


def ask(url, text, asker="alice"):
    """Broadcast the comment; its permlink."""
    head = call(url, "get_dynamic_global_properties")
    permlink = f"question-{time.time_ns()}"
    trx = {"ref_block_num": head["head_block_number"] & 0xFFFF,
           "ref_block_prefix": int.from_bytes(bytes.fromhex(head["head_block_id"])[4:8], "little"),
           "expiration": network.clock(network.seconds(head["time"]) + 60),
           "operations": [list(publisher.comment(asker, permlink, text, ("alice", "question")))],
           "extensions": [], "signatures": []}
    call(url, "broadcast_transaction", wallet.sign(trx, packing.STEEM, (asker, "posting")))
    return permlink


def main():
    """Ask once."""
    parser = argparse.ArgumentParser(prog="harness.asker", description=main.__doc__)
    parser.add_argument("--node", required=True, help="URL of a node")
    parser.add_argument("text")
    options = parser.parse_args()
    print(ask(options.node, options.text))


if __name__ == "__main__":
    main()
