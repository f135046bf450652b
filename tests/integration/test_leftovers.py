"""The cases of error 1062: another reader was first, leftovers, a contradiction."""

import pytest

from harness.chain import SyntheticChain

LAST = 100
HELD = range(41, 51)


@pytest.mark.parametrize("change", [
    "payload = '{}'", "operation = 'other'", "account = NULL, trx_id = NULL",
    "op_in_trx = op_in_trx + 1"])
def test_leftover_operations_are_replaced_and_named(filled, change):
    filled.forget_blocks(33, 34, 77, operations=False)
    filled.db.execute(f"UPDATE blockchain SET {change} WHERE block IN (33, 34, 77)"
                      " ORDER BY block, trx_in_block, op_in_trx DESC")
    run = filled.run("--once")
    assert run.events("leftover_removed")
    filled.expect(filled.nodes[0].chain, (1, LAST))


def test_leftovers_in_the_middle_of_everything_else(filled):
    filled.forget_blocks(*range(1, LAST), operations=False)
    filled.db.execute("DELETE FROM blockchain WHERE MOD(block, 3) = 0")
    reader = filled.start()
    filled.db.wait_blocks(LAST)
    reader.wait_for("leftover_removed")
    filled.nodes[0].advance(2)
    filled.db.wait_blocks(LAST + 2)
    filled.expect(filled.nodes[0].chain, (1, LAST + 2))


def store_by_hand(world, chain, numbers):
    """As another reader would: block rows and operations in one transaction."""
    with world.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT filter_id, reader_id FROM blocks LIMIT 1")
        who = cursor.fetchone()
        cursor.execute("BEGIN")
        for number in numbers:
            block = chain.block(number)
            cursor.execute(
                "INSERT INTO blocks (block, block_id, previous, timestamp, operations,"
                " stored_operations, filter_id, reader_id, committed_at) VALUES"
                " (%s, UNHEX(%s), UNHEX(%s), %s, %s, %s, %s, %s, UTC_TIMESTAMP())",
                (number, block.block_id, block.previous, block.timestamp,
                 len(block.operations), len(block.operations), *who))
            cursor.executemany(
                "INSERT INTO blockchain (block, trx_in_block, op_in_trx, virtual_op, trx_id,"
                " timestamp, operation, account, payload)"
                " VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s)",
                [op.key + op.columns for op in block.operations])
        connection.commit()


@pytest.fixture
def held(world):
    """A reader whose node hangs at block 41: it will come late for what is stored meanwhile."""
    node = world.node(irreversible=40)
    world.run("--once")
    node.irreversible = LAST
    hang = node.fault("hang", block=set(HELD), times=1)
    reader = world.start(fetch={"timeout_ms": 60000, "batch_size": 100, "connections": 1})
    node.wait_for(lambda: hang.count)
    return world, node, hang, reader


def test_another_reader_was_first(held):
    world, node, hang, reader = held
    store_by_hand(world, node.chain, HELD)
    hang.release()
    world.db.wait_blocks(LAST, 40)
    reader.wait_for("tail_started")
    world.expect(node.chain, (1, LAST))


def test_another_reader_was_first_with_everything(held):
    world, node, hang, reader = held
    store_by_hand(world, node.chain, range(41, LAST + 1))
    hang.release()
    reader.wait_for("tail_started", timeout=40)
    node.advance(3)
    world.db.wait_blocks(LAST + 3)
    world.expect(node.chain, (1, LAST + 3))


def test_something_else_was_first(held):
    """Another id for a stored number: the block is not stored, nothing else stops."""
    world, node, hang, reader = held
    store_by_hand(world, SyntheticChain(fork=(45, "other")), [45])
    hang.release()
    reader.wait_for("stored_block_orphaned", timeout=40)
    world.allow_errors("stored_block_orphaned")
    node.advance(3)
    world.db.wait_block(LAST + 3, timeout=40)
    reader.stop()
    world.forget_blocks(45)
    world.run("--once")
    world.expect(node.chain, (1, LAST + 3))
