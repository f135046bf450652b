"""From the chain to the answer on the chain: the whole loop, with real processes."""

import contextlib

import pytest

from harness import publisher
from harness.chain import TOP
from harness.reader import Reader, write_config
from harness.ticker import Ticker
from harness.worker import worker_program

BOT = TOP / "examples" / "shell" / "ask-bot"
ASK = [{"operation": "comment", "body_prefix": "!ask", "queue": "ask"}]
CONFIRMED = ("SELECT COUNT(*) FROM comments WHERE state = 'confirmed'"
             " AND parent_permlink LIKE 'question-%'")


def start_worker(world):
    config = write_config(world.folder / "worker.conf", {"database": {
        "hosts": [world.server.socket], "user": "root", "name": world.database}})
    options = ["--queue", "ask", "--reply", "comment", "--author", "answer-bot", "--", str(BOT)]
    made = Reader(options, config, "worker", executable=worker_program())
    world.readers.append(made)


@contextlib.contextmanager
def publishing(world):
    """A broadcaster for as long as this lasts."""
    sent = {}
    with contextlib.closing(world.connect()) as connection:
        ticker = Ticker(0.05, lambda: publisher.publish_pending(connection, world.nodes[0].url,
                                                                sent))
        try:
            yield
        finally:
            ticker.cancel()


@pytest.mark.parametrize("follow", ["irreversible", "head"])
def test_from_the_question_to_the_answer_on_the_chain(world, follow):
    node = world.node(irreversible=50)
    world.start(filter=ASK, reader={"start_block": 40, "follow": follow})
    world.db.wait_block(50)
    node.live(0.05)
    start_worker(world)
    asked = [node.publish(publisher.comment("alice", f"question-{n}", f"!ask how are you, {n}?"))
             for n in range(3)]
    node.publish(publisher.comment("bob", "no-question", "nobody is asked"))
    with publishing(world):
        world.db.wait_until(CONFIRMED, lambda count: count >= 3, timeout=40)
    node.still()
    rows = world.db.rows("SELECT parent_author, parent_permlink, author, permlink, block, trx_id,"
                         " body, delivery_id FROM comments WHERE parent_permlink LIKE 'question-%'"
                         " ORDER BY parent_permlink")
    assert [row[:3] for row in rows] == [("alice", f"question-{n}", "answer-bot")
                                         for n in range(3)]
    for row, (number, trx_id) in zip(rows, asked):
        assert trx_id in row[3] and row[7] >> 20 == number
        # The row names the block and the transaction in which the chain has the answer.
        there = [op for op in node.chain.block(row[4]).operations if op.trx_id == row[5]]
        assert len(there) == 1 and there[0].operation == "comment"
        assert row[3] in there[0].payload and row[6].strip()
        assert row[4] <= node.irreversible
