"""From the chain to the answer on the chain: the whole loop, with real processes."""

import pathlib
import sys

from harness.publisher import comment

TOP = pathlib.Path(__file__).resolve().parents[2]
BOT = TOP / "examples" / "shell" / "ask-bot"
ASK = [{"operation": "comment", "body_prefix": "!ask", "queue": "ask"}]
CONFIRMED = "SELECT COUNT(*) FROM comments WHERE state = 'confirmed'"


def start_publisher(world, processes):
    return processes.start(sys.executable, "-B", "-m", "harness.publisher", "--socket",
                           world.server.socket, "--database", world.database, "--node",
                           world.nodes[0].url, cwd=pathlib.Path(__file__).parent)


def test_from_the_question_to_the_answer_on_the_chain(world, processes, worker):
    node = world.node(irreversible=50)
    world.start(filter=ASK, reader={"start_block": 40})
    world.db.wait_block(50)
    node.live(0.05)
    worker("--queue", "ask", "--reply", "comment", "--author", "answer-bot", "--", str(BOT))
    start_publisher(world, processes)
    asked = [node.publish(comment("alice", f"question-{n}", f"!ask how are you, {n}?"))
             for n in range(3)]
    node.publish(comment("bob", "no-question", "nobody is asked"))
    world.db.wait_until(CONFIRMED, lambda count: count == 3, timeout=40)
    rows = world.db.rows("SELECT parent_author, parent_permlink, author, permlink, block, trx_id,"
                         " body, delivery_id FROM comments ORDER BY parent_permlink")
    assert [row[:3] for row in rows] == [("alice", f"question-{n}", "answer-bot")
                                         for n in range(3)]
    for row, (number, trx_id) in zip(rows, asked):
        assert trx_id in row[3] and row[7] >> 20 == number
        # The row names the block and the transaction in which the chain has the answer.
        there = [op for op in node.chain.block(row[4]).operations if op.trx_id == row[5]]
        assert len(there) == 1 and there[0].operation == "comment"
        assert row[3] in there[0].payload and row[6].strip()
    assert world.db.value("SELECT COUNT(*) FROM deliveries WHERE state <> 'done'") == 0
    assert world.db.value("SELECT COUNT(*) FROM deliveries") == 3
    node.still()
