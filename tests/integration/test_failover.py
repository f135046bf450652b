"""Several nodes: dead ones, slow ones, nodes behind, nodes of another chain."""

import pytest

from harness.chain import SyntheticChain

LAST = 150


def two(world, **second):
    return world.node(irreversible=LAST), world.node(**{"irreversible": LAST, **second})


def done(world, last=LAST, timeout=40):
    world.db.wait_blocks(last, timeout)
    world.expect(world.nodes[0].chain, (1, last))


@pytest.mark.parametrize("dead", [0, 1])
def test_a_node_that_refuses_connections(world, dead):
    two(world)[dead].refuse()
    reader = world.start()
    reader.wait_for("tail_started")
    done(world)


def test_a_name_that_does_not_resolve_and_a_wrong_scheme_answer(world):
    world.node(irreversible=LAST)
    settings = world.settings()["nodes"] + [{"url": "http://no-such-host.invalid:8090"}]
    world.start(nodes=settings)
    done(world)


def test_a_node_dies_in_the_middle_and_the_other_takes_over(world):
    first, second = two(world)
    first.fault("delay", seconds=0.05)
    second.fault("delay", seconds=0.05)
    world.start(fetch={"batch_size": 5, "connections": 2})
    first.wait_for(lambda: first.count["get_block"] >= 20)
    first.refuse()
    done(world)


def test_all_nodes_die_and_come_back(world):
    first, second = two(world)
    reader = world.start()
    world.db.wait_blocks(LAST)
    first.refuse()
    second.refuse()
    reader.wait_for("node_failed")
    first.irreversible = second.irreversible = LAST + 10
    second.accept()
    done(world, LAST + 10)
    assert reader.is_running


@pytest.mark.parametrize("what, details", [
    ("hang", {}), ("html", {}), ("reset", {}), ("status", {"code": 503}), ("garbage", {}),
    ("rpc_error", {"code": -32002, "message": "Could not find API condenser_api"}),
    ("null", {"method": "get_block"}), ("other_block", {"method": "get_block"}),
])
def test_a_node_that_is_always_wrong(world, what, details):
    first, second = two(world)
    first.fault(what, **details)
    reader = world.start(fetch={"timeout_ms": 1000})
    reader.wait_for("tail_started", timeout=40)
    second.advance(2)
    world.allow_errors("node_excluded")
    done(world, LAST + 2)


def test_a_node_that_is_behind(world):
    _, behind = two(world, irreversible=90, head=100)
    reader = world.start()
    reader.wait_for("tail_started")
    done(world)
    assert all(number is None or number <= 90 for r in behind.log for number in r.blocks)


def test_the_node_in_front_falls_back(world):
    first, second = two(world)
    reader = world.start()
    world.db.wait_blocks(LAST)
    first.irreversible = 40
    second.advance(6)
    done(world, LAST + 6)
    assert reader.is_running


def test_a_node_of_another_chain(world):
    _, stranger = two(world, chain=SyntheticChain("other"))
    world.run("--once", nodes=[{"url": world.nodes[0].url}])
    world.forget_blocks(*range(40, 80))
    world.nodes[0].advance(5)
    stranger.advance(5)
    reader = world.start()
    world.db.wait_blocks(LAST + 5, 60)
    world.allow_errors("node_excluded")
    assert reader.is_running
    world.expect(world.nodes[0].chain, (1, LAST + 5))


def test_too_many_requests_with_a_time_to_wait(world):
    node = world.node(irreversible=LAST)
    node.fault("status", code=429, retry_after=2, method="get_block", times=1)
    world.start(fetch={"connections": 1})
    done(world)
    blocks = [request.at for request in node.log if request.blocks]
    assert blocks[1] - blocks[0] >= 1.9


def test_a_connection_closed_after_every_answer(world):
    """As steemd does: no keep-alive, and no word about it."""
    node = world.node(irreversible=LAST)
    node.closes_every_connection = True
    world.start()
    done(world)


def test_blocks_that_only_one_of_two_nodes_has(world):
    first, second = two(world)
    first.fault("null", block=set(range(1, LAST + 1, 2)))
    second.fault("null", block=set(range(2, LAST + 1, 2)))
    world.start(fetch={"batch_size": 25})
    done(world, timeout=60)


def busiest_second(node):
    """Requests in any second; a little less, as a busy machine notes some of them late."""
    times = [request.at for request in node.log]
    return max(sum(1 for other in times if at <= other < at + 0.8) for at in times)


def test_a_rate_limit_is_kept_for_each_node(world):
    nodes = [world.node(irreversible=60) for _ in range(2)]
    world.start(fetch={"batch_size": 2, "rate_limit": 5})
    world.db.wait_blocks(60, 40)
    # On a busy machine two requests may arrive closer together than they were sent; test_client_rate.c is exact.
    assert all(busiest_second(node) <= 5 + 1 for node in nodes)
    assert all(len(node.log) > 5 for node in nodes)
    world.expect(nodes[0].chain, (1, 60))


def test_a_rate_limit_is_kept_at_the_tip(world):
    """Call after call, as a node that refuses batches is asked."""
    node = world.node(irreversible=1)
    world.start(fetch={"batch_size": 1, "rate_limit": 4})
    world.db.wait_blocks(1, 20)
    for irreversible in range(2, 12):
        node.irreversible = irreversible
        world.db.wait_blocks(irreversible, 30)
    assert busiest_second(node) <= 4 + 1


def test_several_nodes_share_the_load_by_their_speed(world):
    fast, slow = world.node(irreversible=2000), world.node(irreversible=2000)
    fast.fault("delay", seconds=0.01)
    slow.fault("delay", seconds=0.15)
    world.start(fetch={"batch_size": 10})
    world.db.wait_blocks(2000, 60)
    assert 0 < slow.count["get_block"] < fast.count["get_block"] / 2
    world.expect(fast.chain, (1, 2000))


def test_a_liar_alone_does_not_end_a_reader_for_good(world):
    """The honest node cannot be asked just now: exit 69, after which a unit is restarted, not 78."""
    honest = world.node(irreversible=60)
    world.run("--once")
    honest.refuse()
    liar = world.node(SyntheticChain("other"), irreversible=60)
    reader = world.start()
    assert reader.wait_exit() == 69
    assert reader.events("ended", containing="the others could not be asked")
    world.allow_errors("ended")
    # where it is the only node there is, it is a matter of the configuration
    assert world.run(nodes=[{"url": liar.url}], code=78)
    honest.accept()
    world.start().wait_for("tail_started")
    world.expect(honest.chain, (1, 60))
