"""CALL reply(): under the comment that was delivered, whatever is in it, and under no other."""

import json

import pymysql
import pytest

from harness import operations
from harness.chain import SyntheticChain
from harness.deliveries import REFUSED, number_of
from harness.world import HASTY

LAST = 20
RULES = [{"operation": "comment", "body_prefix": "!ask", "queue": "ask"}]


def question(author, body):
    """An operation of a block; the body as it stands in the JSON text."""
    return "comment", operations.emit({
        "parent_author": "", "parent_permlink": "life", "title": "",
        "body": operations.Raw(f'"!ask {body}"'), "author": author, "permlink": "q",
        "json_metadata": "{}"})


@pytest.mark.parametrize("body", [
    r"\ud83d", r"\ude00 \ud83d?", r"\\ud83d \\\ud83d \\\\ud83d", r"\ude00\ud83d \\ude00",
    r"\u0000\ufffd\"",
    r"\ud83d\" \\", "z" * 60000 + r"\ud83d"],
    ids=["half", "halves", "backslashes", "turned", "whole", "quote", "long"])
def test_whatever_is_in_the_comment(world, body):
    chain = SyntheticChain(plain=True, extra={5: [question("alice", body)]})
    world.node(chain, irreversible=LAST)
    world.run("--once", filter=RULES)
    world.expect(chain, (1, LAST), rules=RULES)
    ((delivery, token, *_),) = world.db.rows("CALL queue_claim('ask', 'bot', 1, 60)")
    world.db.execute("CALL reply(%s, %s, 'answer-bot', NULL, 'yes', NULL)", delivery, token)
    assert world.db.rows("SELECT parent_author, parent_permlink FROM comments") == (("alice", "q"),)


def test_not_under_what_took_the_place_of_a_reversible_block(world):
    seen = SyntheticChain(plain=True, extra={LAST + 2: [question("alice", "me")]})
    right = SyntheticChain(plain=True, extra={LAST + 2: [question("bob", "something else")]},
                           fork=(LAST + 1, "right"))
    node = world.node(seen, irreversible=LAST, head=LAST + 3)
    world.start(filter=RULES, reader=HASTY)
    world.db.wait_until("SELECT COUNT(*) FROM deliveries")
    ((delivery, token, *_),) = world.db.rows("CALL queue_claim('ask', 'bot', 1, 60)")
    node.reorganise(right, head=LAST + 8)
    node.advance(4)
    world.db.wait_until("SELECT is_orphaned FROM deliveries WHERE delivery_id = %s",
                        args=(delivery,))
    assert json.loads(world.db.value("SELECT payload FROM blockchain"))["author"] == "bob"
    with pytest.raises(pymysql.MySQLError, match="its operation is gone"):
        world.db.execute("CALL reply(%s, %s, 'answer-bot', NULL, 'yes', NULL)", delivery, token)
    assert world.db.value("SELECT COUNT(*) FROM comments") == 0


@pytest.mark.parametrize("author", ["ab", "abc-", "-abc", "1abc", "abcd.", ".abcd", "abc..def",
                                    "abc.de", "abc.-def", "abc.1ef", "Alice", "alice\n", "alice\r",
                                    "alice ", "älice", "a" * 17, "", "alice\x00", "a_b"])
def test_no_account_name(queue, author):
    bot = queue.bot()
    row, = bot.claim()
    assert number_of(bot.reply, row, "yes", author) == REFUSED
    assert queue.db.value("SELECT COUNT(*) FROM comments") == 0


@pytest.mark.parametrize("author", ["abc", "a-b", "a--b", "a1b2-c3-d4", "abc.def", "abc.d-f.g12", "a" * 16])
def test_account_names(queue, author):
    bot = queue.bot()
    row, = bot.claim()
    bot.reply(row, "yes", author)
    assert queue.db.value("SELECT author FROM comments") == author


@pytest.mark.parametrize("title,body,metadata,number", [
    ("x" * 255, "b", None, 0), ("x" * 256, "b", None, REFUSED), ("é" * 128, "b", None, REFUSED),
    (None, "b" * 64800, None, 0), (None, "b" * 65100, None, REFUSED),
    (None, "é" * 33000, None, REFUSED), (None, "b" * 40000, '{"a":"' + "m" * 30000 + '"}', REFUSED),
    (None, "", None, REFUSED), (None, None, None, REFUSED), (None, " \t\r\n", None, REFUSED),
    (None, "\u00a0\u3000", None, REFUSED), (None, "\n.", None, 0), (None, "b", "{", REFUSED),
    (None, "b", " ", REFUSED),
    (None, "b", '{"app":"bot/1"}', 0)],
    ids=["title255", "title256", "title256-bytes", "long", "too-long", "too-long-bytes", "metadata",
         "empty", "null", "blank", "other-spaces", "a-dot", "no-json", "blank-json", "json"])
def test_what_the_chain_takes(queue, title, body, metadata, number):
    bot = queue.bot()
    row, = bot.claim()
    assert number_of(bot.reply, row, body, "the-bot", title, metadata) == number
    assert queue.db.value("SELECT COUNT(*) FROM comments") == (number == 0)


@pytest.mark.parametrize("permlink, parent_author, parent_permlink, number", [
    ("a-post-1", "", "life", 0), ("x" * 255, "alice", "a--b-", 0), ("a", "a--b", "q", 0),
    ("Hello", "", "life", REFUSED), ("a post", "", "life", REFUSED), ("a_b", "", "life", REFUSED),
    ("a\n", "", "life", REFUSED), ("é", "", "life", REFUSED), (" ", "", "life", REFUSED),
    ("x" * 256, "", "life", REFUSED), ("", "", "life", REFUSED), ("p", "", "My Life", REFUSED),
    ("p", "", "life ", REFUSED), ("p", "", "", REFUSED), ("p", "@alice", "q", REFUSED),
    ("p", "Alice", "q", REFUSED), ("p", "alice\n", "q", REFUSED), ("p", " ", "q", REFUSED),
    ("p", "a" * 17, "q", REFUSED)])
def test_where_the_chain_takes_it(queue, permlink, parent_author, parent_permlink, number):
    """Of a new comment the chain checks both permlinks and the parent's name, too."""
    assert number_of(queue.bot().call, "outbox_add", "the-bot", permlink, parent_author,
                     parent_permlink, "", "body", None) == number
    assert queue.db.value("SELECT COUNT(*) FROM comments") == (number == 0)
