"""--verify: stored blocks against the chain, and --repair."""

import json
import signal

import pytest

from harness.chain import SyntheticChain
from harness.world import OTHER_ID

LAST = 1200


class Mangled:
    """What OTHER_ID makes of blocks: --repair moves their operations into `orphans`."""

    def __init__(self, chain):
        self.chain = chain

    def block_id(self, number):
        return self.chain.block_id(number)[:8] + "78" * 16

    def block(self, number):
        return self.chain.block(number)


def expect(world, *ranges):
    chain = world.nodes[0].chain
    world.expect(chain, *ranges, forks=[Mangled(chain)])


def verify(world, *arguments, code=0, ranges=f"1-{LAST}", **sections):
    """The report as a dict, and its findings as {(first, last): kind}."""
    done = world.run("--verify", ranges, "--json", *arguments, code=code, **sections)
    if code:
        world.allow_errors("differences_remain", "blocks_unverified")
    report = json.loads(done.stdout)
    found = {(item["first_block"], item["last_block"]): item["kind"]
             for item in report["findings"]}
    return report, found


def test_what_is_right_is_found_right(filled):
    for arguments in ((), ("--deep",), ("--offline",)):
        report, found = verify(filled, *arguments)
        assert found == {} and report["compared"] == LAST and report["unknown"] == 0
    text = filled.run("--verify", "1-10,20+5").stdout
    assert text == ("15 blocks compared, 0 missing, 0 partial, 0 orphaned, 0 altered, 0 extra")
    expect(filled, (1, LAST))


DAMAGE = {  # what is done to one block, what --verify calls it, and what finds it
    "no block row": ("DELETE FROM blocks WHERE block = 700", "extra", {"", "--deep", "--offline"}),
    "no row at all": ("DELETE b, o FROM blocks b LEFT JOIN blockchain o USING (block)"
                      " WHERE b.block = 700", "missing", {"", "--deep", "--offline"}),
    "an operation is gone": ("DELETE FROM blockchain WHERE block = 700 LIMIT 1", "partial",
                             {"", "--deep", "--offline"}),
    "another id": (OTHER_ID.replace("%s", "700"), "orphaned", {"", "--deep", "--offline"}),
    "id and links of another chain":
        ("UPDATE blocks SET block_id = CONCAT(LEFT(block_id, 4), REPEAT('x', 16)),"
         " previous = IF(block > 700, CONCAT(LEFT(previous, 4), REPEAT('x', 16)), previous)"
         " WHERE block BETWEEN 700 AND 1200", "orphaned", {"", "--deep"}),
    "another time": ("UPDATE blocks SET timestamp = timestamp + INTERVAL 1 SECOND"
                     " WHERE block = 700", "altered", {"", "--deep"}),
    "another count": ("UPDATE blocks SET operations = operations + 1 WHERE block = 700",
                      "altered", {"", "--deep"}),
    "fewer, and said so": ("UPDATE blocks SET stored_operations = 0 WHERE block = 700",
                           "partial", {"", "--deep", "--offline"}),
    "another payload": ("UPDATE blockchain SET payload = CONCAT(payload, ' ') WHERE block = 700"
                        " LIMIT 1", "altered", {"--deep"}),
    "another account": ("UPDATE blockchain SET account = 'mallory' WHERE block = 700 LIMIT 1",
                        "altered", {"--deep"}),
    "another trx": ("UPDATE blockchain SET trx_id = REPEAT('0', 40) WHERE block = 700 LIMIT 1",
                    "altered", {"--deep"}),
    "an operation too many":
        ("INSERT INTO blockchain SELECT block, 9999, 0, 0, trx_id, timestamp, operation, account,"
         " payload FROM blockchain WHERE block = 700 LIMIT 1", "partial",
         {"", "--deep", "--offline"}),
    "read at the head": ("UPDATE blocks SET is_irreversible = 0 WHERE block = 700", "missing",
                         {"", "--deep", "--offline"}),
}


@pytest.mark.parametrize("what", DAMAGE)
def test_each_damage_is_named_and_mended(filled, what):
    statement, kind, seen_by = DAMAGE[what]
    filled.db.execute(statement)
    first = (701 if what == "another id" else 700)
    for mode in ("", "--deep", "--offline"):
        report, found = verify(filled, *([mode] if mode else []), code=65 if mode in seen_by else 0)
        if mode not in seen_by:
            assert found == {}
            continue
        # without the chain, a link tells that one of two is wrong: it is reported at the upper
        assert kind in found.values()
        assert all(lower in (700, first) or what.startswith("id and") for lower, _ in found)
        assert report["found"] == len(found) or kind in ("missing", "orphaned")
        assert not any(item["mended"] for item in report["findings"])
    report, found = verify(filled, "--deep", "--repair")
    assert report["mended"] == report["found"] > 0
    assert verify(filled, "--deep")[1] == {}
    expect(filled, (1, LAST))


def test_many_damages_at_once_and_text(filled):
    filled.db.execute("DELETE FROM blocks WHERE block BETWEEN 10 AND 29")
    filled.db.execute("DELETE FROM blockchain WHERE block BETWEEN 10 AND 29")
    filled.db.execute(OTHER_ID, 100)
    filled.db.execute("UPDATE blockchain SET payload = '{}' WHERE block = 500")
    filled.allow_errors("differences_remain")
    text = filled.run("--verify", f"1-{LAST}", "--deep", code=65).stdout
    lines = text.splitlines()
    assert lines[0] == "missing   10-29"
    assert lines[1].startswith("orphaned  100  ") and "is in the chain" in lines[1]
    assert lines[2].startswith("altered   500  payload of operation ")
    assert lines[-1] == f"{LAST} blocks compared, 20 missing, 0 partial, 1 orphaned, 1 altered, 0 extra"
    # a dry run promises nothing and does nothing
    assert filled.run("--verify", f"1-{LAST}", "--deep", "--repair", "--dry-run",
                      code=65).stdout == text
    text = filled.run("--verify", f"1-{LAST}", "--deep", "--repair").stdout
    assert text.count("; mended\n") == 3 and text.endswith("; 22 mended")
    assert filled.db.value("SELECT COUNT(*) FROM orphans WHERE block = 100") > 0
    expect(filled, (1, LAST))


def test_one_liar_among_three_is_outvoted(world):
    """What only one node says is neither reported nor written."""
    chain = SyntheticChain()
    for _ in range(3):
        world.node(chain, irreversible=300)
    world.run("--once")
    liar = world.nodes[0]
    liar.fault("fork", block=set(range(100, 140)), chain=SyntheticChain("other"))
    block = world.db.value("SELECT MIN(block) FROM blockchain WHERE block > 115")
    world.db.execute("UPDATE blockchain SET payload = '{}' WHERE block = %s", block)
    report, found = verify(world, "--deep", ranges="1-300", code=65)
    assert found == {(block, block): "altered"}
    report, found = verify(world, "--deep", "--repair", ranges="1-300")
    assert report["mended"] == 1
    world.expect(chain, (1, 300))


def three(world):
    """Three nodes, which are asked in this order, and what they give is stored."""
    chain = SyntheticChain(plain=True)  # a transfer in each block
    for place in range(3):
        world.node(chain, irreversible=300).fault("delay", seconds=0.05 * place)
    world.run("--once")
    return world.nodes


def with_another_memo(raw):
    """The block under its id, but not what was said in it."""
    block = json.loads(raw)
    for trx in block["transactions"]:
        for _, body in trx["operations"]:
            body["memo"] = "send it to mallory"
    return json.dumps(block).encode()


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("damage", ("DELETE FROM blocks WHERE block BETWEEN 100 AND 119",
                                    "UPDATE blockchain SET payload = '{}' WHERE block"
                                    " BETWEEN 100 AND 119"))
def test_a_liar_with_the_right_ids_confirms_nothing(world, place, damage):
    """Whether it is asked first, second or third: its operations are not written."""
    nodes = three(world)
    lie = nodes[place].fault("mangle", block=range(90, 130), function=with_another_memo)
    world.db.execute(damage)
    report, _ = verify(world, "--deep", "--repair", ranges="90-129")
    assert report["mended"] == report["found"] == 20
    assert place > 0 or lie.count > 0
    world.expect(nodes[0].chain, (1, 300))


def test_a_liar_does_not_cover_up_what_it_did(world):
    """Its lies stand in the rows, and it is asked second: of two that differ a third decides."""
    nodes = three(world)
    nodes[1].fault("mangle", block=range(100, 120), function=with_another_memo)
    world.db.execute("UPDATE blockchain SET payload = JSON_SET(payload, '$.memo',"
                     " 'send it to mallory') WHERE block BETWEEN 100 AND 119")
    world.db.execute("UPDATE blockchain SET payload = REPLACE(REPLACE(payload, ', ', ','), '\": ',"
                     " '\":') WHERE block BETWEEN 100 AND 119")
    report, found = verify(world, "--deep", "--repair", ranges="90-129")
    assert set(found.values()) == {"altered"} and report["mended"] == 20
    world.expect(nodes[0].chain, (1, 300))


@pytest.mark.parametrize("damage", (
    "UPDATE blockchain SET payload = '{}' WHERE block BETWEEN 100 AND 104",
    "DELETE FROM blockchain WHERE block BETWEEN 100 AND 104",
    "DELETE b, o FROM blocks b LEFT JOIN blockchain o USING (block) WHERE b.block = 104"))
def test_a_proved_block_needs_no_second_node(world, damage):
    """Of two nodes one gives no old block any more."""
    chain = SyntheticChain(plain=True)
    _, other = (world.node(chain, irreversible=300) for _ in range(2))
    world.run("--once")
    other.fault("null", method="get_block", block=range(1, 200))
    world.db.execute(damage)
    report, found = verify(world, "--deep", "--repair", ranges="90-129")
    assert report["found"] == report["mended"] > 0 and found
    world.expect(chain, (1, 300))


def test_without_proof_one_node_is_not_enough(world):
    """The same as above, with reader.proof = "off"."""
    chain = SyntheticChain(plain=True)
    _, other = (world.node(chain, irreversible=300) for _ in range(2))
    world.run("--once")
    other.fault("null", method="get_block", block=range(1, 200))
    world.db.execute("UPDATE blockchain SET payload = '{}' WHERE block = 100")
    report, _ = verify(world, "--deep", "--repair", ranges="90-129", code=65, reader={"proof": "off"})
    assert report["found"] == 1 and report["mended"] == 0
    assert report["findings"][0]["reason"].startswith("no second node gives it")
    other.heal()
    verify(world, "--deep", "--repair", ranges="90-129", reader={"proof": "off"})
    world.expect(chain, (1, 300))


def test_what_is_linked_to_a_block_of_both_nodes_needs_no_second_one(world):
    """Holes that only one of two nodes can fill, below a block that both give."""
    chain = SyntheticChain(plain=True)
    _, other = (world.node(chain, irreversible=300) for _ in range(2))
    world.run("--once")
    other.fault("null", method="get_block", block=range(1, 125))
    world.db.execute("DELETE b, o FROM blocks b LEFT JOIN blockchain o USING (block)"
                     " WHERE b.block BETWEEN 100 AND 104")
    report, found = verify(world, "--repair", ranges="90-129")
    assert set(found.values()) == {"missing"} and report["mended"] == 5
    world.expect(chain, (1, 300))


def test_of_two_nodes_that_differ_neither_is_believed(world):
    """Where nothing is proved."""
    chain = SyntheticChain(plain=True)
    _, liar = (world.node(chain, irreversible=300) for _ in range(2))
    world.run("--once")
    liar.fault("mangle", block=range(100, 120), function=with_another_memo)
    world.db.execute("DELETE FROM blocks WHERE block BETWEEN 101 AND 102")
    world.db.execute("DELETE FROM blockchain WHERE block BETWEEN 101 AND 102")
    report, found = verify(world, "--repair", ranges="90-129", code=65, reader={"proof": "off"})
    assert found == {(101, 102): "missing"} and report["mended"] == 0
    assert report["findings"][0]["reason"] == "the nodes give different blocks"
    assert world.db.value("SELECT COUNT(*) FROM blocks") == 298
    liar.heal()
    report, _ = verify(world, "--repair", ranges="90-129")
    assert report["mended"] == 2
    world.expect(chain, (1, 300))


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("hole", ("DELETE b, o FROM blocks b LEFT JOIN blockchain o USING (block)"
                                  " WHERE b.block = 120",
                                  "UPDATE blocks SET is_irreversible = 0 WHERE block = 120",
                                  "DELETE b, o FROM blocks b LEFT JOIN blockchain o USING (block)"
                                  " WHERE b.block >= 120"))
def test_a_hole_is_not_filled_from_a_fork(world, place, hole):
    """The liar's block 120 follows the true 119: only the one above, or other nodes, tell."""
    nodes = three(world)
    lie = nodes[place].fault("fork", method="get_block", block=range(120, 200),
                             chain=SyntheticChain(fork=(120, "x"), plain=True))
    world.db.execute(hole)
    report, found = verify(world, "--repair", ranges="1-300")
    assert list(found.values()) == ["missing"] and report["mended"] == report["found"]
    assert place > 0 or lie.count > 0
    world.expect(nodes[0].chain, (1, 300))


@pytest.mark.parametrize("hole", ("DELETE b, o FROM blocks b LEFT JOIN blockchain o USING (block)"
                                  " WHERE b.block = 120",
                                  "UPDATE blocks SET is_irreversible = 0 WHERE block = 120"))
def test_a_sole_node_fills_no_hole_with_what_contradicts_the_rows(filled, hole):
    """Its word counts, but the row above says what block it follows."""
    filled.nodes[0].fault("fork", block=range(120, 121), chain=SyntheticChain(fork=(120, "x")))
    filled.db.execute(hole)
    report, found = verify(filled, "--repair", ranges="110-130", code=65)
    assert found == {(120, 120): "missing"}
    reason = report["findings"][0]["reason"]
    assert reason == "the block above it links to another one than the nodes give"
    filled.nodes[0].heal()
    verify(filled, "--repair", ranges="110-130")
    expect(filled, (1, LAST))


def test_a_hole_below_wrong_rows_is_filled_with_them(filled):
    """Whichever commit they fall into: the rows first, then what must link to them."""
    filled.forget_blocks(*range(100, 130))
    filled.db.execute("UPDATE blocks SET previous = CONCAT(LEFT(previous, 4), REPEAT('x', 16)),"
                      " block_id = CONCAT(LEFT(block_id, 4), REPEAT('x', 16))"
                      " WHERE block BETWEEN 130 AND 140")
    report, _ = verify(filled, "--repair", ranges="90-150", write={"batch_rows": 1})
    assert report["mended"] == report["found"] == 41
    expect(filled, (1, LAST))


def test_blocks_that_no_node_gives_are_unknown(filled):
    filled.nodes[0].fault("null", block={40})
    report, found = verify(filled, ranges="1-100", code=69)
    assert found == {} and report["unknown"] == 1 and report["compared"] == 99
    # what is missing, and cannot be had, stays found
    filled.forget_blocks(40)
    report, found = verify(filled, "--repair", ranges="1-100", code=65)
    assert found == {(40, 40): "missing"} and report["findings"][0]["reason"]
    filled.nodes[0].heal()
    verify(filled, "--repair", ranges="1-100")
    expect(filled, (1, LAST))


def test_a_repair_stops_at_its_range_and_says_so(filled):
    """Blocks 600 to 602 are another chain's, linked to each other; only 601 is to be mended."""
    filled.db.execute(OTHER_ID, 600)
    filled.db.execute(OTHER_ID, 601)
    filled.db.execute("UPDATE blocks SET previous = (SELECT block_id FROM (SELECT block_id FROM"
                      " blocks WHERE block = 600) b) WHERE block = 601")
    report, _ = verify(filled, "--repair", ranges="601", code=65)
    assert "600" in report["findings"][0]["reason"] and report["mended"] == 0
    verify(filled, "--repair", ranges="600-601")
    expect(filled, (1, LAST))


def test_beside_running_readers(filled):
    """A repair while two readers tail and replay: nothing is lost, nothing doubled."""
    node = filled.nodes[0]
    readers = [filled.start(name=f"r{i}") for i in range(2)]
    for reader in readers:
        reader.wait_for("tail_started")
    filled.db.execute(OTHER_ID, 300)
    filled.forget_blocks(310, 311)
    filled.db.execute("UPDATE blockchain SET payload = '{}' WHERE block = 320")
    node.live(0.02, until=LAST + 100)
    verify(filled, "--deep", "--repair", ranges="250-350")
    filled.db.wait_block(LAST + 100)
    assert all(reader.is_running for reader in readers)
    expect(filled, (1, LAST + 100))


def test_killed_in_the_middle_it_leaves_whole_blocks(filled):
    filled.db.execute("UPDATE blockchain SET payload = '{}' WHERE block BETWEEN 1 AND 1200")
    filled.allow_errors("differences_remain")
    repair = filled.start("--verify", f"1-{LAST}", "--deep", "--repair")
    filled.db.wait_until("SELECT COUNT(*) FROM blockchain WHERE payload <> '{}'")
    repair.signal(signal.SIGKILL)
    repair.wait_exit()
    report, found = verify(filled, "--deep", "--repair")
    assert 0 < report["mended"] < LAST
    expect(filled, (1, LAST))


def test_other_rules_and_ranges(filled):
    # above the irreversible block nothing can be compared
    filled.allow_errors("ended")
    filled.run("--verify", f"1-{LAST + 1}", code=64)
    for wrong in (["--deep"], ["--verify", "5-1"], ["--verify", "1-5", "--offline", "--repair"],
                  ["--verify", "1-5", "--once"]):
        assert filled.run(*wrong, code=64).stderr
    # blocks that were stored under wider rules are right as well
    rules = [{"operation": "vote"}]
    filled.run("--activate-filter", filter=rules)
    filled.run("--verify", "1-200", "--deep", filter=rules)
    expect(filled, (1, LAST))


def test_a_hole_that_is_mended_is_no_gap_any_more(filled):
    """No reader runs that would find this at its next scan."""
    filled.forget_blocks(310, 311, 700)
    for first, last in ((310, 311), (700, 700)):
        filled.db.execute("INSERT INTO known_gaps (first_block, last_block, found_at, attempts,"
                          " tried_at, retry_at, reason) VALUES (%s, %s, UTC_TIMESTAMP(6), 1,"
                          " UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 1 HOUR, 'none')",
                          first, last)
    verify(filled, "--repair", ranges="1-310")
    assert filled.db.rows("SELECT first_block, last_block FROM gaps") == ((311, 311), (700, 700))
    verify(filled, "--repair")
    assert filled.db.rows("SELECT first_block FROM gaps") == ()
    expect(filled, (1, LAST))


def test_nodes_that_went_back_are_waited_for(filled):
    """The newest stored blocks are a range like any other, also just after the nodes restarted."""
    node = filled.nodes[0]
    node.irreversible = LAST - 100
    filled.allow_errors("ended")
    assert "irreversible" in filled.run("--verify", f"1-{LAST + 1}", code=64).stderr
    running = filled.start("--verify", f"{LAST - 200}-{LAST}", "--deep", "--json")
    node.wait_for(lambda: node.asked[LAST - 100])
    node.irreversible = LAST
    assert running.wait_exit() == 0
    assert json.loads(running.stdout)["compared"] == 201
    expect(filled, (1, LAST))


@pytest.mark.slow
def test_what_the_nodes_do_not_have_again_is_named(filled):
    filled.nodes[0].irreversible = LAST - 100
    reader = filled.run("--verify", f"{LAST - 200}-{LAST}", "--json", code=69, timeout=60)
    report = json.loads(reader.stdout)
    assert (report["compared"], report["found"], report["unknown"]) == (101, 0, 100)
    said = reader.events("nodes_behind")
    assert len(said) == 1 and f"{LAST - 99}-{LAST}" in said[0].message
    expect(filled, (1, LAST))
