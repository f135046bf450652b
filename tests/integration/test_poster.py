"""steem-poster: what bots ask for is signed, sent, and confirmed from the chain.

The chain's clock is the only one that counts: its blocks come every tenth of a second, and each is three
seconds after the one before it.
"""

import contextlib
import json
import pathlib
import random
import re
import signal
import types

import pytest

from harness import effects, wallet
from harness.checking import HOSTILE
from harness.network import Network, seconds
from harness.poster import Outbox, custom_json, transfer, vote
from harness.reader import is_sanitized
from harness.refusal import Refusal

BLOCK_S = 0.1
BROADCAST = "broadcast_transaction"


@pytest.fixture(name="outbox")
def outbox_of_a_world(world):
    """An outbox, a reader, and a network of one node."""
    made = Outbox(world)
    made.network = Network()
    made.node = world.join(made.network)
    made.reader_sections = {"reader": {"proof": "content"}}
    made.reader = world.start(**made.reader_sections)
    made.network.live(BLOCK_S)
    yield made
    made.network.still()


def audit(outbox, *accounts, **more):
    """Once in effect, bytes as they were signed, pace kept: read from the chain."""
    with contextlib.closing(outbox.world.connect()) as connection:
        return effects.audit(connection, outbox.network, set(accounts), **more)


def begin(outbox, *entries, **options):
    poster = outbox.start(entries=entries, **options)
    poster.wait_for("node_used")
    return poster


# ---- what it does

def test_each_kind_of_action_is_confirmed(outbox):
    """Comments with options, votes, transfers, custom operations, several operations at once."""
    begin(outbox, outbox.entry("bot-one"),
          outbox.entry("bot-one", "active", allow=["transfer", "transfer_to_vesting"]),
          outbox.entry("answer-bot"))
    options = {"max_accepted_payout": "10.000 SBD", "percent_steem_dollars": 0, "allow_votes": True,
               "allow_curation_rewards": True,
               "extensions": [[0, {"beneficiaries": [{"account": "bob", "weight": 500}]}]]}
    outbox.comment("answer-bot", "re-question", 'Quotes ", tabs \t, lines\nand 日本語 \\',
                   metadata='{"app":"x/1"}', options=json.dumps(options))
    outbox.comment("answer-bot", "a-root-post", "text", parent=("", "test"), title="Titel")
    outbox.custom("bot-one")
    outbox.ask("bot-one", vote("bot-one"))
    outbox.ask("bot-one", transfer("bot-one", "alice", memo="thänks"), authority="active")
    outbox.ask("bot-one", custom_json("bot-one", "[1]"), custom_json("bot-one", "[2]"))
    outbox.ask("bot-one", ("claim_reward_balance", {
        "account": "bot-one", "reward_steem": "0.000 STEEM", "reward_sbd": "0.001 SBD",
        "reward_vests": "0.000001 VESTS"}))
    outbox.wait_all()
    outbox.wait_all(table="comments")
    # A comment may be recognised by its permlink a moment before its transaction is.
    outbox.db.wait_until("SELECT COUNT(*) FROM signed_trxs WHERE outcome = 'confirmed'",
                         lambda count: count == 7)
    audit(outbox, "bot-one", "answer-bot", settled=True)


def test_it_signs_soon_after_the_row_is_committed(outbox):
    """From the commit of the row to the first send, mostly far below 200 ms."""
    begin(outbox, outbox.entry("bot-one"))
    sent = []
    outbox.network.witness = sent.append
    for _ in range(5):
        before = len(sent)
        outbox.custom()
        outbox.network.wait_for(lambda count=before: len(sent) > count)
        outbox.network.wait_for(lambda head=outbox.network.head: outbox.network.head > head + 1)
    times = outbox.db.rows("SELECT TIMESTAMPDIFF(MICROSECOND, a.created_at, t.created_at) / 1000"
                           " FROM actions a JOIN signed_trxs t ON t.action_id = a.action_id")
    assert sorted(float(took) for took, in times)[2] < 500, times


def test_the_pace_of_the_chain_is_kept(outbox):
    """Ten votes, ten replies and thirty custom operations of one account, and nobody says "too soon"
    for long."""
    begin(outbox, outbox.entry("bot-one"))
    for place in range(6):
        outbox.ask("bot-one", vote("bot-one", weight=100 + place))
        outbox.comment("bot-one", f"re-{place}")
    for _ in range(20):
        outbox.custom("bot-one")
    outbox.wait_all()
    outbox.wait_all(table="comments")
    audit(outbox, "bot-one", settled=True)


def test_priority_comes_before_age(outbox):
    outbox.ask("bot-one", vote("bot-one", weight=100))
    outbox.ask("bot-one", vote("bot-one", weight=200))
    first = outbox.ask("bot-one", vote("bot-one", weight=300), priority=5)
    begin(outbox, outbox.entry("bot-one"))
    outbox.wait_all()
    assert outbox.db.value("SELECT action_id FROM signed_trxs ORDER BY created_at LIMIT 1") == first


def test_two_rows_with_the_same_operations_are_two_transactions(outbox):
    """The id of a transaction follows from its operations, so they need different expirations."""
    for _ in range(3):
        outbox.custom(text='{"same":true}')
    begin(outbox, outbox.entry("bot-one"))
    outbox.wait_all()
    assert outbox.db.value("SELECT COUNT(DISTINCT trx_id) FROM signed_trxs") == 3
    audit(outbox, "bot-one", settled=True)


# ---- what may go wrong

def test_bytes_that_were_committed_are_sent_by_the_next_poster(outbox):
    """kill -9 between the commit and the end of the send."""
    first = begin(outbox, outbox.entry("bot-one"))
    hang = outbox.node.fault("hang", method=BROADCAST)
    row = outbox.custom()
    outbox.db.wait_until("SELECT COUNT(*) FROM signed_trxs", bool)
    first.kill()
    hang.clear()
    hang.release()
    outbox.db.execute("UPDATE senders SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 6 SECOND")
    second = begin(outbox, outbox.entry("bot-one"), name="second")
    second.wait_for("trxs_taken_up")
    outbox.wait_state(row, "confirmed")
    audit(outbox, "bot-one", settled=True)


def test_a_lost_answer_leads_to_the_same_bytes_again(outbox):
    """The node took it, and nobody heard of it."""
    begin(outbox, outbox.entry("bot-one"))
    outbox.node.fault("lost_answer", method=BROADCAST, times=2)
    row = outbox.custom()
    outbox.wait_state(row, "confirmed")
    [(trx_id, _, answer, _)] = outbox.signed(row)
    assert outbox.db.value("SELECT is_ambiguous FROM signed_trxs WHERE trx_id = %s", trx_id) == 1
    assert answer in ("known", None)
    assert len({receipt.data for receipt in outbox.network.received}) == 1
    audit(outbox, "bot-one", settled=True)


@pytest.mark.parametrize("fault, details", [
    ("vanish", {"blocks": 1}), ("repeated", {}), ("refused_but_sent", {"refusal": HOSTILE}),
    ("status", {"code": 502}), ("html", {}), ("empty", {}), ("late_answer", {"seconds": 0.5})])
def test_no_answer_makes_it_twice(outbox, fault, details):
    """Whatever a node says or does not say at first, each row takes effect once, or it failed."""
    begin(outbox, outbox.entry("bot-one"))
    outbox.node.fault(fault, method=BROADCAST, times=2, **details)
    rows = [outbox.custom() for _ in range(3)]
    outbox.db.wait_until("SELECT COUNT(*) FROM actions WHERE state NOT IN ('confirmed', 'failed')",
                         lambda left: left == 0, 40)
    audit(outbox, "bot-one", settled=True)
    if fault not in ("refused_but_sent",):
        assert all(outbox.state(row) == "confirmed" for row in rows)


@pytest.mark.slow
def test_it_is_signed_again_only_when_the_old_bytes_are_dead(outbox):
    """The node accepts, and forgets."""
    poster = begin(outbox, outbox.entry("bot-one"))
    outbox.node.fault("vanish", method=BROADCAST, times=1, blocks=100)
    row = outbox.custom()
    poster.wait_for("trx_expired", timeout=40)
    first = outbox.db.rows("SELECT ref_block, expiration FROM signed_trxs ORDER BY created_at"
                           " LIMIT 1")[0]
    newest = outbox.db.value("SELECT timestamp FROM blocks WHERE is_irreversible = 1"
                             " ORDER BY block DESC LIMIT 1")
    assert newest > first[1]
    outbox.wait_state(row, "confirmed", timeout=60)
    audit(outbox, "bot-one", settled=True)


@pytest.mark.slow
def test_a_gap_in_the_blocks_keeps_a_transaction_alive(outbox):
    """The missing block might hold it."""
    poster = begin(outbox, outbox.entry("bot-one"))
    outbox.node.fault("withheld", method=BROADCAST, times=None,
                      refusal=Refusal("transaction_tapos_exception", ""))
    row = outbox.custom()
    reference = outbox.db.wait_until("SELECT MAX(ref_block) FROM signed_trxs", bool)
    outbox.reader.stop()
    expiration = seconds(outbox.db.value("SELECT expiration FROM signed_trxs").isoformat())
    outbox.network.wait_for(lambda: outbox.network.now > expiration + 60)
    # A reader comes back, but one block is missing; the table has the ones before and behind it.
    outbox.world.run("--once", **outbox.reader_sections)
    landed = next(iter(outbox.network.landed.values()))
    assert landed > reference
    outbox.wait_state(row, "confirmed")
    assert not poster.events("trx_expired")
    audit(outbox, "bot-one", settled=True)


def test_a_missing_block_delays_the_death(outbox):
    """Without a gap from the reference block on, says the promise."""
    poster = begin(outbox, outbox.entry("bot-one"))
    outbox.node.fault("refused", method=BROADCAST, refusal=HOSTILE)
    row = outbox.custom()
    poster.wait_for("trx_refused")
    reference = outbox.db.value("SELECT ref_block FROM signed_trxs")
    expiration = outbox.db.value("SELECT expiration FROM signed_trxs")
    outbox.db.wait_until("SELECT COUNT(*) FROM blocks WHERE block = %s", bool, args=(reference + 3,))
    outbox.reader.freeze()
    torn = outbox.db.rows("SELECT * FROM blocks WHERE block = %s", reference + 3)[0]
    outbox.world.forget_blocks(reference + 3)
    outbox.reader.thaw()
    # The reader fills it when it looks again; until then nobody may call the transaction dead.
    outbox.wait_state(row, "failed", timeout=60)
    assert outbox.db.value("SELECT COUNT(*) FROM blocks WHERE block = %s", reference + 3) == 1
    assert torn and expiration
    assert "sufficient funds" in outbox.error(row)


REFUSALS = {
    "final": (Refusal("assert_exception", "Account does not have sufficient funds for transfer."),
              "failed"),
    "key": (Refusal("tx_missing_posting_auth", "Missing Posting Authority bot-one"), "pending"),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(REFUSALS))
def test_what_a_refusal_leads_to(outbox, kind):
    """The row is decided only when the transaction is dead."""
    refusal, end = REFUSALS[kind]
    outbox.world.allow_errors("sender_paused")
    poster = begin(outbox, outbox.entry("bot-one"))
    outbox.node.fault("refused", method=BROADCAST, refusal=refusal)
    row = outbox.custom()
    poster.wait_for("trx_refused")
    assert outbox.state(row) == "sent"
    outbox.wait_state(row, end, timeout=60)
    assert outbox.signed(row)[0][1:3] == ("expired", kind)
    if kind == "key":
        assert outbox.db.value("SELECT pause_reason FROM senders WHERE paused_at IS NOT NULL")
        assert poster.events("sender_paused")


def test_a_paused_account_signs_nothing_until_it_is_resumed(outbox):
    begin(outbox, outbox.entry("bot-one"), outbox.entry("bot-two"))
    outbox.db.execute("UPDATE senders SET paused_at = UTC_TIMESTAMP(6), pause_reason = 'by hand'"
                      " WHERE account = 'bot-one'")
    paused = outbox.custom("bot-one")
    other = outbox.custom("bot-two")
    outbox.wait_state(other, "confirmed")
    assert outbox.state(paused) == "pending" and not outbox.signed(paused)
    outbox.db.execute("UPDATE senders SET paused_at = NULL, pause_reason = NULL")
    outbox.wait_state(paused, "confirmed")


def test_an_account_without_resources_rests(outbox):
    """The same bytes go on; nothing new is signed."""
    poster = begin(outbox, outbox.entry("bot-one"))
    outbox.network.exhausted["bot-one"] = 10 ** 9
    first = outbox.custom()
    poster.wait_for("sender_resting")
    second = outbox.custom()
    assert outbox.db.value("SELECT rest_s FROM senders") == 60
    outbox.db.wait_until("SELECT answer FROM signed_trxs", lambda answer: answer == "resources")
    assert outbox.state(second) == "pending" and outbox.state(first) in ("sent", "pending")
    # The next rest is longer; an accepted transaction ends all of it.
    outbox.network.exhausted.clear()
    outbox.db.execute("UPDATE senders SET rests_until = UTC_TIMESTAMP(6)")
    outbox.wait_all()
    outbox.db.wait_until("SELECT rest_s FROM senders", lambda rest: rest == 0)
    audit(outbox, "bot-one", settled=True)


@pytest.mark.slow
def test_a_second_poster_takes_over_when_the_first_one_dies(outbox):
    """One at a time holds an account; its lease is fifteen seconds."""
    first = begin(outbox, outbox.entry("bot-one"), name="first")
    second = begin(outbox, outbox.entry("bot-one"), name="second")
    row = outbox.custom()
    outbox.wait_state(row, "confirmed")
    assert outbox.db.value("SELECT poster FROM senders") == "first"
    first.kill()
    other = outbox.custom()
    outbox.wait_state(other, "confirmed", timeout=40)
    assert outbox.db.value("SELECT poster FROM senders") == "second"
    second.stop()
    assert outbox.db.value("SELECT token FROM senders") is None
    audit(outbox, "bot-one", settled=True)


def test_leases_are_renewed_in_time_after_a_slow_start(outbox):
    """The poster looks after its accounts less often when that takes long, but its leases do not run out."""
    outbox.db.execute("CREATE TRIGGER slow BEFORE UPDATE ON senders FOR EACH ROW DO SLEEP(4)")
    outbox.start(entries=[outbox.entry("bot-one")]).wait_for("accounts_opened")
    outbox.db.execute("DROP TRIGGER slow")
    first = outbox.db.value("SELECT lease_until FROM senders")
    outbox.db.wait_until("SELECT lease_until FROM senders", lambda lease: lease > first, 9)


@pytest.mark.slow
def test_a_frozen_poster_wakes_up_and_does_no_harm(outbox):
    """Both believe that they hold the account: the row itself decides."""
    first = begin(outbox, outbox.entry("bot-one"), name="first")
    rows = [outbox.custom() for _ in range(3)]
    outbox.db.wait_until("SELECT COUNT(*) FROM signed_trxs", bool)
    first.freeze()
    rows += [outbox.custom() for _ in range(12)]
    outbox.db.execute("UPDATE senders SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 6 SECOND")
    begin(outbox, outbox.entry("bot-one"), name="second")
    outbox.db.wait_until("SELECT poster FROM senders", lambda poster: poster == "second")
    first.thaw()
    outbox.wait_all()
    assert len(rows) == 15
    audit(outbox, "bot-one", settled=True)


def test_a_node_of_another_chain_gets_nothing(outbox):
    outbox.world.allow_errors("node_other_chain")
    other = Network(label="other")
    stranger = outbox.world.join(other)
    other.live(BLOCK_S)
    poster = outbox.start(entries=[outbox.entry("bot-one")])
    poster.wait_for("node_other_chain")
    row = outbox.custom()
    outbox.wait_state(row, "confirmed")
    other.still()
    assert not other.received and stranger.count["accepted"] == 0


def test_a_node_may_have_a_long_name(outbox):
    """Longer than the column that says where something was sent last."""
    url = f"{outbox.node.url}/{'x' * 400}"
    path = outbox.config(outbox.entry("bot-one"), nodes=[types.SimpleNamespace(url=url)])
    outbox.start(config=path).wait_for("node_used")
    outbox.wait_state(outbox.custom(), "confirmed")
    outbox.db.wait_until("SELECT LENGTH(last_node) FROM signed_trxs", lambda length: length == 255)


def test_a_node_that_is_behind_gets_nothing(outbox):
    behind = outbox.world.join(outbox.network, behind=14)
    begin(outbox, outbox.entry("bot-one"))
    for _ in range(3):
        outbox.custom()
    outbox.wait_all()
    assert behind.count["accepted"] == 0


FAULTS = {"lost_answer": 0.15, "vanish": 0.1, "repeated": 0.2, "withheld": 0.1, "refused_but_sent": 0.1,
          "status": 0.1, "html": 0.1}


@pytest.mark.slow
@pytest.mark.timeout_s(180)
@pytest.mark.parametrize("seed", [1, 2])
def test_each_row_takes_effect_once_whatever_dies(outbox, seed):
    """Two posters for three accounts, killed again and again; nodes that lose, forget and lie."""
    dice = random.Random(seed)
    outbox.world.join(outbox.network, shape="old")
    for place, node in enumerate(outbox.world.nodes):
        for what, chance in FAULTS.items():
            node.fault(what, method=BROADCAST, chance=chance, seed=seed + place, code=502)
    accounts = ("bot-one", "bot-two", "answer-bot")
    entries = [outbox.entry(name) for name in accounts] + [
        outbox.entry(name, "active", allow=["transfer"]) for name in accounts]
    posters = {name: outbox.start(entries=entries, name=name) for name in ("first", "second")}
    for turn in range(6):
        signed = outbox.db.value("SELECT COUNT(*) FROM signed_trxs")
        for place in range(5):
            name = dice.choice(accounts)
            ident = f"{turn}-{place}"
            dice.choice([
                lambda: outbox.custom(name),
                lambda: outbox.ask(name, vote(name, weight=1 + dice.randrange(9999))),
                lambda: outbox.ask(name, transfer(name, "alice", memo=ident), authority="active"),
                lambda: outbox.comment(name, f"re-{ident}")])()
        outbox.db.wait_until("SELECT COUNT(*) FROM signed_trxs", lambda count: count > signed)
        name = dice.choice(sorted(posters))
        posters[name].kill()
        outbox.db.execute("UPDATE senders SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 6 SECOND"
                          " WHERE poster = %s", name)
        posters[name] = outbox.start(entries=entries, name=name)
    for table in ("actions", "comments"):
        outbox.db.wait_until(f"SELECT COUNT(*) FROM {table} WHERE state NOT IN ('confirmed', 'failed')",
                             lambda left: left == 0, 120)
    outbox.db.wait_until("SELECT COUNT(*) FROM signed_trxs WHERE outcome IS NULL",
                         lambda left: left == 0, 60)
    counts = audit(outbox, *accounts, settled=True)
    assert outbox.db.value("SELECT COUNT(*) FROM signed_trxs WHERE outcome = 'confirmed'") > 15, counts


TOO_SOON = Refusal("assert_exception", "You may only comment once every 3 seconds.",
                   "(now - auth.last_post) >= STEEM_MIN_REPLY_INTERVAL_HF20", method="do_apply")


def test_too_soon_is_sent_again_in_the_next_slot(outbox):
    """The same bytes, three seconds later; the row is signed once."""
    begin(outbox, outbox.entry("bot-one"))
    outbox.network.still()
    fault = outbox.node.fault("refused", method=BROADCAST, times=1, refusal=TOO_SOON)
    row = outbox.comment("bot-one", "re-question")
    outbox.db.wait_until("SELECT answer FROM signed_trxs", lambda answer: answer == "too_soon")
    outbox.db.wait_until("SELECT sends FROM signed_trxs", lambda sends: sends == 2)
    assert fault.count == 1 and len({receipt.data for receipt in outbox.network.received}) == 1
    waited = outbox.network.received[1].at - outbox.network.received[0].at
    assert 2.9 < waited < 10
    outbox.network.live(BLOCK_S)
    outbox.wait_state(row, "confirmed", "comments")
    # A comment may be confirmed a moment before its transaction is.
    outbox.db.wait_until("SELECT outcome FROM signed_trxs", lambda outcome: outcome == "confirmed")
    assert outbox.db.rows("SELECT attempts, error FROM comments") == ((1, None),)
    audit(outbox, "bot-one", settled=True)


@pytest.mark.slow
def test_too_soon_costs_nothing_but_the_wait(outbox):
    """Ten signatures are the most, but those that only came too soon do not count."""
    poster = begin(outbox, outbox.entry("bot-one"))
    outbox.network.still()
    fault = outbox.node.fault("refused", method=BROADCAST, refusal=TOO_SOON)
    row = outbox.custom()
    outbox.db.wait_until("SELECT answer FROM signed_trxs", lambda answer: answer == "too_soon")
    outbox.db.execute("UPDATE actions SET attempts = 10")
    outbox.network.live(BLOCK_S)
    poster.wait_for("trx_expired", timeout=40)
    # Nor do they count later, when one dies for another reason.
    fault.clear()
    outbox.node.fault("vanish", method=BROADCAST, times=1, blocks=100)
    poster.wait_for("trx_expired", timeout=60, count=2)
    outbox.wait_state(row, "confirmed", timeout=60)
    assert outbox.db.value("SELECT attempts FROM actions") > 10
    audit(outbox, "bot-one", settled=True)


def test_what_a_node_says_of_itself_replaces_no_answer(outbox):
    """It took the transaction; later it is behind."""
    begin(outbox, outbox.entry("bot-one"))
    outbox.network.still()
    outbox.node.fault("vanish", method=BROADCAST, times=1, blocks=100)
    outbox.custom()
    outbox.db.wait_until("SELECT answer FROM signed_trxs", lambda answer: answer == "accepted")
    outbox.node.fault("refused", method=BROADCAST, refusal=Refusal("transaction_tapos_exception", ""))
    outbox.db.wait_until("SELECT sends FROM signed_trxs", lambda sends: sends >= 2)
    assert outbox.db.rows("SELECT answer, error FROM signed_trxs") == (("accepted", None),)


# ---- what it does not send

@pytest.mark.parametrize("entry, ops, why", [
    ({"authority": "posting", "allow": ["vote"]}, [custom_json("bot-one", "[]")], "allow list"),
    ({"authority": "active", "allow": ["transfer"], "only_to": ["bob"]},
     [transfer("bot-one", "alice")], "only_to"),
    ({"authority": "active", "allow": ["transfer"], "max_amount_per_day": ["1.500 STEEM"]},
     [transfer("bot-one", "alice", "2.000 STEEM")], "max_amount_per_day"),
    ({"authority": "active", "allow": ["transfer"], "max_amount_per_day": ["1.500 STEEM"]},
     [transfer("bot-one", "alice", "0.001 SBD")], "max_amount_per_day"),
    ({"authority": "posting"}, [transfer("bot-one", "alice")], "no active key"),
])
def test_what_passes_a_limit_is_held(outbox, entry, ops, why):
    poster = begin(outbox, outbox.entry("bot-one", **entry))
    row = outbox.ask("bot-one", *ops, authority="active" if ops[0][0] == "transfer" else "posting")
    outbox.wait_state(row, "held")
    assert why in outbox.error(row), outbox.error(row)
    assert poster.wait_for("row_held") and not outbox.signed(row)


def test_the_limits_of_a_day_add_up(outbox):
    """The third transfer is above the sum, the fourth is not; three transactions are the most."""
    begin(outbox, outbox.entry("bot-one", "active", allow=["transfer"], max_per_day=3,
                               max_amount_per_day=["3.000 STEEM"]))
    amounts = ["1.000 STEEM", "1.000 STEEM", "1.500 STEEM", "1.000 STEEM", "0.001 STEEM"]
    rows = [outbox.ask("bot-one", transfer("bot-one", "alice", amount, str(n)), authority="active")
            for n, amount in enumerate(amounts)]
    outbox.db.wait_until("SELECT COUNT(*) FROM actions WHERE state IN ('pending', 'sent')",
                         lambda left: left == 0, 40)
    assert [outbox.state(row) for row in rows] == ["confirmed", "confirmed", "held", "confirmed",
                                                   "held"]
    assert "max_per_day" in outbox.error(rows[4])
    assert outbox.db.rows("SELECT count_today, steem_today FROM senders") == ((3, 3000),)


@pytest.mark.parametrize("ops, why", [
    ([custom_json("alice", "[]")], "signature of alice"),
    ([("vote", {"voter": "bot-one"})], "vote"),
    ([vote("bot-one"), vote("bot-one", weight=1)], "one vote"),
    ([("producer_reward", {"producer": "bot-one", "vesting_shares": "1.000000 VESTS"})], "virtual"),
])
def test_what_cannot_be_signed_fails_with_a_reason(outbox, ops, why):
    begin(outbox, outbox.entry("bot-one"))
    row = outbox.ask("bot-one", *ops)
    outbox.wait_state(row, "failed")
    assert why in outbox.error(row), outbox.error(row)
    assert not outbox.signed(row)


def beneficiaries(count):
    return [[0, {"beneficiaries": [{"account": f"bob{n}", "weight": 1} for n in range(count)]}]]


def raw(name, text):
    """The text of an operation with these members; json.dumps() writes no member twice."""
    return f'[["{name}",{{{text}}}]]'


VOTE_HEAD = '"voter":"bot-one","author":"alice","permlink":"question"'
OPTIONS = {"author": "bot-one", "permlink": "p", "max_accepted_payout": "1.000 SBD",
           "percent_steem_dollars": 0, "allow_votes": True, "allow_curation_rewards": True}
# What the procedures refuse, or do not see, written by hand: the text of the operations, and why it fails.
BYPASSED = [
    ("", "array of pairs"), ("[", "cannot be read"), ("{}", "array of pairs"), ("[]", "no operation"),
    ("[[]]", "array of pairs"), ('[["vote"]]', "array of pairs"), ("\x00", "cannot be read|array"),
    (raw("vote", VOTE_HEAD + ',"weight":1,"weight":2'), 'the member "weight" stands there twice'),
    (raw("vote", '"voter":"alice",' + VOTE_HEAD + ',"weight":1'), 'the member "voter" stands there twice'),
    (raw("vote", VOTE_HEAD + ',"weight":1.5'), "weight: 1.5 is no whole number"),
    (raw("vote", VOTE_HEAD + ',"weight":10001'), "10001 is not between -10000 and 10000"),
    (raw("vote", VOTE_HEAD + ',"weight":1,"memo":""'), "not known"),
    (raw("vote", VOTE_HEAD.replace("alice", "Alice") + ',"weight":1'), "no account name"),
    (raw("vote", VOTE_HEAD.replace("alice", "") + ',"weight":1'), "author: it is empty"),
    (raw("vote", VOTE_HEAD.replace("question", "q" * 256) + ',"weight":1'), "it has 256 bytes"),
    ([transfer("bot-one", "alice", "0.000 STEEM")], "above zero"),
    ([transfer("bot-one", "alice", "1.000000 VESTS")], "VESTS cannot stand there"),
    ([transfer("bot-one", "alice", "-1.000 STEEM")], "no amount"),
    ([transfer("bot-one", "alice", memo="é" * 1024)], "memo: it has 2048 bytes"),
    ([transfer("bot-one", "alice", memo="\x01")], "control character"),
    ([custom_json("bot-one", "{")], "json: it is no JSON"),
    ([custom_json("bot-one", "{}\n")], "json: it is no JSON"),
    ([custom_json("bot-one", json.dumps("x" * 8191))], "at most 8192"),
    ([custom_json("bot-one", "{}", ident="x" * 33)], "longer than 32 bytes"),
    ([("comment_options", {**OPTIONS, "extensions": beneficiaries(9)})], "at most 8"),
    ([("comment_options", {**OPTIONS, "extensions": beneficiaries(0)})], "beneficiaries: it is empty"),
    ([("comment_options", {**OPTIONS, "extensions": [[0, {"beneficiaries": [
        {"account": "bob", "weight": 9000}, {"account": "carol", "weight": 1001}]}]]})], "10001 together"),
    ([("comment_options", {**OPTIONS, "extensions": [[0, {"beneficiaries": [
        {"account": "carol", "weight": 1}, {"account": "bob", "weight": 1}]}]]})], "must stand before"),
    ([("claim_reward_balance", {"account": "bot-one", "reward_steem": "0.000 STEEM",
                                "reward_sbd": "0.000 SBD", "reward_vests": "0.000000 VESTS"})], "above zero"),
    ([("custom_binary", {"required_owner_auths": [], "required_active_auths": [], "required_auths": [],
                         "required_posting_auths": ["bot-one"], "id": "x", "data": ""})], "no more"),
    (" " * 2_000_000 + raw("vote", VOTE_HEAD + ',"weight":1'), "bytes of text"),
]
BYPASSED_COMMENTS = [
    ({"permlink": "A_b"}, "lower-case"), ({"permlink": ""}, "permlink: it is empty"),
    ({"permlink": "p" * 256}, "it has 256 bytes"), ({"parent": ("Alice", "question")}, "no account name"),
    ({"parent": ("alice", "")}, "parent_permlink: it is empty"), ({"title": "é" * 128}, "it has 256 bytes"),
    ({"body": ""}, "body: it is empty"), ({"body": "a\x00b"}, "zero byte"), ({"body": "\x1b"}, "control char"),
    ({"body": "x" * 65300}, "a node takes at most"), ({"body": "x" * 3_000_000}, "a node takes at most|larger"),
    ({"metadata": "{"}, "json_metadata: it is no JSON"), ({"metadata": "{}\n"}, "json_metadata: it is no"),
    ({"options": "[]"}, "no JSON object"), ({"options": ""}, "no JSON object"),
    ({"options": '{"percent_steem_dollars":0,"percent_steem_dollars":1}'}, "stands there twice"),
    ({"options": '{"author":"alice"}'}, "stands there twice"), ({"options": '{"x":1}'}, "not known"),
    ({"options": '{"percent_steem_dollars":10001}'}, "10001 is not between"),
    ({"options": '{"max_accepted_payout":"1.000 STEEM"}'}, "STEEM cannot stand there"),
    ({"options": '{"allow_votes":false}'}, "only true can be sent"),
    ({"options": "{}" + " " * 70_000 + "x"}, "larger than a transaction"),
]


def by_hand(outbox, entry):
    return outbox.text("bot-one", entry) if isinstance(entry, str) else outbox.ask("bot-one", *entry)


def test_what_came_past_the_door_is_not_signed(outbox):
    """Rows of an operator, or of an older version: each fails with its reason, and holds up no other."""
    rows = [(by_hand(outbox, entry), why) for entry, why in BYPASSED]
    comments = [(outbox.comment("bot-one", **{"permlink": f"re-{n}", **wrong}), why)
                for n, (wrong, why) in enumerate(BYPASSED_COMMENTS)]
    stranger = outbox.custom("No.One")
    begin(outbox, outbox.entry("bot-one"), outbox.entry("bot-one", "active", allow=["transfer"]))
    good = [outbox.custom(), outbox.ask("bot-one", vote("bot-one"))]
    outbox.comment("bot-one", "re-good")
    outbox.db.wait_until("SELECT COUNT(*) FROM actions WHERE state IN ('pending', 'sent') AND account = 'bot-one'",
                         lambda left: left == 0, 40)
    outbox.db.wait_until("SELECT COUNT(*) FROM comments WHERE state IN ('pending', 'sent')",
                         lambda left: left == 0, 40)
    wrong = [(text, outbox.state(row, table), outbox.error(row, table)) for table, made in
             (("actions", rows), ("comments", comments)) for row, text in made
             if outbox.state(row, table) != "failed" or not re.search(text, outbox.error(row, table))]
    assert not wrong, wrong
    assert [outbox.state(row) for row in good] == ["confirmed"] * 2 and outbox.state(stranger) == "pending"
    assert outbox.db.value("SELECT COUNT(*) FROM signed_trxs") == 3
    outbox.db.wait_until("SELECT COUNT(*) FROM signed_trxs WHERE outcome IS NULL", lambda left: left == 0)
    for table in ("actions", "comments"):  # audit() cannot read what is no JSON
        outbox.db.execute(f"DELETE FROM {table} WHERE state IN ('failed', 'pending')")
    audit(outbox, "bot-one", settled=True)


def spaced(name, body):
    """A way to write operations that is as good as any other."""
    return f' [\n [ "{name}" ,\t{json.dumps(body)} ] ]'


@pytest.mark.parametrize("kind", ["vote", "custom_json", "comment"])
def test_what_waits_for_its_pace_holds_up_nothing_else(outbox, kind):
    """However the operations are written. The head stands still, so the pace lets no second one pass."""
    outbox.network.still()
    for n in range(60):
        body = {"vote": vote("bot-one", weight=n + 1)[1], "custom_json": custom_json("bot-one", f"[{n}]")[1],
                "comment": {"parent_author": "alice", "parent_permlink": "question", "author": "bot-one",
                            "permlink": f"re-{n}", "title": "", "body": "b", "json_metadata": ""}}[kind]
        outbox.text("bot-one", spaced(kind, body))
    others = [outbox.ask("bot-one", ("claim_reward_balance", {
        "account": "bot-one", "reward_steem": "0.001 STEEM", "reward_sbd": "0.000 SBD",
        "reward_vests": "0.000000 VESTS"}))]
    others.append(outbox.custom() if kind == "vote" else outbox.ask("bot-one", vote("bot-one")))
    begin(outbox, outbox.entry("bot-one"))
    for row in others:
        outbox.db.wait_until("SELECT COUNT(*) FROM signed_trxs WHERE action_id = %s", bool, args=(row,))
    most = 5 if kind == "custom_json" else 1
    assert outbox.db.value("SELECT COUNT(*) FROM signed_trxs WHERE action_id <= 60") == most
    outbox.network.live(BLOCK_S)
    outbox.wait_state(others[0], "confirmed")


def test_only_what_can_be_signed_is_read(outbox):
    """A row that fails as soon as it is read stands where no more custom operations can be signed."""
    outbox.network.still()
    for _ in range(20):
        outbox.custom()
    bad = outbox.ask("bot-one", custom_json("bot-one", "{"))
    begin(outbox, outbox.entry("bot-one"))
    later = outbox.ask("bot-one", vote("bot-one"))
    outbox.db.wait_until("SELECT COUNT(*) FROM signed_trxs WHERE action_id = %s", bool, args=(later,))
    assert outbox.db.value("SELECT COUNT(*) FROM signed_trxs") == 6
    assert outbox.state(bad) == "pending"
    outbox.network.live(BLOCK_S)
    outbox.wait_state(bad, "failed")


def test_an_edit_has_the_pace_of_edits_where_the_outbox_knows_it(outbox):
    """A root post is published; its edit does not wait five minutes, as another post does."""
    begin(outbox, outbox.entry("bot-one"))
    first = outbox.comment("bot-one", "a-post", parent=("", "test"), title="t")
    outbox.wait_state(first, "confirmed", "comments")
    outbox.network.still()
    post = {"parent_author": "", "parent_permlink": "test", "author": "bot-one", "permlink": "a-post",
            "title": "t", "body": "better", "json_metadata": ""}
    outbox.db.execute("UPDATE senders SET next_post_at = '2036-01-01', next_reply_at = '2036-01-01'")
    other = outbox.ask("bot-one", ("comment", {**post, "permlink": "another"}))
    edit = outbox.ask("bot-one", ("comment", post))
    outbox.db.wait_until("SELECT COUNT(*) FROM signed_trxs WHERE action_id = %s", bool, args=(edit,))
    assert outbox.state(other) == "pending"
    outbox.network.live(BLOCK_S)
    outbox.wait_state(edit, "confirmed")


def test_a_row_waits_for_its_time_and_fails_after_it(outbox):
    begin(outbox, outbox.entry("bot-one"))
    later = outbox.custom(not_before="2036-01-01 00:00:00")
    late = outbox.custom(not_after="2016-01-01 00:00:00")
    outbox.wait_state(late, "failed")
    outbox.wait_state(outbox.custom(), "confirmed")
    assert "not_after" in outbox.error(late) and outbox.state(later) == "pending"


# ---- commands

def test_once_empties_the_outbox_and_ends(outbox):
    rows = [outbox.custom() for _ in range(7)]
    outbox.run("--once", entries=[outbox.entry("bot-one")])
    assert all(outbox.state(row) == "confirmed" for row in rows)


def test_once_does_not_wait_for_rows_that_are_held(outbox):
    """It tells of those that it held; it ends as if the outbox were empty."""
    rows = [outbox.custom() for _ in range(3)]
    poster = outbox.run("--once", entries=[outbox.entry("bot-one", max_per_day=1)])
    assert [outbox.state(row) for row in rows] == ["confirmed", "held", "held"]
    assert len(poster.events("row_held")) == 2 and "2 held" in poster.events("stopped")[0].message
    # The operator lets one go on, and withdraws the other.
    outbox.db.execute("CALL outbox_requeue('action', %s)", rows[1])
    outbox.db.execute("CALL outbox_cancel('action', %s)", rows[2])
    outbox.run("--once", entries=[outbox.entry("bot-one", max_per_day=2)])
    assert [outbox.state(row) for row in rows] == ["confirmed", "confirmed", "failed"]


@pytest.mark.slow
def test_once_says_that_rows_are_left(outbox):
    outbox.db.execute("INSERT INTO senders (account, paused_at, pause_reason)"
                      " VALUES ('bot-one', UTC_TIMESTAMP(6), 'by hand')")
    outbox.custom()
    poster = outbox.run("--once", entries=[outbox.entry("bot-one")], code=69)
    assert "1 rows are left" in poster.stderr


def test_check_says_which_authority_a_key_has(outbox):
    entries = [outbox.entry("bot-one"), outbox.entry("bot-two", "active", allow=["transfer"])]
    good = outbox.run("--check", entries=entries)
    assert good.stdout.count("in order") == 2 and wallet.key_text("bot-one", "posting") in good.stdout
    for role, said in (("owner", "owner key"), ("active", "only the active"), ("memo", "memo key")):
        poster = outbox.run("--check", entries=[outbox.entry("bot-one", key_role=role)], code=78)
        assert said in poster.stdout, poster.stdout


def test_a_dry_run_shows_everything_and_changes_nothing(outbox):
    row = outbox.custom()
    outbox.custom("bot-one", not_before="2036-01-01 00:00:00")
    outbox.comment("bot-one", "re-question")
    bad = outbox.ask("bot-one", transfer("bot-one", "alice"), authority="active")
    outbox.db.wait_until("SELECT COUNT(*) FROM blocks", bool)
    poster = outbox.run("--dry-run", entries=[outbox.entry("bot-one")])
    assert f"action {row} of bot-one would be signed" in poster.stdout
    assert f"action {bad} of bot-one would be held" in poster.stdout
    assert re.search(r"id: [0-9a-f]{40}", poster.stdout) and "custom_json {" in poster.stdout
    assert outbox.db.value("SELECT COUNT(*) FROM signed_trxs") == 0
    assert "paused" not in poster.stdout
    outbox.db.execute("INSERT INTO senders (account, paused_at, pause_reason)"
                      " VALUES ('bot-one', UTC_TIMESTAMP(6), 'key stolen')")
    assert "bot-one is paused: key stolen; nothing of it is signed" in outbox.run(
        "--dry-run", entries=[outbox.entry("bot-one")]).stdout
    outbox.db.execute("DELETE FROM senders")
    assert outbox.db.value("SELECT COUNT(*) FROM actions WHERE state = 'pending'") == 3
    assert not outbox.network.received


def test_the_configuration_is_checked_with_its_keys(outbox):
    entry = outbox.entry("bot-one")
    assert "in order" in outbox.run("--check-config", entries=[entry]).stdout
    shown = outbox.run("--print-config", entries=[entry]).stdout
    assert 'name = "bot-one"; authority = "posting"' in shown
    assert wallet.wif("bot-one", "posting") not in shown
    path = pathlib.Path(entry["key_file"])
    path.chmod(0o644)
    assert "other users may read" in outbox.run("--check-config", entries=[entry], code=78).stderr
    path.chmod(0o600)
    path.write_text("5K" + "x" * 49, encoding="ascii")
    refused = outbox.run("--check-config", entries=[entry], code=78)
    assert "accounts.key_file" in refused.stderr and "x" * 10 not in refused.stderr
    for changes, said in (({"authority": "owner"}, "no owner key"), ({"allow": ["vot"]}, "vote"),
                          ({"authority": "active"}, "accounts.allow"),
                          ({"max_amount_per_day": ["1 STEEM"]}, "1.000" and "10.000 STEEM"),
                          ({"allow": ["vote", "transfer"]}, "transfer, which needs the active authority"),
                          ({"allow": ["custom_binary"]}, "no account can send"),
                          ({"allow": ["pow"]}, "no account can send"),
                          ({"authority": "active", "allow": ["decline_voting_rights"]}, "the owner authority"),
                          ({"colour": "blue"}, "unknown")):
        poster = outbox.run("--check-config", entries=[{**entry, **changes}], code=78)
        assert said in poster.stderr, poster.stderr
    virtual = outbox.run("--check-config", entries=[{**entry, "allow": ["author_reward"]}], code=78)
    assert "no operation that an account can sign" in virtual.stderr and "did you" not in virtual.stderr
    # What posting and active may sign, too.
    outbox.run("--check-config", entries=[{**outbox.entry("bot-one"), "allow": ["custom_json", "account_update2"]}])


# ---- keys

def test_a_key_is_nowhere(outbox):
    """Not in the log at debug, not in the tables, not in /proc, not in a core."""
    text = wallet.wif("bot-one", "posting")
    number = wallet.secret("bot-one", "posting").to_bytes(32, "big")
    poster = begin(outbox, outbox.entry("bot-one"), log={"level": "debug"})
    row = outbox.custom()
    outbox.wait_state(row, "confirmed")
    assert text not in poster.stderr and number.hex() not in poster.stderr
    for table in ("actions", "comments", "signed_trxs", "senders"):
        assert text not in str(outbox.db.rows(f"SELECT * FROM {table}"))
    for name in ("cmdline", "environ"):
        try:
            assert text.encode() not in pathlib.Path(f"/proc/{poster.pid}/{name}").read_bytes()
        except PermissionError:
            pass
    poster.signal(signal.SIGTERM)
    assert poster.wait_exit() == 0


def memory_of(pid):
    """(is_locked and left out of dumps, bytes) of each mapping that can be read."""
    smaps = pathlib.Path(f"/proc/{pid}/smaps").read_text(encoding="ascii", errors="replace")
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for part in re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", smaps, flags=re.M)[1:]:
            first, last = (int(number, 16) for number in part.split(" ", 1)[0].split("-"))
            flags = re.search(r"^VmFlags: (.*)$", part, re.M)[1].split()
            if "rd" not in flags or "[v" in part.split("\n", 1)[0]:
                continue
            memory.seek(first)
            try:
                yield {"lo", "dd"} <= set(flags), memory.read(last - first)
            except OSError:
                pass


@pytest.mark.skipif(is_sanitized(), reason="sanitizers do not lock memory, and keep what was freed")
def test_a_key_is_only_in_locked_memory(outbox):
    """The whole memory of the process, also behind the end of what it was used for."""
    entries = [outbox.entry("bot-one"), outbox.entry("bot-two")]
    poster = begin(outbox, *entries, log={"level": "debug"})
    for _ in range(20):
        outbox.custom("bot-one")
        outbox.custom("bot-two")
    outbox.wait_all()
    keys = [wallet.secret(name, "posting").to_bytes(32, "big") for name in ("bot-one", "bot-two")]
    # Other orders of the bytes, as arithmetic has them.
    forms = [form for key in keys for form in (key, key[::-1])]
    texts = [wallet.wif(name, "posting").encode() for name in ("bot-one", "bot-two")]
    found = 0
    try:
        for is_locked, content in memory_of(poster.pid):
            assert not any(text in content for text in texts), "the text of a key is in the memory"
            hits = [form for form in forms if form in content]
            found += len(hits)
            assert is_locked or not hits, "a key is outside of the locked memory"
    except PermissionError:
        pytest.skip("the memory of the process cannot be read, which is as it should be")
    assert found == 2


def test_no_core_and_no_other_process_gets_the_memory(outbox):
    """It is not dumpable: its files in /proc belong to root, and a debugger of its user is refused."""
    poster = begin(outbox, outbox.entry("bot-one"))
    assert pathlib.Path(f"/proc/{poster.pid}/mem").stat().st_uid == 0
    limits = pathlib.Path(f"/proc/{poster.pid}/status").read_text(encoding="ascii")
    assert int(re.search(r"VmLck:\s+(\d+) kB", limits)[1]) > 0 or is_sanitized()
