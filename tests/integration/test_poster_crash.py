"""Once in effect, short. `make soak-poster` is the long one; harness/soak_poster.py says what it does."""

import itertools

import pytest

from harness import auditor, effects, reader, received, servers, soak_poster
from harness.network import Network
from harness.poster import Outbox, custom_json, poster_program, transfer


@pytest.mark.slow
@pytest.mark.timeout_s(300)
@pytest.mark.parametrize("seed", [7])
def test_each_action_takes_effect_once_or_not_at_all(seed):
    if not servers.available() or reader.program() is None or poster_program() is None:
        pytest.skip("no MariaDB server, no steem-reader or no steem-poster here")
    print(soak_poster.soak(seed, actions=300))


def test_the_script_has_everything_and_follows_its_seed():
    def script(seed):
        return list(itertools.islice(soak_poster.plan(seed), 400))
    assert script(3) == script(3) != script(4)
    steps = [step for steps, _ in script(3) for step in steps]
    assert {kind for kind, _ in steps} == set(soak_poster.KINDS)
    assert {details["what"] for kind, details in steps if kind == "spoil_node"} == \
        set(soak_poster.BROADCAST_FAULTS)
    assert all(hasattr(soak_poster.Soak, kind) for kind in (*soak_poster.KINDS, *soak_poster.UNDO.values()))


def test_the_audit_catches_a_row_that_is_signed_again_while_its_old_bytes_may_come(world):
    """Somebody believes the refusal of a node that keeps the transaction to itself."""
    if poster_program() is None:
        pytest.skip("steem-poster is not built")
    network, outbox = Network(), Outbox(world)
    node = world.join(network)
    world.start().wait_for("tail_started")
    outbox.start(entries=[outbox.entry("bot-one", "active", allow=["transfer"])])
    hostile = node.fault("withheld", method="broadcast_transaction")
    row = outbox.ask("bot-one", transfer("bot-one", "alice"), authority="active")
    node.wait_for(lambda: node.count["withheld"] > 0)
    network.produce()  # another head is another expiration
    hostile.clear()
    world.db.execute("UPDATE signed_trxs SET outcome = 'expired'")
    world.db.execute("UPDATE actions SET state = 'pending'")
    network.wait_for(lambda: network.pool)
    network.live(0.1)
    outbox.wait_state(row, "confirmed")
    network.wait_for(lambda: network.now > max(one.now for one in network.received) + 120)
    world.db.wait_block(network.still() - network.lag)
    with pytest.raises(auditor.AuditError) as caught:
        effects.audit(world.db.connection, network, ["bot-one"])
    assert f"action {row} (bot-one key-1, confirmed) took effect 2 times" in str(caught.value)
    assert "signed again on block" in str(caught.value) and "was sent at" in str(caught.value)
    assert "is called expired, but it is in a block" in str(caught.value)


def test_what_is_sent_before_it_is_committed_is_noticed(server, tmp_path):
    run = soak_poster.Soak(server, tmp_path, seed=1, actions=1)
    try:
        run.world.migrate()
        run.network.witness = run.look
        run.network.submit(custom_json("stranger-1", "{}"), by="stranger-1")
        run.look_after()
        trx = run.network.build(custom_json("bot-one", "{}"), by="bot-one")
        run.world.db.execute(
            "INSERT INTO signed_trxs (trx_id, account, signed_trx, ref_block, expiration, created_at)"
            " VALUES (%s, 'bot-one', '', 1, '2016-03-24 16:00:00', UTC_TIMESTAMP(6))",
            received.Transaction(trx, run.network.values).trx_id)
        run.network.accept(trx)
        run.look_after()
        assert run.seen_signed == 1
        run.network.submit(custom_json("bot-one", "[]"), by="bot-one")
        with pytest.raises(AssertionError, match="sent and not in signed_trxs"):
            run.look_after()
    finally:
        run.close()
