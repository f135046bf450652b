"""Virtual operations: stored with their block or not at all."""

import pytest

from harness import auditor, virtual
from harness.chain import SyntheticChain, TOP
from harness.relay import Relay
from harness.virtual import VirtualChain, unasked, unrewarded, whole

FIRST = virtual.FIRST_REWARDED + 1
LAST = FIRST + 149
ON = {"virtual_operations": True}
OPS = "get_ops_in_block"


def settings(first=FIRST, **reader):
    return {"reader": {**ON, "start_block": first, **reader}}


def states(world):
    return {state: int(count) for state, count in world.db.rows(
        "SELECT virtual_state, COUNT(*) FROM blocks GROUP BY virtual_state")}


@pytest.mark.parametrize("spelling", ["as_is", "proxy", "spaced"])
def test_they_are_stored_with_their_blocks(world, spelling):
    node = world.node(VirtualChain(), irreversible=LAST, spelling=spelling)
    world.run("--once", **settings())
    assert node.count["bad_params"] == 0
    assert states(world) == {"complete": 150}
    names = {name for name, in world.db.rows(
        "SELECT DISTINCT operation FROM blockchain WHERE virtual_op > 0")}
    assert names == {*virtual.ACCOUNTS, "of_a_later_hardfork"}
    world.expect(node.chain, (FIRST, LAST), virtual=whole)


@pytest.mark.parametrize("damage, finding", [
    ("DELETE FROM blockchain WHERE virtual_op = 2 LIMIT 1", "is missing from blockchain"),
    ("UPDATE blockchain SET account = 'x' WHERE virtual_op = 1 LIMIT 1", "account of operation"),
    ("UPDATE blockchain SET virtual_op = virtual_op + 50 WHERE virtual_op = 1 LIMIT 1",
     "but should not"),
    ("UPDATE blockchain SET trx_id = REPEAT('a', 40) WHERE trx_in_block = 4294967295 LIMIT 1",
     "trx_id of operation"),
    ("UPDATE blocks SET virtual_state = 'none' LIMIT 1", "blocks.virtual_state"),
    ("UPDATE blocks SET virtual_operations = 77 LIMIT 1", "blocks.virtual_operations"),
])
def test_the_auditor_sees_it(world, damage, finding):
    node = world.node(VirtualChain(), irreversible=FIRST + 19)
    world.run("--once", **settings())
    world.db.execute(damage)
    with pytest.raises(auditor.AuditError, match=finding):
        world.audit(node.chain, (FIRST, FIRST + 19), virtual=whole)


def test_old_blocks_may_have_none(world):
    node = world.node(VirtualChain(), irreversible=200)
    world.run("--once", **settings(1))
    assert states(world) == {"complete": 200}
    assert world.db.value("SELECT COUNT(*) FROM blocks WHERE virtual_operations = 0") > 10
    world.expect(node.chain, (1, 200), virtual=whole)


def test_without_the_option_they_are_not_asked_for(world):
    node = world.node(VirtualChain(), irreversible=LAST)
    world.run("--once", reader={"start_block": FIRST})
    assert node.count[OPS] == 0
    world.expect(node.chain, (FIRST, LAST))


def test_the_tail_has_them_too(world):
    node = world.node(VirtualChain(), irreversible=FIRST + 9)
    reader = world.start(**settings())
    reader.wait_for("tail_started")
    node.live(0.1, until=FIRST + 40)
    world.db.wait_block(FIRST + 40)
    node.still()
    world.expect(node.chain, (FIRST, FIRST + 40), virtual=whole)


def test_a_node_without_batches(world):
    node = world.node(VirtualChain(), irreversible=FIRST + 59)
    node.fault("refuse_batch", above=1)
    reader = world.start(**settings())
    reader.wait_for("tail_started")
    node.live(0.1, until=FIRST + 70)
    world.db.wait_block(FIRST + 70)
    node.still()
    world.expect(node.chain, (FIRST, FIRST + 70), virtual=whole)


RULES = {
    "one operation": [{"operation": "curation_reward"}],
    "both kinds": [{"operation": ["vote", "fill_order"]}],
    "an account": [{"account": "alice"}],
    "a constant account": [{"account": "steem.dao"}],
    "a memo": [{"operation": "fill_transfer_from_savings", "memo_prefix": "order:\x01 \"b"}],
    "only real ones": [{"operation": "transfer"}],
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES.keys())
def test_the_filter_holds_for_them(world, rules):
    if rules is RULES["a memo"]:
        rules = [{**rules[0], "memo_prefix": "order:"}]
    node = world.node(VirtualChain(), irreversible=LAST)
    world.run("--once", filter=rules, **settings())
    kept = world.db.value("SELECT COUNT(*) FROM blockchain WHERE virtual_op > 0")
    assert (kept > 0) == (rules is not RULES["only real ones"])
    world.expect(node.chain, (FIRST, LAST), rules=rules, virtual=whole)


def test_the_option_belongs_to_the_database(world):
    node = world.node(VirtualChain(), irreversible=LAST)
    running = world.start(name="with", **settings())
    running.wait_for("tail_started")
    for plain in ({"start_block": FIRST}, {"start_block": FIRST, "virtual_operations": False}):
        refused = world.run("--once", name="without", code=78, reader=plain)
        assert "--activate-filter" in refused.stderr
        assert "virtual_operations" in refused.stderr
    shown = world.run("--activate-filter", reader={"start_block": FIRST}).stdout
    assert "every operation" in shown
    node.advance(1)
    assert running.wait_exit() == 78
    world.run("--once", reader={"start_block": FIRST})
    refused = world.run("--once", name="with", code=78, **settings())
    world.allow_errors(*(line.event for line in refused.events() + running.events()))
    world.expect(node.chain, (FIRST, LAST + 1),
                 virtual=lambda chain, n: (whole if n <= LAST else unasked)(chain, n))


@pytest.mark.parametrize("lie", sorted(virtual.LIES))
@pytest.mark.parametrize("batches", [True, False])
def test_another_node_is_asked(world, lie, batches):
    liar = world.node(VirtualChain(), irreversible=LAST)
    good = world.node(liar.chain, irreversible=LAST)
    liar.fault(lie)
    if not batches:
        for node in (liar, good):
            node.fault("refuse_batch", above=1)
    world.run("--once", timeout=60, **settings())
    assert liar.count[lie] > 0
    world.expect(liar.chain, (FIRST, LAST), virtual=whole)


@pytest.mark.parametrize("lie", sorted(virtual.LIES))
def test_where_no_node_has_them_the_block_is_a_gap(world, lie):
    node = world.node(VirtualChain(), irreversible=LAST)
    node.fault(lie, block=range(FIRST + 5, FIRST + 10))
    world.run("--once", code=69, **settings())
    lost = set(range(FIRST + 5, FIRST + 10))
    world.audit(node.chain, (FIRST, LAST), virtual=whole, missing=lost)
    reason = world.db.value("SELECT reason FROM gaps")
    assert "virtual operations" in reason
    node.heal()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", **settings())
    world.expect(node.chain, (FIRST, LAST), virtual=whole)


def test_a_node_that_does_not_offer_the_call(world):
    bare = world.node(VirtualChain(), irreversible=LAST)
    good = world.node(bare.chain, irreversible=LAST)
    good.fault("delay", seconds=0.2)  # so that the other one is asked first
    bare.fault("rpc_error", method=OPS, code=-32002, message="Could not find method")
    reader = world.run("--once", **settings())
    assert len(reader.events("node_without_virtual")) == 1
    assert good.count[OPS] >= 150 >= bare.count[OPS] > 0
    world.expect(bare.chain, (FIRST, LAST), virtual=whole)


def test_where_no_node_offers_the_call_nothing_is_stored(world):
    node = world.node(VirtualChain(), irreversible=FIRST + 20)
    node.fault("rpc_error", method=OPS, code=-32002, message="Could not find method")
    world.run("--once", code=69, **settings())
    assert states(world) == {}
    assert "get_ops_in_block" in world.db.value("SELECT reason FROM gaps LIMIT 1")


def test_errors_of_the_call_pass(world):
    node = world.node(VirtualChain(), irreversible=LAST)
    node.fault("rpc_error", method=OPS, block=FIRST + 3, times=2)
    node.fault("rpc_error", method=OPS, block=FIRST + 33, times=1, code=-32603, message="Internal")
    world.run("--once", code=None, **settings())
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", **settings())
    world.expect(node.chain, (FIRST, LAST), virtual=whole)


def test_unverified_ones_are_stored_where_that_is_allowed_and_it_is_said(world):
    node = world.node(VirtualChain(), irreversible=LAST)
    node.fault("no_reward")
    world.run("--once", code=69, **settings())
    reader = world.run("--once", timeout=60, code=69, **settings(unverified_virtual=True))
    assert reader.events("virtual_unverified")
    first = FIRST
    empty = [number for number in range(first, LAST + 1)
             if unrewarded(node.chain, number)[1] == b"[]"]
    late = {number for number in empty if number > LAST - 20}  # perhaps only not there yet
    assert late and len(empty) > len(late)
    world.audit(node.chain, (first, LAST), virtual=unrewarded, allow_missing=late, gaps=False)
    again = world.run("--backfill", f"{first}-{first + 9}", "--virtual",
                      **settings(unverified_virtual=True))
    assert again.events("virtual_unverified")  # it is no better than it was
    # A better node has come: what was unverified becomes complete.
    node.heal()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--backfill", f"{first}-{LAST}", "--virtual", **settings())
    assert set(states(world)) == {"complete"}
    world.expect(node.chain, (first, LAST), virtual=whole)


def test_the_tail_takes_unverified_ones(world):
    """Lists that are not empty at once, empty ones once the node must be so far."""
    node = world.node(VirtualChain(), irreversible=FIRST + 30)
    node.fault("no_reward")
    reader = world.start(**settings(unverified_virtual=True))
    reader.wait_for("tail_started")
    node.live(0.1, until=FIRST + 130)
    # No gap by then: the first empty list holds the tail up until it lies 20 blocks back.
    world.db.wait_block(FIRST + 100, timeout=30)
    node.still()
    assert not reader.events("gap_found") and not reader.events("node_failed")
    # What the first replay left, as it was too near to the tip then, is tried again beside it.
    world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE block BETWEEN %s AND %s",
                        lambda count: count == 101, timeout=60, args=(FIRST, FIRST + 100))
    reader.stop()
    world.expect(node.chain, (FIRST, FIRST + 100), virtual=unrewarded, gaps=False,
                 allow_missing=[(FIRST + 101, FIRST + 130)])


def test_a_node_that_has_them_all_is_preferred(world):
    filtering = world.node(VirtualChain(), irreversible=LAST)
    world.node(filtering.chain, irreversible=LAST)
    filtering.fault("no_reward")
    reader = world.run("--once", **settings(unverified_virtual=True))
    assert not reader.events("virtual_unverified")
    world.expect(filtering.chain, (FIRST, LAST), virtual=whole)


def test_the_tail_waits_for_a_list_that_comes_late(world):
    """At the tip a list is empty for a moment on many nodes: that is no gap, and no failure."""
    node = world.node(VirtualChain(), irreversible=FIRST + 5)
    reader = world.start(**settings())
    reader.wait_for("tail_started")
    world.db.wait_block(FIRST + 5)
    fault = node.fault("empty_virtual", block=range(FIRST + 6, FIRST + 9))
    node.advance(3)
    node.wait_for(lambda: fault.count >= 3)
    assert world.db.value("SELECT MAX(block) FROM blocks") == FIRST + 5
    fault.clear()
    world.db.wait_block(FIRST + 8)
    assert not reader.events("gap_found") and not reader.events("node_failed")
    world.expect(node.chain, (FIRST, FIRST + 8), virtual=whole)


def test_seventy_thousand_in_one_block(world):
    number, count = FIRST + 7, 70000
    chain = VirtualChain(many={number: count})
    node = world.node(chain, irreversible=FIRST + 19)
    reader = world.run("--once", timeout=120, fetch={"max_memory_mib": 128, "timeout_ms": 30000},
                       **settings())
    assert not reader.events("node_failed")
    due = chain.entries(number)
    assert world.db.value("SELECT virtual_operations FROM blocks WHERE block = %s",
                          number) == len(due) > count
    stored = world.db.rows("SELECT virtual_op, trx_id, operation, account, payload FROM blockchain"
                           " WHERE block = %s AND virtual_op > 0 ORDER BY virtual_op", number)
    assert len(stored) == len(due)
    for index, (entry, row) in enumerate(zip(due, stored)):
        name, body = entry["op"]
        trx_id = None if entry["trx_in_block"] == virtual.NO_TRX else entry["trx_id"]
        assert row[:3] == (index + 1, trx_id, name)
        if name == "curation_reward" and "curator" in body:
            assert row[3] == body["curator"]
            assert row[4] == chain.spell(body).decode()
    # By jsontext such a list takes minutes; it was compared above.
    chain.many = {}
    world.db.execute("DELETE FROM blockchain WHERE block = %s", number)
    world.db.execute("DELETE FROM blocks WHERE block = %s", number)
    world.expect(chain, (FIRST, number - 1), (number + 1, FIRST + 19), gaps=False, virtual=whole)


def test_the_document_lists_every_virtual_operation_with_its_accounts():
    listed = {}
    for line in TOP.joinpath("doc", "database.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip().strip("`") for cell in line.split("|")[1:-1]]
        if len(cells) == 3 and cells[0] in virtual.ACCOUNTS:
            acting = [cells[1].replace("always ", "=")] if cells[1] != "NULL" else []
            listed[cells[0]] = acting, cells[2].replace("always ", "=")
    assert listed == {name: ([path[:-1] for path in paths.split() if path.endswith("*")][:1],
                             paths.split()[-1].rstrip("*") if _mentions_more(paths) else "")
                      for name, paths in virtual.ACCOUNTS.items()}


def _mentions_more(paths):
    return len(paths.split()) > 1 or paths and not paths.endswith("*")


# ---- blocks stored before

def stored_without(world, rules=None, last=LAST):
    """150 blocks without virtual operations, then the option is turned on."""
    node = world.node(VirtualChain(), irreversible=last)
    world.run("--once", reader={"start_block": FIRST}, filter=rules or [])
    world.run("--activate-filter", filter=rules or [], **settings())
    return node


def test_blocks_stored_before_are_completed_where_that_is_asked_for(world):
    node = stored_without(world)
    node.advance(10)
    world.run("--once", **settings())
    assert states(world) == {"none": 150, "complete": 10}  # turning it on makes no gap
    shown = world.run("--backfill", f"{FIRST + 20}-{FIRST + 39}", "--virtual", "--dry-run",
                      **settings()).stdout
    assert f"{FIRST + 20}-{FIRST + 39}" in shown and "20" in shown
    assert states(world) == {"none": 150, "complete": 10}
    world.run("--backfill", f"{FIRST + 20}-{FIRST + 39}", "--virtual", **settings())
    chosen = range(FIRST + 20, FIRST + 40)
    world.audit(node.chain, (FIRST, LAST + 10), virtual=lambda chain, n: (
        whole if n > LAST or n in chosen else unasked)(chain, n))
    asked = node.count[OPS]
    world.run("--backfill", f"{FIRST}-{LAST + 10}", "--virtual", **settings())
    assert node.count[OPS] - asked == 130  # what is complete is not asked for again
    world.expect(node.chain, (FIRST, LAST + 10), virtual=whole)


def test_with_a_filter(world):
    rules = [{"operation": "vote"}, {"account": "alice"}, {"account": "bob"}]
    node = stored_without(world, rules)
    world.run("--backfill", f"{FIRST}+150", "--virtual", filter=rules, **settings())
    world.expect(node.chain, (FIRST, LAST), rules=rules, virtual=whole)


def test_refilter_brings_them_too(world):
    node = stored_without(world)
    world.run("--backfill", f"{FIRST}-{LAST}", "--refilter", **settings())
    world.expect(node.chain, (FIRST, LAST), virtual=whole)


def test_killed_in_the_middle_each_block_is_whole_or_untouched(world):
    node = stored_without(world)
    for _ in range(4):
        done = states(world).get("complete", 0)
        slow = node.fault("delay", seconds=0.05)
        reader = world.start("--backfill", f"{FIRST}-{LAST}", "--virtual", name="killed",
                             fetch={"batch_size": 10, "connections": 1},
                             write={"batch_rows": 20}, **settings())
        world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE virtual_state = 'complete'",
                            lambda count, done=done: count > done)
        reader.kill()
        slow.clear()
        state_of = dict(world.db.rows("SELECT block, virtual_state FROM blocks"))
        world.audit(node.chain, (FIRST, LAST), gaps=False, virtual=lambda chain, n, of=state_of: (
            whole if of[n] == "complete" else unasked)(chain, n))
    world.run("--backfill", f"{FIRST}-{LAST}", "--virtual", timeout=60, **settings())
    world.expect(node.chain, (FIRST, LAST), virtual=whole)


def test_two_at_once(world):
    node = stored_without(world)
    both = [world.start("--backfill", f"{FIRST}-{LAST}", "--virtual", name=name,
                        fetch={"batch_size": 7}, write={"batch_rows": 30}, **settings())
            for name in ("one", "two")]
    assert [reader.wait_exit(60) for reader in both] == [0, 0]
    world.expect(node.chain, (FIRST, LAST), virtual=whole)


def test_what_cannot_be_read_again_stays_and_is_said(world):
    node = stored_without(world)
    node.fault("empty_virtual", block=FIRST + 7)
    failed = world.run("--backfill", f"{FIRST}-{LAST}", "--virtual", code=69, **settings())
    assert "producer_reward" in failed.events("rewrite_failed")[0].message
    world.expect(node.chain, (FIRST, LAST), virtual=lambda chain, n: (
        unasked if n == FIRST + 7 else whole)(chain, n))


def test_it_is_refused_where_the_file_says_no(world):
    refused = world.run("--backfill", "1-5", "--virtual", code=64)
    assert "reader.virtual_operations" in refused.stderr


# ---- several readers, several nodes

def test_what_comes_out_of_a_dispute_is_whole_too(world):
    """An empty block of another chain: others are asked for it, and theirs is stored."""
    chain = VirtualChain()
    world.node(chain, irreversible=FIRST + 80).fault(
        "fork", chain=VirtualChain("other"), method="get_block", block=FIRST + 47)
    for _ in range(2):  # slow ones, so that the wrong one is asked first
        world.node(chain, irreversible=FIRST + 80).fault("delay", seconds=0.2)
    reader = world.run("--once", timeout=60, fetch={"connections": 1, "batch_size": 200},
                       **settings())
    assert reader.events("link_broken")
    world.expect(chain, (FIRST, FIRST + 80), virtual=whole)


def test_several_readers_and_one_killed(world):
    chain = VirtualChain()
    last = FIRST + 2500
    node = world.node(chain, irreversible=last)
    readers = [world.start(name=f"r{i}", write={"batch_rows": 200}, **settings())
               for i in range(3)]
    world.db.wait_blocks(300)
    readers[0].kill()
    world.expire_claims()
    node.live(0.1, until=last + 30)
    for reader in readers[1:]:
        reader.wait_for("tail_started", timeout=90)
    world.db.wait_block(last + 30, timeout=60)
    node.still()
    world.expire_claims()
    world.db.wait_blocks(last + 30 - FIRST + 1, timeout=60)
    world.expect(chain, (FIRST, last + 30), virtual=whole)


def test_a_reader_of_the_head_completes_on_confirmation(world):
    node = world.node(VirtualChain(), irreversible=FIRST + 9)
    reader = world.start(**settings(follow="head"))
    reader.wait_for("tail_started")
    world.db.wait_block(FIRST + 9 + 17)  # the head: reversible, and without them
    world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 0")
    assert world.db.value("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 0"
                          " AND virtual_state <> 'none'") == 0
    node.live(0.1, until=FIRST + 40)
    world.db.wait_until("SELECT MAX(block) FROM blocks WHERE is_irreversible = 1",
                        lambda block: block == FIRST + 40)
    node.still()
    reader.stop()
    world.expect(node.chain, (FIRST, FIRST + 40), virtual=whole,
                 reversible=[(FIRST + 41, FIRST + 60)])


def test_a_chain_without_any_list_is_not_the_reader_s_fault(world):
    """The simulated node of other tests answers a reward for each block."""
    node = world.node(SyntheticChain(), irreversible=FIRST + 9)
    world.run("--once", **settings())
    assert node.count[OPS] == 10
    assert states(world) == {"complete": 10}


# ---- nodes that have not imported their account history: they answer [] for every block

def test_a_node_without_its_history_gives_no_old_block(world):
    node = world.node(VirtualChain(), irreversible=200)
    fault = node.fault("empty_virtual")
    reader = world.run("--once", code=69, **settings(1))
    assert reader.events("node_without_virtual", containing="account history is not imported")
    assert states(world) == {}
    assert "account history" in world.db.value("SELECT reason FROM gaps LIMIT 1")
    fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", **settings(1))
    assert states(world) == {"complete": 200}
    world.expect(node.chain, (1, 200), virtual=whole)


def test_another_node_has_the_history(world):
    bare = world.node(VirtualChain(), irreversible=200)
    good = world.node(bare.chain, irreversible=200)
    good.fault("delay", seconds=0.2)  # so that the other one is asked first
    bare.fault("empty_virtual")
    reader = world.run("--once", **settings(1))
    assert len(reader.events("node_without_virtual")) == 1
    assert bare.count[OPS] > 0 and bare.asked[1] < 100  # ten times by each connection
    world.expect(bare.chain, (1, 200), virtual=whole)


@pytest.mark.parametrize("keeps", [True, False], ids=["kept", "closing"])
@pytest.mark.parametrize("batch_size", [50, 1])
def test_two_servers_behind_one_name_one_without_a_history(world, keeps, batch_size):
    """What one of them proves says nothing of the other, whose lists are all empty."""
    bare = world.node(VirtualChain(), irreversible=300)
    good = world.node(bare.chain, irreversible=300)
    bare.fault("empty_virtual")
    bare.closes_every_connection = good.closes_every_connection = not keeps
    relay = Relay(good.port, turns=[bare.port, good.port])
    try:
        reader = world.start(nodes=[{"url": f"http://127.0.0.1:{relay.port}"}],
                             fetch={"batch_size": batch_size, "connections": 4}, **settings(1))
        world.db.wait_blocks(300, timeout=90)
    finally:
        relay.close()
    world.expect(good.chain, (1, 300), virtual=whole)
    assert bare.count[OPS] > 0 and good.count[OPS] > 0
    assert reader.events("block_refused", containing="account history")


def test_without_batches_empty_old_lists_are_gaps(world):
    """Where each request has one call, nothing in the answer proves that the list is right."""
    node = world.node(VirtualChain(), irreversible=100)
    fault = node.fault("refuse_batch", above=1)
    world.run("--once", code=69, **settings(1))
    empty = {n for n in range(1, 101) if node.chain.virtual(n) == b"[]"}
    assert "in a batch" in world.db.value("SELECT reason FROM gaps LIMIT 1")
    world.audit(node.chain, (1, 100), virtual=whole, missing=empty)
    fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", **settings(1))
    world.expect(node.chain, (1, 100), virtual=whole)


def test_a_history_that_begins_later(world):
    """Imported from a block above 864,000 on: below it nothing is believed."""
    first, begin = virtual.FIRST_REWARDED - 60, virtual.FIRST_REWARDED + 40
    node = world.node(VirtualChain(), irreversible=begin + 60)
    fault = node.fault("empty_virtual", block=range(1, begin))
    world.run("--once", code=69, **settings(first))
    lost = set(range(first, begin))
    assert not world.db.value("SELECT COUNT(*) FROM blocks WHERE block < %s", begin)
    # The other part of it comes when the node is asked for it alone.
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", code=69, **settings(first))
    world.audit(node.chain, (first, begin + 60), virtual=whole, missing=lost, gaps=False,
                allow_missing=[(begin, begin + 60)])
    fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once", **settings(first))
    world.expect(node.chain, (first, begin + 60), virtual=whole)


def test_the_tail_of_a_short_chain_believes_empty_lists(world):
    node = world.node(VirtualChain(), irreversible=20)
    reader = world.start(**settings(1))
    reader.wait_for("tail_started")
    node.live(0.1, until=60)
    world.db.wait_block(60)
    node.still()
    assert not reader.events("gap_found") and not reader.events("node_without_virtual")
    world.expect(node.chain, (1, 60), virtual=whole)


def test_old_blocks_that_were_stored_without_theirs_can_be_read_again(world):
    """As earlier releases stored them: complete, with none."""
    node = world.node(VirtualChain(), irreversible=200)
    world.run("--once", **settings(1))
    world.db.execute("DELETE FROM blockchain WHERE virtual_op > 0 AND block BETWEEN 50 AND 99")
    world.db.execute("UPDATE blocks SET virtual_operations = 0, stored_virtual_operations = 0"
                     " WHERE block BETWEEN 50 AND 99")
    shown = world.run("--backfill", "1-200", "--virtual", "--dry-run", **settings(1)).stdout
    assert "50-99" in shown
    asked = node.count[OPS]
    world.run("--backfill", "50-99", "--virtual", **settings(1))
    assert node.count[OPS] - asked <= 50 + 3  # three requests with a witness
    world.run("--backfill", "1-200", "--virtual", **settings(1))  # what has none stays as it is
    world.expect(node.chain, (1, 200), virtual=whole)


def test_what_has_none_is_not_believed_when_it_is_read_again(world):
    node = world.node(VirtualChain(), irreversible=200)
    world.run("--once", **settings(1))
    node.fault("empty_virtual")
    failed = world.run("--backfill", "1-200", "--virtual", code=69, **settings(1))
    assert failed.events("rewrite_failed", containing="account history")
    world.expect(node.chain, (1, 200), virtual=whole)
