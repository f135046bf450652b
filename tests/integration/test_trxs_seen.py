"""Transactions that a poster signed are confirmed by their id, by any reader, however their block comes."""

import pytest

from harness import operations
from harness.chain import SyntheticChain

ME = "the-bot"
LAST = 60
CONFIRMED = "SELECT COUNT(*) FROM signed_trxs WHERE outcome = 'confirmed'"
SEEN = "SELECT COUNT(*) FROM trxs_seen"
# What a poster asks before it signs again: an id of a stored block that nobody noted.
MISSED = """SELECT COUNT(*) FROM signed_trxs t JOIN actions a ON a.action_id = t.action_id
            JOIN blocks b ON b.block = a.priority AND b.is_searched = 1
            LEFT JOIN trxs_seen s ON s.trx_id = t.trx_id WHERE t.outcome IS NULL AND s.trx_id IS NULL"""


def chain_with(*numbers, **options):
    """Each of these blocks has a vote of ours."""
    return SyntheticChain(extra={number: [operations.made("vote", voter=ME, permlink=f"p{number}")]
                                 for number in numbers}, **options)


def trx_of(chain, number):
    """The id of our vote in a block."""
    found = [op for op in chain.block(number).operations if f'"p{number}"' in op.payload]
    assert len(found) == 1
    return found[0].trx_id


def sign(db, chain, number, outcome=None):
    """As a poster does before it sends: the action is `sent`, the bytes are there. Its priority names the block."""
    trx_id = trx_of(chain, number)
    db.execute("INSERT INTO actions (account, action_key, operations, authority, priority, state, trx_id, error,"
               " created_at) VALUES (%s, %s, '[]', 'posting', %s, 'sent', %s, 'too soon', UTC_TIMESTAMP(6))",
               ME, f"a{number}", number, trx_id)
    db.execute("INSERT INTO signed_trxs (trx_id, account, action_id, signed_trx, ref_block, expiration, outcome,"
               " created_at) SELECT %s, account, action_id, '{}', 1, %s, %s, created_at FROM actions"
               " WHERE action_key = %s", trx_id, chain.timestamp(number + 20).replace("T", " "), outcome, f"a{number}")
    return trx_id


def wait_confirmed(db, chain, *numbers, timeout=20):
    db.wait_until(CONFIRMED, lambda count: count >= len(numbers), timeout)
    db.wait_until(SEEN, lambda count: count == 0, timeout)
    assert db.rows("SELECT a.action_key, a.state, a.block, a.trx_id, a.error, a.confirmed_at IS NULL, t.outcome"
                   " FROM actions a JOIN signed_trxs t USING (action_id) ORDER BY a.priority") == tuple(
        (f"a{number}", "confirmed", number, trx_of(chain, number), None, 0, "confirmed") for number in numbers)


def test_in_the_tail(world):
    chain = chain_with(LAST + 2, LAST + 3)
    node = world.node(chain, irreversible=LAST)
    reader = world.start()
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    for number in (LAST + 2, LAST + 3):
        sign(world.db, chain, number)
    node.advance(5)
    wait_confirmed(world.db, chain, LAST + 2, LAST + 3)
    reader.wait_for("trxs_confirmed")
    world.db.wait_blocks(LAST + 5)
    assert world.db.value("SELECT COUNT(*) FROM blocks WHERE is_searched = 0") == 0
    world.expect(chain, (1, LAST + 5))


def test_what_the_filter_drops(world):
    rules = [{"operation": "transfer"}]
    chain = chain_with(LAST + 2)
    node = world.node(chain, irreversible=LAST)
    world.start(filter=rules)
    world.db.wait_blocks(LAST)
    sign(world.db, chain, LAST + 2)
    node.advance(3)
    wait_confirmed(world.db, chain, LAST + 2)
    assert world.db.value("SELECT COUNT(*) FROM blockchain WHERE operation = 'vote'") == 0
    world.db.wait_blocks(LAST + 3)
    world.expect(chain, (1, LAST + 3), rules=rules)


@pytest.mark.parametrize("command", [["--once"], ["--backfill", f"1-{LAST}"]], ids=["catch-up", "backfill"])
def test_after_an_outage_of_all_readers(world, command):
    chain = chain_with(20, 40)
    world.node(chain, irreversible=LAST)
    for number in (20, 40):
        sign(world.db, chain, number)
    world.run(*command)
    wait_confirmed(world.db, chain, 20, 40)
    world.expect(chain, (1, LAST))


def test_in_a_gap_that_is_replayed(world):
    chain = chain_with(20, 40)
    node = world.node(chain, irreversible=LAST)
    world.run("--once")
    world.forget_blocks(*range(15, 46))
    for number in (20, 40):
        sign(world.db, chain, number)
    world.run("--once")
    wait_confirmed(world.db, chain, 20, 40)
    world.expect(node.chain, (1, LAST))


def test_a_block_read_at_the_head_confirms_when_it_is_irreversible(world):
    chain = chain_with(LAST + 4)
    node = world.node(chain, irreversible=LAST, head=LAST + 2)
    world.start(reader={"follow": "head"})
    world.db.wait_blocks(LAST + 2)
    sign(world.db, chain, LAST + 4)
    node.head = LAST + 20
    world.db.wait_block(LAST + 20)
    assert world.db.rows("SELECT is_irreversible, is_searched FROM blocks WHERE block = %s", LAST + 4) == ((0, 0),)
    assert world.db.value(CONFIRMED) == 0 and world.db.value(SEEN) == 0
    node.irreversible = LAST + 5
    wait_confirmed(world.db, chain, LAST + 4)
    assert world.db.rows("SELECT is_irreversible, is_searched FROM blocks WHERE block = %s", LAST + 4) == ((1, 1),)
    world.expect(chain, (1, LAST + 5), reversible=[(LAST + 6, LAST + 20)])


def test_a_fork_that_drops_it_confirms_nothing(world):
    """The block with the trx is replaced: it is not on the chain, and may still come."""
    chain = chain_with(LAST + 4)
    other = chain_with(LAST + 8, fork=(LAST + 3, "b"))
    node = world.node(chain, irreversible=LAST, head=LAST + 5)
    world.start(reader={"follow": "head"})
    world.db.wait_block(LAST + 5)
    sign(world.db, chain, LAST + 4)
    node.chain = other
    node.head = LAST + 25
    node.irreversible = LAST + 6
    world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE is_irreversible = 1", lambda count: count == LAST + 6)
    assert world.db.value("SELECT state FROM actions") == "sent"
    assert world.db.value("SELECT outcome FROM signed_trxs") is None and world.db.value(SEEN) == 0
    world.allow_errors("block_replaced")
    world.expect(other, (1, LAST + 6), reversible=[(LAST + 7, LAST + 25)], forks=[chain])


def test_a_block_that_is_repaired(world):
    chain = chain_with(40)
    for _ in range(2):
        world.node(chain, irreversible=LAST)
    world.run("--once")
    sign(world.db, chain, 40)
    world.db.execute("UPDATE blockchain SET payload = '{}' WHERE block = 40")
    world.run("--verify", "35-45", "--deep", "--repair", code=None)
    world.run("--once")
    wait_confirmed(world.db, chain, 40)
    world.expect(chain, (1, LAST))


def test_blocks_that_an_older_reader_stored(world):
    """It did not look, and the blocks say so. Without their rows they are read again, by one that looks."""
    chain = chain_with(40)
    world.node(chain, irreversible=LAST)
    world.run("--once")
    world.db.execute("UPDATE blocks SET is_searched = 0 WHERE block BETWEEN 35 AND 45")
    sign(world.db, chain, 40)
    assert world.db.value(MISSED) == 0
    world.db.execute("DELETE FROM blocks WHERE is_searched = 0")
    world.run("--once")
    wait_confirmed(world.db, chain, 40)
    world.allow_errors("leftover_removed")
    world.expect(chain, (1, LAST))


def test_the_state_of_the_row_does_not_matter(world):
    """What is on the chain is confirmed, whatever was thought of it; a row that is gone hinders nobody."""
    chain = chain_with(*range(20, 26))
    world.node(chain, irreversible=LAST)
    for number in range(20, 26):
        sign(world.db, chain, number, "expired" if number == 21 else None)
    for number, state in ((22, "failed"), (23, "pending"), (24, "held")):
        world.db.execute("UPDATE actions SET state = %s WHERE priority = %s", state, number)
    world.db.execute("DELETE FROM actions WHERE priority = 25")
    world.run("--once")
    world.db.wait_until(CONFIRMED, lambda count: count == 6)
    world.db.execute("DELETE FROM signed_trxs WHERE trx_id = %s", trx_of(chain, 25))
    wait_confirmed(world.db, chain, *range(20, 25))
    world.expect(chain, (1, LAST))


def test_a_rewind_opens_what_the_blocks_had_settled(world):
    chain = chain_with(20, 50, 52)
    world.node(chain, irreversible=LAST)
    for number in (20, 50):
        sign(world.db, chain, number)
    expired = sign(world.db, chain, 52, "expired")
    world.run("--once")
    world.db.wait_until(CONFIRMED, lambda count: count == 3)
    world.db.execute("UPDATE signed_trxs SET outcome = 'expired' WHERE trx_id = %s", expired)
    world.db.execute("INSERT INTO trxs_seen VALUES (%s, 55, NOW()), (%s, 5, NOW())", "a" * 40, "b" * 40)
    done = world.run("--rewind", "40")
    assert "2 confirmed comments and actions above block 40" in done.stdout
    assert world.db.rows("SELECT a.state, a.block, t.outcome FROM actions a JOIN signed_trxs t USING (action_id)"
                         " ORDER BY priority") == (("confirmed", 20, "confirmed"), ("sent", None, None),
                                                   ("sent", None, None))
    assert world.db.value("SELECT trx_id FROM trxs_seen") == "b" * 40
    world.db.execute("DELETE FROM trxs_seen")
    world.db.execute("DELETE FROM orphans")  # the auditor knows them from forks only
    world.run("--once")
    wait_confirmed(world.db, chain, 20, 50, 52)
    world.expect(chain, (1, LAST))


def test_readers_that_die_miss_none(world):
    """Three readers at the tip are killed at random; each transaction is signed before its block comes."""
    numbers = range(LAST + 2, LAST + 42, 2)
    chain = chain_with(*numbers)
    node = world.node(chain, irreversible=LAST)
    readers = [world.start(name=f"r{number}") for number in range(3)]
    world.db.wait_blocks(LAST)
    for turn, number in enumerate(numbers):
        sign(world.db, chain, number)
        node.advance(2)
        if turn % 3 == 1:
            readers[turn % 3].kill()
        world.db.wait_block(node.irreversible)
        assert world.db.value(MISSED) == 0
        if turn % 3 == 1:
            readers[turn % 3] = world.start(name=f"r{turn % 3}")
    wait_confirmed(world.db, chain, *numbers)
    world.db.wait_blocks(node.irreversible)
    world.expect(chain, (1, node.irreversible))
