"""Every answer of a node fails once, in every way: in a start, a replay and a tail.

For the k-th answer of a node each fault of harness/faults.py, one a run; beside it stand two nodes
without faults (with one, nobody could tell which chain is meant when the database is empty). In the usual run a slice of all pairs, by a seed that is printed:

    EVERY_ANSWER_SEED=7 EVERY_ANSWER_RUNS=40 ...    these 40 again
    EVERY_ANSWER_RUNS=all ...                       all of them
"""

import concurrent.futures
import os
import random

import pytest

from harness import faults
from harness.chain import SyntheticChain
from harness.world import World

TURNS = range(1, 11)
AT_ONCE = 10
RUNS = os.environ.get("EVERY_ANSWER_RUNS", "44")
DETAILS = {
    "delay": {"seconds": 0.3}, "drip": {"seconds": 0.0005}, "huge": {"bytes": 1 << 20},
    "kill": {"seconds": 0.3},
    "status": {"code": 503}, "raw": {"body": b"no"}, "refuse_batch": {"above": 1},
    "result": {"text": '{"block_id":1}'}, "fork": {"chain": SyntheticChain("other")},
    "mangle": {"function": lambda raw: raw.replace(b'"', b"'")}, "stale": {"by": 20},
}
KINDS = sorted(faults.CONNECTION | faults.HTTP | faults.ENVELOPE | faults.ITEM)


def pairs():
    """Which fault at which turn, in this run."""
    everything = [(what, turn) for what in KINDS for turn in TURNS]
    if RUNS == "all":
        return everything
    seed = int(os.environ.get("EVERY_ANSWER_SEED") or random.randrange(1 << 16))
    print(f"EVERY_ANSWER_SEED={seed}")
    chosen = random.Random(seed)
    first = [(what, chosen.choice(TURNS)) for what in KINDS]  # each kind once, then others
    rest = [pair for pair in everything if pair not in first]
    return (first + chosen.sample(rest, max(int(RUNS) - len(first), 0)))[:int(RUNS)]


def one_run(world, what, turn):
    """Start, replay and tail with one bad answer; True where it came to be given."""
    try:
        world.migrate()
        bad, good, _ = (world.node(irreversible=60) for _ in range(3))
        fault = bad.fault(what, times=1, turn=turn, **DETAILS.get(what, {}))
        reader = world.start(fetch={"batch_size": 5, "connections": 2, "timeout_ms": 1000})
        reader.wait_for("tail_started", timeout=40)
        for _ in range(2):
            for node in world.nodes:
                node.advance(2)
            world.db.wait_blocks(good.irreversible, 40)
        fault.clear()
        world.allow_errors("node_excluded")
        world.expect(good.chain, (1, good.irreversible))
        world.finish()
        return fault.count > 0
    except Exception as error:
        raise AssertionError(f"{what} at answer {turn}: {error}\n{world.report()}") from error
    finally:
        world.close()


@pytest.mark.slow
@pytest.mark.timeout_s(None if RUNS == "all" else 150)
def test_each_answer_in_each_way(server, tmp_path):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        runs = []
        for number, (what, turn) in enumerate(pairs()):
            folder = tmp_path / str(number)
            folder.mkdir()
            runs.append(pool.submit(one_run, World(server, folder), what, turn))
        given = [run.result() for run in runs]
    print(f"{sum(given)} bad answers in {len(given)} runs")
    assert sum(given) > len(given) // 2
