"""Actions: what bots put into the outbox besides comments, what it refuses, and who may do it."""

import json

import pymysql
import pytest
from test_bots import bots, refused  # noqa: F401  pylint: disable=unused-import

from harness.deliveries import LOST, MISSING, REFUSED, Bot, deliver, end_leases, number_of, tables

NOT_ALLOWED = 31004
DENIED = 1142
ME = "the-bot"
VOTE = {"voter": ME, "author": "alice", "permlink": "a-post", "weight": 10000}
TRANSFER = {"from": ME, "to": "alice", "amount": "1.000 STEEM", "memo": "thanks"}
CUSTOM = {"required_auths": [], "required_posting_auths": [ME], "id": "game", "json": '{"a":1}'}
COMMENT = {"parent_author": "", "parent_permlink": "life", "author": ME, "permlink": "p", "title": "t",
           "body": "b", "json_metadata": '{"a":[1]}'}
BENEFICIARIES = [[0, {"beneficiaries": [{"account": "alice", "weight": 500}, {"account": "bob", "weight": 9500}]}]]
OPTIONS = {"max_accepted_payout": "1000000.000 SBD", "percent_steem_dollars": 10000, "allow_votes": True,
           "allow_curation_rewards": True, "extensions": []}


def operations(name, members, **more):
    return json.dumps([[name, {**members, **more}]], ensure_ascii=False)


def actions(world):
    """Of each action: account, authority, operations, state, delivery."""
    return [(account, authority, json.loads(text), state, delivery) for account, authority, text, state, delivery
            in world.db.rows("SELECT account, authority, operations, state, delivery_id FROM actions"
                             " ORDER BY action_id")]


def test_each_procedure_writes_its_operation(queue):
    bot = queue.bot()
    row, = bot.claim()
    bot.held("vote", row, ME, "alice", "a-post", 10000)
    bot.held("transfer", row, ME, "alice", "1.000 STEEM", "thanks")
    bot.held("custom_json", row, ME, "game", '{"a":1}')
    bot.held("act", row, ME, json.dumps([["vote", VOTE], ["comment", COMMENT]]))
    bot.done(row)
    bot.call("outbox_act", ME, "rent-2016-03", operations("transfer", TRANSFER))
    delivery = row["delivery_id"]
    assert actions(queue) == [
        (ME, "posting", [["vote", VOTE]], "pending", delivery),
        (ME, "active", [["transfer", TRANSFER]], "pending", delivery),
        (ME, "posting", [["custom_json", CUSTOM]], "pending", delivery),
        (ME, "posting", [["vote", VOTE], ["comment", COMMENT]], "pending", delivery),
        (ME, "active", [["transfer", TRANSFER]], "pending", None)]
    assert queue.db.rows("SELECT DISTINCT attempts, priority, not_before, not_after, error, trx_id, block,"
                         " sent_at, confirmed_at FROM actions") == ((0, 0, *[None] * 7),)
    assert queue.db.value("SELECT COUNT(*) FROM actions"
                          " WHERE ABS(TIMESTAMPDIFF(SECOND, created_at, UTC_TIMESTAMP())) < 60") == 5


@pytest.mark.parametrize("text", [
    '{"a":"x"}', "quote \" backslash \\ slash / tab \t line \n return \r", "é \U0001f600", "\\u0041", "", "# 'x'",
    "\\", '[["vote",{}]]'])
def test_texts_arrive_as_they_are(queue, text):
    bot = queue.bot()
    row, = bot.claim()
    bot.held("transfer", row, ME, "alice", "1.000 SBD", text)
    bot.held("custom_json", row, ME, "x", json.dumps(text))
    (transfer,), (custom,) = (entry[2] for entry in actions(queue))
    assert transfer[1]["memo"] == text and json.loads(custom[1]["json"]) == text


def test_a_memo_may_be_missing(queue):
    bot = queue.bot()
    row, = bot.claim()
    bot.held("transfer", row, ME, "alice", "1.000 SBD", None)
    assert actions(queue)[0][2][0][1]["memo"] == ""


def do_all(bot, row, weight=100, amount="1.000 STEEM", number=1):
    bot.held("vote", row, ME, "alice", "a-post", weight)
    bot.held("transfer", row, ME, "alice", amount, "thanks")
    bot.held("custom_json", row, ME, "game", json.dumps(number))
    bot.held("act", row, ME, operations("vote", VOTE, weight=weight))


def test_a_bot_that_answers_twice_asks_once(queue):
    """The first answer was committed without the end of the delivery; the second one is another."""
    bot = queue.bot()
    row, = bot.claim()
    do_all(bot, row)
    before = actions(queue)
    end_leases(queue.db)
    again, = bot.claim()
    assert again["delivery_id"] == row["delivery_id"] and again["token"] != row["token"]
    do_all(bot, again, -100, "2.000 STEEM", 2)
    bot.done(again)
    assert actions(queue) == before and len(before) == 4


def test_the_key_follows_the_operation_and_not_its_block(queue):
    """The block was replaced, and the same trx is in another one."""
    bot = queue.bot()
    row, = bot.claim()
    do_all(bot, row)
    bot.done(row)
    deliver(queue.db, 50)
    queue.db.execute("UPDATE blockchain SET trx_id = %s WHERE block = 50", row["trx_id"])
    other = next(found for found in bot.claim(limit=20) if found["block"] == 50)
    do_all(bot, other, 5)
    assert len(actions(queue)) == 4
    # Another operation of the same trx is another question.
    queue.db.execute("UPDATE deliveries_open SET op_in_trx = 1 WHERE block = 50")
    queue.db.execute("UPDATE blockchain SET op_in_trx = 1 WHERE block = 50")
    do_all(bot, other, 5)
    assert len(actions(queue)) == 8


def test_one_delivery_may_do_several_things(queue):
    bot = queue.bot()
    row, = bot.claim()
    for permlink in ("one", "two"):
        bot.held("vote", row, ME, "alice", permlink, 1)
    for receiver in ("alice", "bob"):
        bot.held("transfer", row, ME, receiver, "1.000 SBD", None)
    for name in ("one", "two"):
        bot.held("custom_json", row, ME, name, "{}")
    for account in (ME, "other-bot"):
        bot.held("act", row, account, operations("vote", VOTE, voter=account))
    assert len(actions(queue)) == 8
    keys = [key for key, in queue.db.rows("SELECT action_key FROM actions ORDER BY action_id")]
    name = f"ask-{row['trx_id']}-0"
    assert keys[6:] == [f"act-{name}"] * 2
    assert all(key.startswith(f"{kind}-{name}-") for key, kind in
               zip(keys, ["vote", "vote", "transfer", "transfer", "custom_json", "custom_json"]))


def test_a_virtual_operation_without_a_trx(queue):
    bot = queue.bot()
    queue.db.execute("UPDATE blockchain SET virtual_op = 3, trx_id = NULL WHERE block = 1")
    queue.db.execute("UPDATE deliveries_open SET virtual_op = 3 WHERE block = 1")
    row, = bot.claim()
    do_all(bot, row)
    do_all(bot, row)
    assert len(actions(queue)) == 4
    assert queue.db.value("SELECT COUNT(*) FROM actions WHERE action_key LIKE '%-ask-block1-0v3%'") == 4


def test_nothing_is_left_of_a_transaction_that_is_rolled_back(queue):
    bot = queue.bot()
    row, = bot.claim()
    bot.query("START TRANSACTION")
    do_all(bot, row)
    bot.query("ROLLBACK")
    assert actions(queue) == []


def test_without_the_delivery_nobody_acts(queue):
    bot = queue.bot()
    row, = bot.claim()
    bot.done(row)
    before = tables(queue.db)
    for call in (("vote", row, ME, "alice", "a-post", 1), ("transfer", row, ME, "alice", "1.000 SBD", ""),
                 ("custom_json", row, ME, "x", "{}"), ("act", row, ME, operations("vote", VOTE))):
        assert number_of(bot.held, *call) == LOST
    open_, = bot.claim()
    queue.db.execute("DELETE FROM blockchain WHERE block = %s", open_["block"])
    assert number_of(bot.held, "vote", open_, ME, "alice", "a-post", 1) == REFUSED
    assert tables(queue.db)[2:] == before[2:]


# ---- what is refused

def beneficiaries(*pairs):
    return [[0, {"beneficiaries": [{"account": account, "weight": weight} for account, weight in pairs]}]]


BAD_NAMES = ["", "ab", "Alice", "alice\n", "-alice", "alice-", "1alice", "al.x", "a" * 17, "älice", " alice",
             "alice ", None, 7, ["alice"]]
BAD_AMOUNTS = ["1.000", "1 STEEM", "1.00 STEEM", "1.0000 STEEM", "1.000 steem", "1.000STEEM", "1.000 HIVE",
               "-1.000 STEEM", "01.000 STEEM", "1,000 STEEM", "1.000 STEEM\n", " 1.000 STEEM", "1.000000 STEEM",
               "1.000 VESTS", "1.000000 VESTS", "0.000 STEEM", "1" + "0" * 15 + ".000 STEEM", "", None, 1, 1.5,
               {"amount": "1000", "precision": 3, "nai": "@@000000021"}]
REFUSALS = [
    (None, "no JSON array"), ("", "no JSON array"), ("[", "no JSON array"), ("{}", "no JSON array"),
    ("7", "no JSON array"), ("[]", "1 to 20"), (json.dumps([["vote", VOTE]] * 21), "1 to 20"),
    ("[1]", "no pair"), ('["vote",{}]', "no pair"), ('[["vote"]]', "no pair"), ('[["vote",{},1]]', "no pair"),
    ('[["vote",[]]]', "no pair"), ('[[0,{}]]', "no pair"), ('[{"vote":{}}]', "no pair"),
    (json.dumps([["vote", VOTE], ["vote"]]), "operation 2, it is no pair"),
    (operations("upvote", VOTE), "no poster can send"), (operations("vote_operation", VOTE), "no poster can send"),
    (operations("author_reward", {}), "no poster can send"), (operations("pow", {}), "no poster can send"),
    (operations("vote\n", VOTE), "no poster can send"),
    (json.dumps([["vote", VOTE], ["transfer", TRANSFER]]), "posting and active"),
    *((operations("vote", VOTE, voter=name), "voter is not the account that acts") for name in ("alice", "", None)),
    *((operations("vote", VOTE, author=name), "author is no account name") for name in BAD_NAMES),
    *((operations("transfer", TRANSFER, to=name), "to is no account name") for name in BAD_NAMES),
    *((operations("comment", COMMENT, parent_author=name), "parent_author is no account name")
      for name in BAD_NAMES if name != ""),
    *((operations("transfer", TRANSFER, amount=amount), "amount is no") for amount in BAD_AMOUNTS),
    *((operations("vote", VOTE, weight=weight), "weight is not") for weight in (10001, -10001, 1.5, "1", None, 1e9)),
    (operations("vote", VOTE, permlink="x" * 256), "permlink has 1 to 255"),
    (operations("vote", VOTE, permlink=""), "permlink has 1 to 255"),
    (operations("comment", COMMENT, permlink="A_b"), "permlink has lower-case"),
    (operations("comment", COMMENT, permlink="a\n"), "permlink has lower-case"),
    (operations("comment", COMMENT, title="é" * 128), "title has at most 255"),
    (operations("comment", COMMENT, body=" \n\t"), "body is empty"),
    (operations("comment", COMMENT, body=None), "body is empty"),
    (operations("comment", COMMENT, json_metadata="{"), "json_metadata is no JSON"),
    (operations("comment", COMMENT, json_metadata={}), "json_metadata is no JSON"),
    (operations("comment", COMMENT, json_metadata="{}\n"), "json_metadata is no JSON"),
    (operations("comment", COMMENT, body="x" * 65024), "more than 65024 bytes"),
    (operations("transfer", TRANSFER, memo="é" * 1024), "memo has at most 2047"),
    (operations("custom_json", CUSTOM, id=""), "id has 1 to 32"),
    (operations("custom_json", CUSTOM, id="é" * 17), "id has 1 to 32"),
    (operations("custom_json", CUSTOM, json="{"), "json is no JSON"),
    (operations("custom_json", CUSTOM, json={}), "json is no JSON"),
    *((operations("custom_json", CUSTOM, json=text), "json is no JSON") for text in ("{} ", "[1]\n", "1\t", "")),
    (operations("custom_json", CUSTOM, json=json.dumps("x" * 8191)), "json has at most 8192"),
    *((operations("custom_json", CUSTOM, required_posting_auths=names), "the account alone")
      for names in ([], ["alice"], [ME, "alice"], ME, [1], None)),
    (operations("custom_json", CUSTOM, required_auths=[ME]), "the account alone"),
    (operations("transfer", TRANSFER, memo="a\x01"), "control character"),
    (operations("transfer", TRANSFER, memo="a\b"), "control character"),
    (operations("transfer", TRANSFER, memo="\f"), "control character"),
    (operations("transfer", TRANSFER, memo="\x1f"), "control character"),
    (operations("transfer", TRANSFER, memo="\0"), "control character"),
    (operations("transfer", TRANSFER, memo="\x1f", **{"x y": 1}), "control character"),
    (operations("vote", {**VOTE, "x y": 1}), "a member that no operation has"),
    (operations("account_update", {"account": ME, "owner": {}, "memo_key": "STM1", "json_metadata": ""}), "owner authority"),
    (operations("change_recovery_account", {"account_to_recover": ME}), "owner authority"),
    *((operations("comment_options", {"author": ME, "permlink": "p", **OPTIONS, **wrong}), text) for wrong, text in (
        ({"allow_votes": False}, "allow_votes can only be true"),
        ({"allow_curation_rewards": "yes"}, "allow_curation_rewards is true or false"),
        ({"percent_steem_dollars": 10001}, "percent_steem_dollars is not 0 to 10000"),
        ({"percent_steem_dollars": -1}, "percent_steem_dollars is not 0 to 10000"),
        ({"max_accepted_payout": "1.000"}, "max_accepted_payout is no amount"),
        ({"extensions": {}}, "extensions is no array"),
        ({"extensions": [1]}, "extensions must be"),
        ({"extensions": BENEFICIARIES * 2}, "extensions must be"),
        ({"extensions": beneficiaries()}, "1 to 8"),
        ({"extensions": beneficiaries(*((f"bob{n}", 1) for n in range(9)))}, "1 to 8"),
        ({"extensions": beneficiaries(("Bob", 1))}, "a beneficiary is no account name"),
        ({"extensions": beneficiaries(("bob\n", 1))}, "a beneficiary is no account name"),
        ({"extensions": beneficiaries(("bob", 1), ("alice", 1))}, "in the order of their names"),
        ({"extensions": beneficiaries(("bob", 1), ("bob", 1))}, "in the order of their names"),
        ({"extensions": beneficiaries(("bob", 0))}, "weight of a beneficiary"),
        ({"extensions": beneficiaries(("bob", 10001))}, "weight of a beneficiary"),
        ({"extensions": beneficiaries(("alice", 5001), ("bob", 5000))}, "more than 10000 together"))),
]


def test_what_is_refused_at_the_door(queue):
    """With the reason, and before the delivery is marked as done: the bot can still answer otherwise."""
    bot = queue.bot()
    row, = bot.claim()
    before = tables(queue.db)
    wrong = []
    for text, reason in REFUSALS:
        try:
            bot.held("act", row, ME, text)
            wrong.append(f"taken: {text}")
        except pymysql.MySQLError as error:
            if error.args[0] != REFUSED or not error.args[1].startswith("act: ") or reason not in error.args[1]:
                wrong.append(f"{error.args}: {str(text)[:200]}")
    assert not wrong, "\n".join(wrong)
    assert tables(queue.db) == before
    bot.held("act", row, ME, operations("vote", VOTE))
    bot.done(row)
    assert len(actions(queue)) == 1


def test_what_is_taken(queue):
    bot = queue.bot()
    taken = [
        ("posting", "vote", {**VOTE, "weight": -10000}), ("posting", "vote", {**VOTE, "weight": 0}),
        ("posting", "vote", {**VOTE, "permlink": "Old_One é"}),
        ("posting", "comment", COMMENT), ("posting", "comment", {**COMMENT, "json_metadata": ""}),
        ("posting", "comment", {**COMMENT, "title": "é" * 127, "body": "\n" * 64000 + "x"}),
        ("posting", "delete_comment", {"author": ME, "permlink": "p"}),
        ("posting", "comment_options", {"author": ME, "permlink": "p", **OPTIONS}),
        ("posting", "comment_options", {"author": ME, "permlink": "p", **OPTIONS, "extensions": BENEFICIARIES}),
        ("posting", "custom_json", {**CUSTOM, "json": json.dumps("x" * 8190)}),
        ("active", "custom_json", {**CUSTOM, "required_auths": [ME], "required_posting_auths": []}),
        ("posting", "claim_reward_balance", {"account": ME, "reward_steem": "0.000 STEEM", "reward_sbd": "0.000 SBD",
                                             "reward_vests": "1.000001 VESTS"}),
        ("posting", "account_update2", {"account": ME, "json_metadata": "", "posting_json_metadata": "{}",
                                        "extensions": []}),
        ("active", "account_update2", {"account": ME, "json_metadata": "{}", "posting_json_metadata": "",
                                       "extensions": []}),
        *(("active", "transfer", {**TRANSFER, "amount": f"999999999999999.999 {symbol}"})
          for symbol in ("STEEM", "SBD", "TESTS", "TBD")),
        ("active", "transfer", {**TRANSFER, "memo": "a\\b \\u0001 \t\r\n\x7f \"" + "x" * 2000}),
        ("active", "transfer_to_vesting", {"from": ME, "to": "", "amount": "1.000 STEEM"}),
        ("active", "account_witness_proxy", {"account": ME, "proxy": ""}),
        ("active", "delegate_vesting_shares", {"delegator": ME, "delegatee": "alice", "vesting_shares": "0.000000 VESTS"}),
        ("active", "limit_order_create", {"owner": ME, "orderid": 1, "amount_to_sell": "1.000 SBD",
                                          "min_to_receive": "1.000 STEEM", "fill_or_kill": False,
                                          "expiration": "2016-03-25T00:00:00"}),
    ]
    for number, (_, name, members) in enumerate(taken):
        bot.call("outbox_act", ME, f"key {number}", operations(name, members))
    assert actions(queue) == [(ME, authority, [[name, members]], "pending", None)
                              for authority, name, members in taken]


def test_the_key_of_ones_own_action(queue):
    bot = queue.bot()
    text = operations("vote", VOTE)
    for key in ("", None, "x" * 129, "é", "a\n", "a\x01"):
        assert number_of(bot.call, "outbox_act", ME, key, text) == REFUSED, key
    for account in BAD_NAMES[:-2]:
        assert number_of(bot.call, "outbox_act", account, "a", text) in {REFUSED, 1406}, account
    for key in ("a", "A", "x" * 128, "a"):
        bot.call("outbox_act", ME, key, text)
    bot.call("outbox_act", "other-bot", "a", operations("vote", VOTE, voter="other-bot"))
    assert len(actions(queue)) == 4


@pytest.mark.parametrize("procedure, arguments", [
    ("vote", ("No Name", "alice", "p", 1)), ("vote", (ME, "alice\n", "p", 1)), ("vote", (ME, "alice", "", 1)),
    ("vote", (ME, "alice", "p", 10001)), ("vote", (ME, "alice", "p", None)), ("vote", (ME, None, "p", 1)),
    ("transfer", (ME, "alice", "1 STEEM", "")), ("transfer", (ME, "alice", "1.000 STEEM", "x" * 2048)),
    ("transfer", (ME, None, "1.000 STEEM", "")), ("transfer", (ME, "alice", None, "")),
    ("transfer", (ME, "alice", "1.000 STEEM", "\x02")),
    ("custom_json", (ME, "x" * 33, "{}")), ("custom_json", (ME, "x", "{")), ("custom_json", (ME, "x", None)),
    ("custom_json", (ME, None, "{}")), ("act", (ME, "[]"))])
def test_each_procedure_refuses(queue, procedure, arguments):
    bot = queue.bot()
    row, = bot.claim()
    with pytest.raises(pymysql.MySQLError, match=f"^.31003, .{procedure}: "):
        bot.held(procedure, row, *arguments)
    assert actions(queue) == []


@pytest.mark.parametrize("wrong, text", [
    ({"author": "the-bot\n"}, "author is no account"), ({"author": "the-bot-"}, "author is no account"),
    ({"parent_author": "alice\n"}, "parent_author is no account"), ({"parent_author": "a.b"}, "parent_author is no"),
    ({"parent_author": "Alice"}, "parent_author is no account"), ({"parent_author": "al"}, "parent_author is no"),
    ({"permlink": "x" * 256}, "permlink must"), ({"permlink": "a\n"}, "permlink must"),
    ({"parent_permlink": ""}, "parent_permlink must"), ({"title": "x" * 256}, "more than 255"),
    ({"title": "a\x0b"}, "control character"), ({"body": "a\0b"}, "control character"),
    ({"body": "\x1b[2J"}, "control character"), ({"json_metadata": '{"a":\x0c1}'}, "control character|no JSON"),
    ({"json_metadata": "{"}, "no JSON"), ({"json_metadata": "{}\n"}, "no JSON"), ({"body": "x" * 65020}, "more than 65024"), ({"body": " \n"}, "is empty")])
def test_what_is_refused_of_comments(queue, wrong, text):
    bot = queue.bot()
    good = {"author": ME, "permlink": "p", "parent_author": "alice", "parent_permlink": "life", "title": "t",
            "body": "line\r\n\tbody", "json_metadata": "{}"}
    with pytest.raises(pymysql.MySQLError, match=f"31003, .outbox_add: .*({text})"):
        bot.call("outbox_add", *{**good, **wrong}.values())
    assert queue.db.value("SELECT COUNT(*) FROM comments") == 0
    bot.call("outbox_add", *good.values())
    assert queue.db.value("SELECT COUNT(*) FROM comments") == 1


# ---- options, withdrawal, and what an operator does

def test_options_of_a_comment(queue):
    bot = queue.bot()
    row, = bot.claim()
    bot.reply(row)
    permlink = f"re-ask-{row['trx_id']}-0"
    for options in ('{"percent_steem_dollars":0}', json.dumps({**OPTIONS, "extensions": BENEFICIARIES}), "{}", None):
        bot.call("outbox_options", ME, permlink, options)
        assert queue.db.value("SELECT options FROM comments") == options
    for options, reason in (("[]", "no JSON object"), ("{", "no JSON object"), ('{"author":"x"}', "another member"),
                            ('{"max_accepted_payout":"1.000 STEEM"}', "an amount of SBD"),
                            ('{"allow_votes":false}', "can only be true"),
                            ('{"extensions":[[0,{"beneficiaries":[{"account":"No","weight":1}]}]]}', "beneficiary"),
                            ('{"extensions":"\x01"}', "control|no JSON")):
        with pytest.raises(pymysql.MySQLError, match=f"31003, .outbox_options: .*({reason})"):
            bot.call("outbox_options", ME, permlink, options)
    assert number_of(bot.call, "outbox_options", ME, "no-such", "{}") == MISSING
    queue.db.execute("UPDATE comments SET state = 'sent'")
    assert number_of(bot.call, "outbox_options", ME, permlink, "{}") == LOST
    assert queue.db.value("SELECT options FROM comments") is None


def one_of_each(queue, bot):
    bot.call("outbox_add", ME, "p", "", "life", "t", "b", "{}")
    bot.call("outbox_act", ME, "a", operations("vote", VOTE))
    return [(kind, queue.db.value(f"SELECT {kind}_id FROM {kind}s"), f"{kind}s") for kind in ("comment", "action")]


def test_what_can_be_withdrawn(queue):
    bot = queue.bot()
    for kind, row, table in one_of_each(queue, bot):
        for state, number in (("sent", LOST), ("confirmed", LOST), ("pending", 0), ("failed", LOST), ("held", 0)):
            queue.db.execute(f"UPDATE {table} SET state = %s, error = NULL", state)
            assert number_of(bot.call, "outbox_cancel", kind, row) == number, state
            assert queue.db.rows(f"SELECT state, error FROM {table}") == (
                (("failed", "cancelled"),) if number == 0 else ((state, None),))
        assert number_of(bot.call, "outbox_cancel", kind, row + 99) == MISSING
    for kind in ("vote", "", None):
        assert number_of(bot.call, "outbox_cancel", kind, 1) == REFUSED


def test_what_an_operator_tries_again(queue):
    bot = queue.bot()
    for kind, row, table in one_of_each(queue, bot):
        for state, number in (("pending", LOST), ("sent", LOST), ("confirmed", LOST), ("failed", 0), ("held", 0)):
            queue.db.execute(f"UPDATE {table} SET state = %s, error = 'why', attempts = 7,"
                             " not_before = '2099-01-01'", state)
            assert number_of(bot.call, "outbox_requeue", kind, row) == number, state
            assert queue.db.rows(f"SELECT state, error, attempts, not_before IS NULL FROM {table}") == (
                (("pending", None, 0, 1),) if number == 0 else ((state, "why", 7, 0),))
        # Not while bytes that were signed may still get into a block.
        queue.db.execute(f"UPDATE {table} SET state = 'failed'")
        queue.db.execute(f"INSERT INTO signed_trxs (trx_id, account, {kind}_id, signed_trx, ref_block, expiration,"
                         " created_at) VALUES (%s, %s, %s, '{}', 1, '2016-03-24', UTC_TIMESTAMP(6))",
                         kind[0] * 40, ME, row)
        assert number_of(bot.call, "outbox_requeue", kind, row) == LOST
        queue.db.execute("UPDATE signed_trxs SET outcome = 'expired'")
        assert number_of(bot.call, "outbox_requeue", kind, row) == 0
        assert number_of(bot.call, "outbox_requeue", kind, row + 99) == MISSING


def test_an_account_is_paused(queue):
    bot = queue.bot()
    assert number_of(bot.call, "sender_resume", ME) == MISSING
    for name in ("No Name", "", None, "x\n"):
        assert number_of(bot.call, "sender_pause", name, "why") == REFUSED
    bot.call("sender_pause", ME, "the key was lost")
    first = queue.db.rows("SELECT account, paused_at, pause_reason FROM senders")
    bot.call("sender_pause", ME, None)
    assert queue.db.rows("SELECT account, paused_at, pause_reason FROM senders") == first
    bot.call("sender_pause", ME, "another reason")
    (account, paused_at, reason), = queue.db.rows("SELECT account, paused_at, pause_reason FROM senders")
    assert (account, paused_at, reason) == (ME, first[0][1], "another reason")
    shown, = bot.query("SELECT * FROM sender_status")
    assert (shown["account"], shown["paused"], shown["pause_reason"], shown["poster"]) == (ME, 1, reason, None)
    bot.call("sender_resume", ME)
    assert queue.db.rows("SELECT paused_at, pause_reason FROM senders") == ((None, None),)


def test_how_the_senders_are(queue):
    bot = queue.bot()
    one_of_each(queue, bot)
    bot.call("outbox_act", ME, "b", operations("vote", VOTE))
    queue.db.execute("UPDATE actions SET state = 'held' WHERE action_key = 'b'")
    queue.db.execute("INSERT INTO senders (account, token, poster, lease_until, day, count_today, steem_today)"
                     " VALUES (%s, 't', 'here/7', UTC_TIMESTAMP(6) + INTERVAL 60 SECOND, '2016-03-24', 5, 1500)", ME)
    for digit, outcome, is_ambiguous in (("1", None, 0), ("2", None, 1), ("3", "confirmed", 1)):
        queue.db.execute("INSERT INTO signed_trxs (trx_id, account, signed_trx, ref_block, expiration, outcome,"
                         " is_ambiguous, created_at) VALUES (%s, %s, '{}', 1, '2016-03-24', %s, %s, UTC_TIMESTAMP(6))",
                         digit * 40, ME, outcome, is_ambiguous)
    shown, = bot.query("SELECT * FROM sender_status")
    assert {name: shown[name] for name in ("poster", "paused", "pending", "held", "open_trxs", "unknown_trxs",
                                           "count_today", "steem_today")} == {
        "poster": "here/7", "paused": 0, "pending": 2, "held": 1, "open_trxs": 2, "unknown_trxs": 1,
        "count_today": 5, "steem_today": 1500}
    outbox, = bot.query("SELECT author, pending, sent, confirmed, failed, held FROM outbox_status")
    assert outbox == {"author": ME, "pending": 2, "sent": 0, "confirmed": 0, "failed": 0, "held": 1}
    queue.db.execute("UPDATE senders SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 SECOND")
    assert bot.value("SELECT poster FROM sender_status") is None


# ---- who may

def test_a_bot_acts_for_its_own_account_only(bots):  # noqa: F811
    world, connect = bots
    ask, pay = connect("ask_bot"), connect("pay_bot")
    row, = ask.claim("ask")
    vote = {**VOTE, "voter": "ask-bot"}
    for call in (("vote", row, "pay-bot", "alice", "p", 1), ("transfer", row, "pay-bot", "alice", "1.000 SBD", ""),
                 ("custom_json", row, "pay-bot", "x", "{}"), ("act", row, "pay-bot", operations("vote", VOTE))):
        refused(world, NOT_ALLOWED, ask.held, *call)
        refused(world, NOT_ALLOWED, pay.held, *call)  # its account, but not its queue
    # Not for another account under its own name either.
    refused(world, REFUSED, ask.held, "act", row, "ask-bot", operations("vote", VOTE))
    refused(world, REFUSED, ask.call, "outbox_act", "ask-bot", "a", operations("transfer", TRANSFER))
    refused(world, NOT_ALLOWED, pay.call, "outbox_act", "ask-bot", "a", operations("vote", vote))
    ask.held("vote", row, "ask-bot", "alice", "p", 1)
    ask.call("outbox_act", "ask-bot", "a", operations("vote", vote))
    ask.call("outbox_add", "ask-bot", "p", "", "life", "", "b", None)
    action = world.db.value("SELECT MIN(action_id) FROM actions")
    comment = world.db.value("SELECT comment_id FROM comments")
    refused(world, NOT_ALLOWED, pay.call, "outbox_cancel", "action", action)
    refused(world, NOT_ALLOWED, pay.call, "outbox_cancel", "comment", comment)
    refused(world, NOT_ALLOWED, pay.call, "outbox_options", "ask-bot", "p", "{}")
    ask.call("outbox_options", "ask-bot", "p", "{}")
    ask.call("outbox_cancel", "action", action)
    ask.call("outbox_cancel", "comment", comment)
    # What would lift a limit is an operator's.
    for call in (("outbox_requeue", "action", action), ("outbox_requeue", "comment", comment),
                 ("sender_pause", "ask-bot", "why"), ("sender_resume", "ask-bot")):
        refused(world, {DENIED, 1143}, ask.call, *call)
    for statement in ("UPDATE actions SET state = 'pending'", "SELECT * FROM signed_trxs", "DELETE FROM senders",
                      "INSERT INTO trxs_seen VALUES ('a', 1, NOW())"):
        refused(world, DENIED, ask.query, statement)


def test_a_session_with_another_character_set(queue):
    bot = queue.bot()
    row, = bot.claim()
    bot.query("SET NAMES latin1")
    for call in ((bot.held, "vote", row, ME, "alice", "p", 1), (bot.call, "outbox_act", ME, "a", "[]"),
                 (bot.call, "outbox_options", ME, "p", "{}")):
        assert number_of(*call) == REFUSED
    assert actions(queue) == []


def test_a_chosen_insert_id(queue):
    bot = queue.bot()
    row, = bot.claim()
    bot.query("SET insert_id = 1")
    assert number_of(bot.held, "vote", row, ME, "alice", "p", 1) == REFUSED


def test_two_bots_at_once(queue):
    """Both answer the same question under the same key; one waits, and both are content."""
    one, two = queue.bot("one"), queue.bot("two")
    for bot in (one, two):
        bot.query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        bot.query("START TRANSACTION")
    one.call("outbox_act", ME, "a", operations("vote", VOTE, weight=1))
    two.call("outbox_act", ME, "b", operations("vote", VOTE, weight=2))
    one.query("COMMIT")
    two.call("outbox_act", ME, "a", operations("vote", VOTE, weight=3))
    two.query("COMMIT")
    assert [entry[2][0][1]["weight"] for entry in actions(queue)] == [1, 2]
    assert isinstance(one, Bot)
