"""Posters that start at the same moment share many accounts: each is served by one, and no row is signed twice."""

import pytest

from harness import effects
from harness.exposition import LISTEN, Endpoint
from harness.network import PEOPLE, Network
from harness.poster import Outbox, custom_json, poster_program

BLOCK_S = 0.3  # many transactions come at once
ACCOUNTS = [f"many-{number}" for number in range(40)]
HELD = "SELECT COUNT(*) FROM senders WHERE token IS NOT NULL AND lease_until > UTC_TIMESTAMP(6)"
WAITING = ("SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE()"
           " AND id <> CONNECTION_ID() AND command IN ('Query', 'Execute') AND time >= 1")

pytestmark = [pytest.mark.skipif(not poster_program(), reason="steem-poster is not built")]


@pytest.fixture(name="outbox")
def outbox_of_many(world):
    """With rows of all accounts."""
    made = Outbox(world)
    made.network = Network(people=(*PEOPLE, *ACCOUNTS))
    world.join(made.network)
    world.start(reader={"proof": "content"})
    for account in ACCOUNTS:
        made.ask(account, custom_json(account, "[]"))
    made.entries = [made.entry(account) for account in ACCOUNTS]
    made.network.live(BLOCK_S)
    yield made
    made.network.still()


@pytest.mark.parametrize("known", [True, False], ids=("known", "new"))
def test_two_that_start_together_share_the_accounts(outbox, known):
    """Both wait for a lock on the accounts, and go on when it is given back."""
    db = outbox.db
    if known:
        for account in ACCOUNTS[::2]:
            db.execute("INSERT INTO senders (account) VALUES (%s)", account)
    with outbox.world.connect() as holder, holder.cursor() as cursor:
        holder.begin()
        cursor.execute("INSERT INTO senders (account) VALUES (%s)", (ACCOUNTS[1],))
        posters = [outbox.start(entries=outbox.entries, name=name, metrics=LISTEN)
                   for name in ("first", "second")]
        db.wait_until(WAITING, lambda count: count == 2)
        holder.rollback()
    for poster in posters:
        poster.wait_for("accounts_opened")
    assert db.value(HELD) == len(ACCOUNTS)
    outbox.wait_all()
    told = [Endpoint.of(poster).metrics()["steem_poster_account_held"] for poster in posters]
    for account in ACCOUNTS:
        by = [held.value(account=account) for held in told]
        assert sum(by) == 1, (account, by)
        assert db.value("SELECT poster FROM senders WHERE account = %s", account) == \
            ("first", "second")[by.index(1)]
    db.wait_until("SELECT COUNT(*) FROM signed_trxs WHERE outcome IS NULL", lambda left: left == 0)
    outbox.network.still()
    effects.audit(db.connection, outbox.network, ACCOUNTS)
