"""The audit of effects: what a poster did wrong must not pass, and what is right must."""

import copy
import dataclasses
import json

import pytest

from harness import effects, wallet
from harness.checking import CheckingNode
from harness.effects import Signed
from harness.model_poster import ModelPoster
from harness.network import Network, clock, seconds
from harness.received import Transaction

ACCOUNTS = ("answer-bot", "bot-one", "bot-two")
TROUBLES = ({}, {"lost_answer": 0.3}, {"vanish": 0.3}, {"repeated": 0.5}, {"refused_but_sent": 0.4},
            {"withheld": 0.4}, {"status": 0.3}, {"html": 0.3},
            {"lost_answer": 0.2, "vanish": 0.2, "withheld": 0.2, "rpc_error": 0.2})


@pytest.fixture(name="make")
def maker():
    """A network with nodes that are troubled, and a poster with a dozen actions of all kinds."""
    made = []

    def make(troubles=(), seed=1, actions=12, **options):
        network = Network()
        nodes = [CheckingNode(network, shape=shape) for shape in ("new", "old")]
        made.extend(nodes)
        for place, node in enumerate(nodes):
            for what, chance in dict(troubles).items():
                node.fault(what, method="broadcast_transaction", chance=chance, seed=seed + place,
                           code=502 if what == "status" else -32603)
        poster = ModelPoster(network, nodes, seed, **options)
        for place in range(actions):
            account = ACCOUNTS[place % 3]
            kind = ("transfer", "custom_json", "vote", "comment")[place % 4]
            poster.ask(account, [[kind, body_of(kind, account, place)]],
                       "active" if kind == "transfer" else "posting")
        return network, poster
    yield make
    for node in made:
        node.close()


def body_of(kind, account, place):
    network_question = {"author": "alice", "permlink": "question"}
    return {
        "transfer": {"from": account, "to": "alice", "amount": "1.000 STEEM", "memo": f"m{place}"},
        "custom_json": {"required_auths": [], "required_posting_auths": [account], "id": "test",
                        "json": json.dumps([place])},
        "vote": {"voter": account, **network_question, "weight": 100 + place},
        "comment": {"parent_author": "alice", "parent_permlink": "question", "author": account,
                    "permlink": f"re-{place}", "title": "", "body": "yes", "json_metadata": ""},
    }[kind]


def findings(book):
    wrong, _ = effects.check(book)
    return "\n".join(wrong)


# ---- what is right

@pytest.mark.parametrize("troubles", TROUBLES, ids=lambda troubles: "+".join(troubles) or "none")
def test_a_poster_that_keeps_the_promises_passes(make, troubles):
    for seed in (1, 2):
        network, poster = make(troubles, seed)
        blocks = iter(range(1000))

        def meanwhile(network=network, blocks=blocks):
            if next(blocks) % 9 == 4:
                network.fork(5, lambda trx: int(trx.trx_id, 16) % 3 == 0)

        poster.run(meanwhile=meanwhile)
        wrong, counts = effects.check(poster.book())
        assert not wrong, "\n".join(wrong)
        assert counts["confirmed"] == counts["on the chain"] == 12
        assert counts["signed again"] == counts["signed"] - 12
        if "vanish" in troubles:
            assert counts["sends"] > 12


def test_the_forks_and_faults_do_make_it_sign_again(make):
    """Otherwise the test above shows nothing."""
    again = 0
    for seed in range(3):
        _, poster = make({"vanish": 0.9}, seed)
        poster.run()
        again += effects.check(poster.book())[1]["signed again"]
    assert again > 3


# ---- two posters that break the promise

@pytest.mark.parametrize("seed", range(4))
def test_a_poster_that_signs_again_on_a_time_out_is_caught(make, seed):
    network, poster = make({"lost_answer": 0.7}, seed, impatient=True)
    poster.run()
    found = findings(poster.book())
    assert "took effect 2 times" in found
    assert "was done 2 times, should be 1" in found
    assert "signed again on block" in found and "was sent at" in found
    assert len(network.landed) > 12


@pytest.mark.parametrize("seed", range(4))
def test_a_poster_that_believes_a_refusal_is_caught(make, seed):
    _, poster = make({"withheld": 0.7}, seed, trusting=True)
    poster.run()
    found = findings(poster.book())
    assert "took effect" in found and "signed again on block" in found


def test_signing_early_is_caught_even_where_it_did_no_harm(make):
    """The first answer never came, and the first transaction neither."""
    _, poster = make({"status": 0.8}, 3, impatient=True)
    poster.run()
    assert "signed again on block" in findings(poster.book())


# ---- each check by itself

@pytest.fixture(name="book")
def settled_book(make):
    network, poster = make()
    poster.run()
    for _ in range(40):  # all have expired
        network.produce()
    poster.read()
    book = poster.book()
    assert not findings(book)
    return book


def first(book, kind="transfer"):
    """A row of a kind, and its transaction."""
    row = next(row for row in book.rows if row.operations[0][0] == kind)
    return row, next(one for one in book.signed if one.key == row.key)


def again(book, trx_id, later=1):
    """The same transaction in a later block."""
    one = next(one for one in book.chain if one.trx_id == trx_id)
    return dataclasses.replace(one, block=one.block + later, before=one.before + 3 * later,
                               time=one.time + 3 * later)


def test_once_more_under_the_same_id(book):
    row, signed = first(book)
    book.chain.append(again(book, signed.trx_id))
    found = findings(book)
    assert f"{row} took effect 2 times" in found and f"{signed.trx_id} is in the blocks" in found


def test_once_more_under_another_signature(book):
    """Two rows of signed_trxs for one row of the outbox, and both on the chain."""
    row, old = first(book)
    network = Network()
    trx = wallet.sign({**old.trx, "expiration": clock(old.expiration + 90)}, network.values,
                      (row.account, "active"))
    made = Transaction(trx, network.values)
    book.signed.append(Signed(made.trx_id, row.account, row.key, trx, book.horizon - 17,
                              old.expiration + 90, "confirmed"))
    place = again(book, old.trx_id, 30)
    book.chain.append(dataclasses.replace(place, trx_id=made.trx_id, trx=trx,
                                          data=effects.signed_bytes(trx, network.values)))
    found = findings(book)
    assert f"{row} took effect 2 times" in found and "was done 2 times, should be 1" in found


def test_what_nobody_signed(book):
    _, signed = first(book)
    book.signed.remove(signed)
    found = findings(book)
    assert f"has {signed.trx_id} of ['answer-bot'], which signed_trxs does not know" in found
    assert "was sent" in found and "is on the chain nowhere" in found


def test_what_was_sent_and_never_signed(book):
    receipt = copy.copy(book.receipts[0])
    receipt.trx_id = "00" * 20
    book.receipts.append(receipt)
    assert f"was sent {'00' * 20}, which signed_trxs does not know" in findings(book)


def test_other_bytes_under_an_id(book):
    """The signature is no part of the id."""
    _, signed = first(book)
    other = wallet.sign(signed.trx, Network(blocks=1).values, ("alice", "active"))
    signed.trx = other
    found = findings(book)
    assert f"has {signed.trx_id} with other bytes" in found
    assert f"was sent {signed.trx_id} with other bytes" in found


def test_an_id_that_is_not_of_its_bytes(book):
    _, signed = first(book)
    signed.trx = {**signed.trx, "ref_block_num": signed.trx["ref_block_num"] ^ 1}
    assert f"{signed.trx_id} is not the id of its bytes" in findings(book)


@pytest.mark.parametrize("state", ["failed", "held"])
def test_one_that_is_called_failed_and_took_effect(book, state):
    row, _ = first(book)
    row.state = state
    found = findings(book)
    assert f"{row} took effect in block" in found and "should be 0" in found


@pytest.mark.parametrize("state", ["pending", "sent"])
def test_one_that_is_still_on_its_way(book, state):
    row, _ = first(book)
    row.state = state
    assert f"{row} took effect in block" in findings(book)
    assert f"{row} is still on its way" in findings(book)
    book.settled = False
    assert "on its way" not in findings(book)


def test_one_that_is_called_confirmed_and_is_nowhere(book):
    row, signed = first(book)
    book.chain = [one for one in book.chain if one.trx_id != signed.trx_id]
    found = findings(book)
    assert f"{row} is on the chain nowhere" in found and "done 0 times, should be 1" in found
    assert "is called confirmed, but is in no block" in found


def test_one_that_names_the_wrong_place(book):
    row, signed = first(book)
    row.block += 1
    assert f"{row} says {signed.trx_id} in block {row.block}, but it is {signed.trx_id}" in findings(book)
    row.block, row.trx_id = row.block - 1, "00" * 20
    assert f"{row} says {'00' * 20}" in findings(book)


def test_other_operations_than_the_row_asks_for(book):
    row, signed = first(book)
    row.operations = copy.deepcopy(row.operations)
    row.operations[0][1]["amount"] = "1.001 STEEM"
    found = findings(book)
    assert f"{row}: {signed.trx_id} has other operations than its row" in found
    assert "what no row asks for was done 1 times, should be 0" in found


def test_a_signature_too_early(book):
    """By a second, by block time; nothing of it is on the chain."""
    row, old = first(book)
    network = Network(blocks=1)

    def second(at):
        trx = wallet.sign({**old.trx, "expiration": clock(old.expiration + 90)}, network.values,
                          (row.account, "active"))
        return Signed(Transaction(trx, network.values).trx_id, row.account, row.key, trx, at,
                      old.expiration + 90)
    just = next(n for n, at in sorted(book.times.items()) if at >= old.expiration)
    book.signed.append(second(just))
    assert not findings(book)
    book.signed.reverse()  # whatever the calendar of the database said
    assert not findings(book)
    book.signed[0] = second(just - 1)
    assert f"signed again on block {just - 1}, while {old.trx_id} could live" in findings(book)


@pytest.mark.parametrize("outcome, text", [
    (None, "but called None"), ("expired", "is called expired, but it is in a block")])
def test_a_wrong_outcome(book, outcome, text):
    _, signed = first(book)
    signed.outcome = outcome
    assert text in findings(book)


def test_an_outcome_before_its_time(book):
    row, old = first(book)
    trx = wallet.sign({**old.trx, "expiration": clock(book.times[book.horizon] + 3)},
                      Network(blocks=1).values, (row.account, "active"))
    late = next(n for n, at in sorted(book.times.items()) if at >= old.expiration)
    made = Signed(Transaction(trx, Network(blocks=1).values).trx_id, row.account, row.key, trx, late,
                  seconds(trx["expiration"]), "expired")
    book.signed.append(made)
    assert f"{made.trx_id} is called expired, but it is in a block, or can come" in findings(book)
    book.times[book.horizon] += 3
    assert not findings(book)


def test_another_expiration_than_that_of_the_bytes(book):
    _, signed = first(book)
    signed.expiration += 1
    assert "has another expiration than its bytes" in findings(book)


@pytest.mark.parametrize("kind, text", [("comment", "two of replies within 3 s"),
                                        ("vote", "two of votes within 3 s")])
def test_pace(book, kind, text):
    rows = [row for row in book.rows if row.operations[0][0] == kind]
    one, two = (next(one for one in book.chain if one.trx_id == row.trx_id) for row in rows[:2])
    name = "author" if kind == "comment" else "voter"
    two.trx = copy.deepcopy(two.trx)
    two.trx["operations"][0][1][name] = one.trx["operations"][0][1][name]
    two.before = one.before + 2
    assert text in findings(book)
    two.before = one.before + 3
    assert text not in findings(book)


def test_pace_of_posts_and_edits(book):
    comments = [one for one in book.chain if one.trx["operations"][0][0] == "comment"][:2]
    for one in comments:
        one.trx = copy.deepcopy(one.trx)
        one.trx["operations"][0][1].update(author="bot-one", parent_author="")
    comments[1].before = comments[0].before + 300
    assert "two of posts within 301 s" in findings(book)
    comments[1].before += 1
    assert "of posts" not in findings(book)
    comments[1].trx["operations"][0][1]["permlink"] = comments[0].trx["operations"][0][1]["permlink"]
    assert "edits" not in findings(book)
    book.chain.append(dataclasses.replace(comments[1], trx_id="00" * 20))
    assert "two of edits within 3 s" in findings(book)


def test_custom_operations_of_a_block(book):
    one = next(one for one in book.chain if one.trx["operations"][0][0] == "custom_json")
    one.trx = {**one.trx, "operations": one.trx["operations"] * 5}
    assert "custom operations in block" not in findings(book)
    one.trx = {**one.trx, "operations": one.trx["operations"] + one.trx["operations"][:1]}
    assert "more than 5 custom operations in block" in findings(book)


@pytest.mark.parametrize("limits, text", [
    ({"allow": ["comment", "vote", "custom_json"]}, "transfer in block"),
    ({"only_to": ["bob"]}, "transfer to alice in block"),
    ({"max_per_day": 3}, "4 transactions on 2016-03-24"),
    ({"max_amount_per_day": {"STEEM": 999}}, "1000 units of STEEM on 2016-03-24"),
    ({"allow": ["comment", "vote", "custom_json", "transfer"], "only_to": ["alice"], "max_per_day": 4,
      "max_amount_per_day": {"STEEM": 1000, "SBD": 0}}, None)])
def test_limits(book, limits, text):
    book.limits = {"answer-bot": limits}
    found = findings(book)
    assert text in found if text else not found


def test_a_transaction_of_no_row(book):
    row, _ = first(book)
    book.rows.remove(row)
    found = findings(book)
    assert "signed_trxs has transactions of a row that is not there" in found
    assert "what no row asks for was done 1 times" in found


# ---- from real tables

def test_the_tables_are_read(world, make):
    """The model's tables, written into the real ones."""
    network, poster = make()
    poster.run()
    for row in poster.rows:
        world.db.execute("INSERT INTO actions (action_id, account, action_key, operations, authority,"
                         " state, trx_id, block, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s,"
                         " UTC_TIMESTAMP(6))", row.ident, row.account, f"k{row.ident}",
                         json.dumps(row.operations), poster.roles[row.ident], row.state, row.trx_id,
                         row.block)
    for one in poster.signed:
        world.db.execute("INSERT INTO signed_trxs (trx_id, account, action_id, signed_trx, ref_block,"
                         " expiration, outcome, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s,"
                         " UTC_TIMESTAMP(6))", one.trx_id, one.account, one.key[1],
                         json.dumps(one.trx), one.ref_block, clock(one.expiration), one.outcome)
    counts = effects.audit(world.db.connection, network, ACCOUNTS)
    assert counts["confirmed"] == 12
    body = body_of("comment", "bot-one", 99)
    trx_id = network.accept(network.build(("comment", body), by="bot-one")).trx_id
    for _ in range(40):
        network.produce()
    with pytest.raises(AssertionError, match=f"has {trx_id} of"):
        effects.audit(world.db.connection, network, ACCOUNTS)
    signed = next(one for one in network.received if one.trx_id == trx_id)
    number = network.landed[trx_id]
    text = json.dumps(network.transactions(number)[0].json)
    world.db.execute("INSERT INTO comments (author, permlink, parent_author, parent_permlink, body,"
                     " json_metadata, state, trx_id, block, created_at) VALUES ('bot-one', 're-99',"
                     " 'alice', 'question', 'yes', '', 'confirmed', %s, %s, UTC_TIMESTAMP(6))",
                     trx_id, number)
    world.db.execute("INSERT INTO signed_trxs (trx_id, account, comment_id, signed_trx, ref_block,"
                     " expiration, outcome, created_at) SELECT %s, 'bot-one', comment_id, %s, %s, %s,"
                     " 'confirmed', UTC_TIMESTAMP(6) FROM comments", trx_id, text, signed.head - 17,
                     json.loads(text)["expiration"])
    assert effects.audit(world.db.connection, network, ACCOUNTS)["confirmed"] == 13
    world.db.execute("UPDATE comments SET body = 'no'")
    with pytest.raises(AssertionError, match="has other operations than its row"):
        effects.audit(world.db.connection, network, ACCOUNTS)
