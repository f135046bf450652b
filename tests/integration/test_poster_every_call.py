"""A poster dies, freezes or is cut off at every call to the database and at every request to a node.

Whatever it had signed or sent by then: another one goes on, and each row takes effect once, or failed
with none. In the usual run a slice of all pairs of a place and a way, by a seed that is printed:

    POSTER_CALLS_SEED=7 POSTER_CALLS=30 ...    these 30 again
    POSTER_CALLS=all ...                       all of them (make check-poster-calls)
"""

import os
import random
import re

import pytest

from harness import auditor, every_call, servers
from harness.poster import poster_program

RUNS = os.environ.get("POSTER_CALLS", "24")
BATCH = int(os.environ.get("POSTER_CALLS_AT_ONCE", "24"))
MOST = 30  # of one statement's calls: a poster that only waits asks again and again
# What matters most is among every share: a word of the place, and ways.
ALWAYS = {
    "broadcast_transaction": ("kill before", "kill after", "freeze after", "2013 after"),
    "COMMIT": ("kill before", "kill after", "2013 after", "freeze before"),
    "INSERT INTO signed_trxs": ("kill after", "1213 before"),
    "UPDATE signed_trxs SET outcome": ("kill after",),
}
MISSED_MOST = 0.2  # of the runs, whose place was not reached: two threads take turns as they like
pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    not poster_program() or not every_call.program() or not servers.available(),
    reason="no steem-poster, no tests/store/shim_poster or no database server here")]


@pytest.fixture(name="server", scope="module")
def server_for_many():
    with every_call.wide_server() as made:
        yield made


def folder_in(place, name):
    made = place / name
    made.mkdir()
    return made


def count_of(place):
    return int(place.split(" ", 2)[1])


def chosen(trace):
    """The pairs of this run."""
    pairs = [(place, way) for place in trace if count_of(place) <= MOST for way in every_call.ways_of(place)]
    seed = int(os.environ.get("POSTER_CALLS_SEED") or random.randrange(1 << 16))
    print(f"POSTER_CALLS_SEED={seed}, {len(pairs)} pairs of {len(trace)} places")
    dice = random.Random(seed)
    if RUNS == "all":
        dice.shuffle(pairs)  # so that those that take long are not all in one batch
        return pairs
    always = [dice.choice([pair for pair in pairs if word in pair[0] and pair[1] == way])
              for word, ways in ALWAYS.items() for way in ways]
    return (always + dice.sample(pairs, len(pairs)))[:int(RUNS)]


@pytest.mark.timeout_s(300 if RUNS.isdigit() and int(RUNS) <= BATCH else None)
def test_each_call_is_the_last_or_fails(server, tmp_path):
    trace = every_call.record(server, folder_in(tmp_path, "trace"))
    assert any(place.startswith("post") and "broadcast" in place for place in trace)
    pairs = chosen(trace)
    missed, counts = 0, {}
    for number in range(0, len(pairs), BATCH):
        batch = every_call.Batch(server, folder_in(tmp_path, str(number)), pairs[number:number + BATCH])
        for name, count in batch.run().items():
            counts[name] = counts.get(name, 0) + count
        missed += sum(not run.was_hit for run in batch.runs)
        print(f"{number + len(batch.runs)} runs, of which {missed} did not reach their place: {counts}",
              flush=True)
    assert missed <= MISSED_MOST * len(pairs)


# ---- posters with a fault are caught

# As if a transaction were dead a block after it was signed.
EARLY = ("FROM signed_trxs t\n JOIN senders s",
         "FROM (SELECT trx_id, account, comment_id, action_id, answer, error, ref_block, outcome,"
         " expiration - INTERVAL 110 SECOND AS expiration FROM signed_trxs) t\n JOIN senders s")
# As if the transactions of a dead poster were dead.
HASTY = ("UPDATE senders SET token = ?, poster = ?, lease_until = UTC_TIMESTAMP(6) + INTERVAL ? SECOND\n"
         "WHERE account = ?",
         "UPDATE senders LEFT JOIN actions a ON a.account = senders.account AND a.state = 'sent'"
         " LEFT JOIN signed_trxs t ON t.action_id = a.action_id AND t.outcome IS NULL"
         " SET a.state = 'pending', t.outcome = 'expired', token = ?, poster = ?,"
         " lease_until = UTC_TIMESTAMP(6) + INTERVAL ? SECOND WHERE senders.account = ?")
# The bytes are committed nowhere.
FORGETFUL = ("VALUES (?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6))",
             "SELECT ?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6) FROM DUAL WHERE 1 = 0")
FAULTY_S = 240  # of the chain
SENT = "post 3 condenser_api.broadcast_transaction"


@pytest.mark.parametrize("fault, place, finding", [
    (EARLY, "", "took effect 2 times|signed again on block"),
    (HASTY, SENT, "took effect 2 times"),
    (FORGETFUL, "", "which signed_trxs does not know"),
], ids=("early", "hasty", "forgetful"))
def test_a_poster_with_a_fault_is_caught(server, tmp_path, fault, place, finding):
    """The second fault shows only when a poster is killed."""
    batch = every_call.Batch(server, tmp_path, [(place, "kill after" if place else "")],
                             SHIM_REPLACE=" => ".join(fault))
    with pytest.raises(auditor.AuditError) as caught:
        batch.run_for(FAULTY_S)
    assert re.search(finding, str(caught.value)), str(caught.value)
