"""Bad answers: nothing of them is stored, no block is skipped, the reader goes on.

Every recorded error of real nodes is thrown at the reader in place of the right answer.
"""

import json

import pytest

from harness import chain as chains
from harness.chain import SyntheticChain

LAST = 60


def recorded_errors():
    """The recorded answers that have a body, by file name."""
    if chains.recorded_data() is None:
        return []
    found = []
    for path in sorted((chains.recorded_data() / "errors").glob("*.json")):
        if "body" in json.loads(path.read_text("utf-8")):
            found.append(pytest.param(path, id=path.stem[:40]))
    return found


def throw(node, path, **where):
    """The recorded answer as a fault."""
    saved = json.loads(path.read_text("utf-8"))
    headers = [(name, value) for name, values in (saved.get("headers") or {}).items()
               for value in values]
    return node.fault("raw", status=saved.get("status") or 200, headers=headers,
                      body=saved["body"].encode("utf-8"), **where)


def complete(world, node, last=LAST, timeout=40):
    """The reader stored everything up to `last` and is still there."""
    world.db.wait_blocks(last, timeout)
    assert world.readers[-1].is_running
    world.expect(node.chain, (1, last))


@pytest.mark.parametrize("path", recorded_errors())
def test_a_recorded_error_in_place_of_the_answer(world, recorded, path):
    node = world.node(irreversible=LAST)
    properties = throw(node, path, method="get_dynamic_global_properties", times=1)
    blocks = throw(node, path, method="get_block", times=2)
    reader = world.start(fetch={"batch_size": 20})
    complete(world, node)
    assert properties.count == 1 and blocks.count == 2
    assert reader.events("node_failed") or [
        line for line in reader.events() if line.level == "warning"]


def recorded_codes():
    """One error object of each code that was recorded."""
    found = {}
    for parameter in recorded_errors():
        try:
            error = json.loads(json.loads(parameter.values[0].read_text("utf-8"))["body"])["error"]
            found.setdefault(error["code"], error["message"])
        except (ValueError, KeyError, TypeError):
            continue
    return sorted(found.items())


def every_fourth(things):
    """A block of its own for each of these: 4, 8, 12..."""
    return list(zip(range(4, LAST, 4), things))


def one_each(world, faults, last=LAST):
    """Each of these faults spoils one answer for its block; all blocks are had in the end."""
    world.start(fetch={"batch_size": 20})
    complete(world, world.nodes[0], last)
    assert [fault.count for fault in faults] == [1] * len(faults)


def test_recorded_errors_as_items_of_a_batch(world, recorded):
    node = world.node(irreversible=LAST)
    one_each(world, [
        node.fault("rpc_error", block=block, times=1, code=code, message=message)
        for block, (code, message) in every_fourth(recorded_codes())])


PASSING = [
    ("reset", {}), ("reset_body", {}), ("html", {}), ("cut", {}), ("empty", {}), ("garbage", {}),
    ("trailing", {}), ("wrong_length", {}), ("status", {"code": 429, "retry_after": 1}),
    ("status", {"code": 500}), ("status", {"code": 502}), ("status", {"code": 503}),
    ("status", {"code": 404}), ("status", {"code": 413}), ("status", {"code": 301}),
    ("status", {"code": 204, "body": b""}), ("missing", {}), ("doubled", {}), ("reordered", {}),
    ("extra", {}), ("wrong_id", {}), ("error_object", {}), ("hang", {}), ("drip", {}),
    ("raw", {"body": b"[" * 100000}), ("raw", {"body": b'{"a":' * 50000}),
    ("raw", {"body": b"[]"}), ("raw", {"body": b"null"}), ("raw", {"body": b"[null,7,\"x\",{}]"}),
    ("raw", {"body": b'{"jsonrpc":"2.0","result":[],"id":1}'}),
    ("raw", {"body": b"\xef\xbb\xbf[]"}), ("raw", {"body": b"\x00" * 5000}),
]
RESULTS = [
    "{}", "[]", "7", '"text"', "true", '{"block_id":7}', '{"block_id":"0000","previous":"x"}',
    '{"previous":null,"timestamp":null,"transactions":null,"block_id":null}',
    '{"block_id":"zz' + "0" * 38 + '","previous":"' + "0" * 40 + '"}',
]


@pytest.mark.parametrize("what, details", PASSING,
                         ids=[f"{i}-{what}" for i, (what, _) in enumerate(PASSING)])
def test_a_fault_that_passes(world, what, details):
    node = world.node(irreversible=LAST)
    fault = node.fault(what, block={13, 29}, times=3, **details)
    world.start(fetch={"batch_size": 20, "timeout_ms": 1000})
    complete(world, node)
    assert fault.count >= 1


ITEMS = [
    ("null", {}), ("other_block", {}), ("other_block", {"offset": -1}), ("no_block_id", {}),
    ("few_ids", {}), ("zero_merkle", {}), ("merkle_without_trx", {}), ("no_operations", {}),
    ("rpc_error", {"code": -32601, "message": "method not found"}),
]


def test_items_that_are_wrong_once(world):
    node = world.node(irreversible=LAST)
    one_each(world, [node.fault(what, block=block - 1, times=1, **details)
                     for block, (what, details) in every_fourth(ITEMS)])


@pytest.mark.parametrize("what, details", [
    ("broken_previous", {}), ("fork", {"chain": SyntheticChain("other")})])
def test_a_block_that_does_not_link_once(world, what, details):
    node = world.node(irreversible=LAST)
    fault = node.fault(what, block=30, times=1, **details)
    reader = world.start(fetch={"batch_size": 20})
    complete(world, node)
    world.allow_errors(*(line.event for line in reader.events()))
    assert fault.count == 1


@pytest.mark.slow
def test_a_block_that_is_wrong_twice(world):
    node = world.node(irreversible=LAST)
    fault = node.fault("null", block=30, times=2)
    world.start()
    complete(world, node, timeout=70)
    assert fault.count == 2


def test_results_that_are_no_blocks(world):
    node = world.node(irreversible=LAST)
    one_each(world, [node.fault("result", block=block, times=1, text=text)
                     for block, text in every_fourth(RESULTS)])


def change(old, new):
    """A function that changes a block's text."""
    def mangled(raw):
        assert old in raw
        return raw.replace(old, new)
    return mangled


MANGLED = [
    ("timestamp of another form", b'"timestamp":"2016', b'"timestamp":"16'),
    ("timestamp that is a number", b'"timestamp":"2016-', b'"timestamp":2016,"x":"'),
    ("a transaction that is a number", b'"transactions":[{', b'"transactions":[7,{'),
    ("operations that are an object", b'"operations":[[', b'"operations":{},"x":[['),
    ("an operation without a body", b'"operations":[[', b'"operations":[["vote"],['),
    ("an operation without a name", b'"operations":[[', b'"operations":[[],['),
    ("a name that is a number", b'"operations":[[', b'"operations":[[1,{}],['),
    ("a new encoding", b'"operations":[[', b'"operations":[{"type":"vote_operation","value":{}},['),
    ("transaction ids that are numbers", b'"transaction_ids":["', b'"transaction_ids":[7,"'),
    ("an id that is too short", b'"transaction_ids":["', b'"transaction_ids":["abc","'),
    ("an escape that JSON lacks", b'"witness":"', b'"witness":"\\a'),
    ("a raw line feed in a string", b'"witness":"', b'"witness":"\n'),
]


def test_blocks_that_are_not_quite_blocks(world):
    """Whatever the reader makes of them, the tables are right in the end."""
    node = world.node(irreversible=100)
    blocks = [n for n in range(1, 100) if n % 8 in (1, 3, 5)]
    one_each(world, [node.fault("mangle", block=block, times=1, method="get_block",
                                function=change(old, new))
                     for block, (_, old, new) in zip(blocks, MANGLED)], last=100)


LASTING = ["null", "other_block", "broken_previous", "no_block_id", "few_ids", "zero_merkle",
           "merkle_without_trx", "no_operations", "rpc_error"]


@pytest.mark.parametrize("what", LASTING)
def test_a_fault_that_stays_leaves_one_visible_gap(world, what):
    node = world.node(irreversible=LAST)
    node.fault(what, block={30})
    reader = world.start(fetch={"batch_size": 20})
    reader.wait_for("tail_started", timeout=60)
    world.db.wait_blocks(LAST - 1)
    node.advance(2)
    world.db.wait_block(LAST + 2)
    assert world.db.wait_until("SELECT reason FROM gaps WHERE first_block = 30")
    world.expect(node.chain, (1, LAST + 2), missing={30})


def test_a_node_too_old_is_named(world):
    node = world.node(irreversible=LAST)
    node.fault("no_block_id", block=range(0, LAST + 1), method="get_block")
    reader = world.start()
    assert "block_id" in reader.wait_for("node_failed", containing="block_id").text


def test_an_answer_of_a_hundred_megabytes(world):
    node = world.node(irreversible=LAST)
    fault = node.fault("huge", method="get_block", times=1)
    world.start(fetch={"max_memory_mib": 64, "timeout_ms": 5000})
    complete(world, node)
    assert fault.count == 1


@pytest.mark.parametrize("above", [1, 2, 7])
def test_smaller_batches_where_a_node_refuses_big_ones(world, above):
    node = world.node(irreversible=120)
    fault = node.fault("refuse_batch", above=above)
    world.start()
    complete(world, node, 120)
    assert 1 <= fault.count <= 40
    good = [r for r in node.log if 0 < len(r.blocks) <= above]
    assert sum(len(r.blocks) for r in good) >= 120


def test_single_calls_where_a_node_answers_batches_with_one_object(world):
    node = world.node(irreversible=LAST)
    fault = node.fault("error_object", code=-32600, message="batches are not supported here")
    world.start()
    complete(world, node)
    assert fault.count <= 40


def test_status_413_makes_batches_smaller(world):
    node = world.node(irreversible=LAST)
    fault = node.fault("status", code=413, method="get_block", times=3)
    world.start()
    complete(world, node)
    sizes = [len(r.blocks) for r in node.log if r.blocks]
    assert fault.count == 3 and min(sizes) < max(sizes)
