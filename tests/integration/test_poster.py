"""steem-poster: what bots ask for is signed, sent, and confirmed from the chain."""

import pytest

from harness.network import Network
from harness.poster import Outbox, custom_json, transfer, vote
from harness.reader import program

BLOCK_S = 0.3


@pytest.fixture(name="outbox")
def outbox_of_a_world(world):
    """An outbox, a reader, and a network that makes a block every 0.3 s."""
    world.network = Network()
    world.join(world.network)
    made = Outbox(world)
    made.network = world.network
    world.network.live(BLOCK_S)
    made.reader = world.start(reader={"proof": "content"})
    yield made
    world.network.still()


def test_a_custom_json_is_signed_sent_and_confirmed(outbox):
    """From the row to the block, and back from the block to the row."""
    poster = outbox.start(entries=[outbox.entry("bot-one")])
    poster.wait_for("accounts_opened")
    row = outbox.custom("bot-one", '{"a":1}')
    outbox.wait_state(row, "confirmed")
    [(trx_id, outcome, answer, _)] = outbox.signed(row)
    assert outcome == "confirmed" and answer in ("accepted", "known")
    assert outbox.network.landed[trx_id] == outbox.db.value("SELECT block FROM actions")
