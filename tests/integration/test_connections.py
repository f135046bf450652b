"""What a node does with its connections and its headers: none of it may harm a reader."""

import pathlib
import re
import time

import pytest

from harness.polling import poll
from harness.reader import is_sanitized
from harness.relay import Relay

LAST = 200
MANY = 800
ENOUGH_S = 40
OK = b"HTTP/1.1 200 OK\r\n"
ENDLESS = {
    "trailers": {},
    "headers": {"first": OK, "more": b"a: b\r\n"},
    "folds": {"first": OK + b"a: b\r\n", "more": b" c\r\n"},
    "interim": {"first": b"", "more": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"},
    "line": {"first": OK + b"a: ", "more": b"b"},
    "empty blocks": {"first": OK + b"Content-Encoding: deflate\r\n\r\n\x78\x9c",
                     "more": b"\0\0\0\xff\xff"},
}
REFUSALS = ("node_failed", "block_refused", "request_split")


def check_memory(reader, limit_mib):
    """It never had more than its limit and a program's worth; a sanitizer keeps what was freed."""
    text = pathlib.Path(f"/proc/{reader.process.pid}/status").read_text()
    peak_mib = int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) / 1024
    assert peak_mib < limit_mib + (1024 if is_sanitized() else 80)


def batch_sizes(node):
    """How many blocks the requests for blocks held."""
    return [len(request.calls) for request in node.log
            if request.calls[0].method == "get_block"]


def test_answers_that_begin_with_a_folded_header(world):
    """libcurl 7.88 writes through a pointer that the answer before left in its handle."""
    hostile, good = world.node(irreversible=LAST), world.node(irreversible=LAST)
    hostile.fault("wire", method="get_block")
    good.fault("delay", seconds=0.05)
    reader = world.start(fetch={"batch_size": 5})
    hostile.wait_for(lambda: hostile.count["wire"] >= 1, ENOUGH_S)
    world.db.wait_blocks(LAST, ENOUGH_S)
    assert reader.is_running
    world.expect(good.chain, (1, LAST))


@pytest.mark.parametrize("kind", ENDLESS)
def test_bytes_without_end_that_are_no_body(world, kind):
    hostile, good = world.node(irreversible=LAST), world.node(irreversible=LAST)
    hostile.fault("endless", method="get_block", **ENDLESS[kind])
    reader = world.start(fetch={"max_memory_mib": 16, "timeout_ms": 10000})
    # The node tells its head, so what it sends may count against it or against the blocks.
    poll(lambda: any(map(reader.events, REFUSALS)), timeout=ENOUGH_S,
         otherwise=lambda _: f"the node's answers are taken\n{reader.tail()}")
    world.db.wait_blocks(LAST, ENOUGH_S)
    assert hostile.count["endless"] > 0
    check_memory(reader, 16)
    assert not any(reader.events(event, "no whole answer within") for event in REFUSALS)
    world.expect(good.chain, (1, LAST))


MANY_THINGS = b"{}," * 700000 + b"{}"
AMPLIFIED = {
    "head": {"what": "result", "method": "get_dynamic_global_properties",
             "text": b'{"x":[' + MANY_THINGS + b"]}"},
    "error": {"what": "raw", "method": "get_block",
              "body": b'{"id":1,"error":{"message":"x","data":[' + MANY_THINGS + b"]}}"},
    "status": {"what": "raw", "method": "get_block", "status": 500,
               "body": b'{"id":1,"error":{"message":"x","data":[' + MANY_THINGS + b"]}}"},
    "operations": {"what": "result", "method": "get_block",
                   "text": b'{"transactions":[{"operations":[' + b'["a",{}],' * 1600000},
}


@pytest.mark.parametrize("kind", AMPLIFIED)
def test_few_bytes_that_become_many(world, kind):
    hostile, good = world.node(irreversible=LAST), world.node(irreversible=LAST)
    fault = hostile.fault(**AMPLIFIED[kind])
    reader = world.start(fetch={"max_memory_mib": 16, "timeout_ms": 20000, "batch_size": 1,
                                "connections": 2})
    world.db.wait_blocks(LAST, ENOUGH_S)
    assert fault.count > 0
    check_memory(reader, 16)
    world.expect(good.chain, (1, LAST))


@pytest.mark.parametrize("after_s", [0, 0.001, 0.01])
def test_a_node_that_closes_after_each_answer_and_does_not_say_so(world, after_s):
    """As a steemd without a proxy does."""
    node = world.node(irreversible=MANY)
    node.close_after_s = after_s
    reader = world.start(fetch={"batch_size": 10})
    world.db.wait_blocks(MANY, ENOUGH_S)
    reader.wait_for("tail_started")
    node.live(0.2, until=MANY + 10)
    world.db.wait_blocks(MANY + 10, ENOUGH_S)
    assert not reader.events("node_failed")
    sizes = batch_sizes(node)
    assert sum(size == 10 for size in sizes) > MANY / 10 * 0.8  # batches stay whole
    assert node.count["lost"] < 40
    world.expect(node.chain, (1, MANY + 10))


def test_a_node_that_closes_while_the_head_is_followed(world):
    node = world.node(irreversible=LAST)
    node.close_after_s = 0.001
    reader = world.start(reader={"start_block": LAST - 50, "follow": "head"})
    reader.wait_for("tail_started")
    node.live(0.1, until=LAST + 40)
    world.db.wait_block(LAST + 40, ENOUGH_S)
    assert not reader.events("node_failed")


def test_a_node_that_keeps_connections_is_asked_over_few(world):
    node = world.node(irreversible=MANY)
    reader = world.start(fetch={"batch_size": 10, "connections": 4})
    world.db.wait_blocks(MANY, ENOUGH_S)
    assert node.count["requests"] > 70
    assert node.count["connections"] <= 4 + 3
    assert not reader.events("node_failed")
    world.expect(node.chain, (1, MANY))


def test_a_name_that_moved_while_its_old_server_stands_still(world):
    old, new = world.node(irreversible=LAST), world.node(irreversible=LAST + 30)
    relay = Relay(old.port)
    try:
        reader = world.start(reader={"stall_s": 3}, nodes=[{"url": f"http://127.0.0.1:{relay.port}"}])
        reader.wait_for("tail_started")
        world.db.wait_blocks(LAST, ENOUGH_S)
        relay.move(new.port)
        reader.wait_for("chain_still", timeout=ENOUGH_S)
        world.db.wait_blocks(LAST + 30, ENOUGH_S)
        reader.wait_for("chain_moves")
        world.expect(new.chain, (1, LAST + 30))
    finally:
        relay.close()


def test_kept_connections_that_lead_nowhere(world):
    """A router that was started again knows none of them; each would cost a time-out."""
    node = world.node(irreversible=MANY)
    node.fault("delay", seconds=0.05, method="get_block", block=range(1, MANY - 50))
    relay = Relay(node.port)
    try:
        reader = world.start(nodes=[{"url": f"http://127.0.0.1:{relay.port}"}],
                             fetch={"timeout_ms": 3000, "batch_size": 10})
        reader.wait_for("tail_started")
        world.db.wait_blocks(MANY, ENOUGH_S)
        assert node.count["connections"] > 4
        relay.forget()
        began = time.monotonic()
        node.irreversible = MANY + 5
        world.db.wait_blocks(MANY + 5, ENOUGH_S)
        assert time.monotonic() - began < 3 + 3  # one time-out
        assert not reader.events("node_failed")
        world.expect(node.chain, (1, MANY + 5))
    finally:
        relay.close()
