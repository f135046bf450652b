"""doc/consumers.md: each statement in it runs, does what the text says, and needs no more rights."""

import contextlib
import re

import pymysql
import pytest
from test_grants import give_password, granted, user  # pylint: disable=unused-import

from harness.chain import TOP

LAST = 60
RULES = [{"operation": "comment", "queue": "ask"}]
TEXT = (TOP / "doc" / "consumers.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sql\n(.*?)^```", TEXT, re.M | re.S)
STATE = "SELECT state, attempts, last_error FROM deliveries WHERE delivery_id = @delivery_id"
COMMENT = "SELECT state, attempts, error, not_before FROM comments WHERE comment_id = @comment_id"


def statements(block):
    return [one.strip() for one in re.sub(r"--.*", "", block).split(";") if one.strip()]


def block_with(*words):
    """The one block that has all of these words."""
    found = [block for block in BLOCKS if all(word in block for word in words)]
    assert len(found) == 1, (words, found)
    return found[0]


# What the text gives to the operator.
OPERATOR = re.compile("UPDATE queues|INSERT INTO deliveries_open|DELETE e FROM|CALL queue_(?:pause|resume|requeue)")


class Consumer:
    """A connection with the rights of a consumer, and what it holds; another of the operator."""

    def __init__(self, world):
        self.connection = world.server.connect(world.database, **user(world, "consumer"))
        self.operator = world.server.connect(world.database, **user(world, "operator"))
        self.rows("SET SESSION sql_mode = 'STRICT_TRANS_TABLES'")

    def rows(self, statement, *args):
        is_operator = OPERATOR.search(statement)
        with (self.operator if is_operator else self.connection).cursor() as cursor:
            cursor.execute(statement, args or None)
            return cursor.fetchall()

    def claim(self):
        ((delivery_id, token, *_),) = self.rows("CALL queue_claim('ask', 'the document', 1, 10)")
        self.rows("SET @delivery_id = %s, @token = %s", delivery_id, token)
        return delivery_id

    def run(self, *words):
        """The block with these words; the rows of its last statement."""
        for statement in statements(block_with(*words)):
            rows = self.rows(statement)
        return rows

    def state(self):
        return self.rows(STATE)[0]


@pytest.fixture
def world_with_asks(granted):  # pylint: disable=redefined-outer-name
    """Some thirty deliveries, and the account of the consumer."""
    world = granted
    for role in ("consumer", "operator"):
        give_password(world, role, "")
    node = world.node(irreversible=LAST)
    world.run("--once", filter=RULES)
    world.expect(node.chain, (1, LAST), rules=RULES)
    return world


@pytest.fixture
def consumer(world_with_asks):
    made = Consumer(world_with_asks)
    yield made
    made.connection.close()
    made.operator.close()


def test_every_statement_runs(world_with_asks, consumer):
    for block in BLOCKS:
        consumer.claim()
        world_with_asks.db.execute("UPDATE comments SET state = 'pending'")
        consumer.rows("SET @comment_id = (SELECT MIN(comment_id) FROM comments), @trx_id = REPEAT('a', 40), @error = 'no',"
                      " @expiration = UTC_TIMESTAMP(6)")
        for statement in statements(block):
            consumer.rows(statement)
        consumer.rows("COMMIT")


def test_a_claim_gives_what_the_text_says(consumer):
    with consumer.connection.cursor(pymysql.cursors.DictCursor) as cursor:
        cursor.execute(statements(block_with("CALL queue_claim"))[0])
        (row,) = cursor.fetchall()
    told = TEXT.split("gives up to 1 row:")[1].split("(`doc/database.md`")[0]
    assert re.findall(r"`(\w+)`", told) == list(row)


def test_an_answer_and_its_end(consumer):
    delivery_id = consumer.claim()
    consumer.run("CALL queue_renew")
    assert consumer.rows("SELECT lease_until > UTC_TIMESTAMP(6) + INTERVAL 50 SECOND"
                         " FROM deliveries WHERE delivery_id = @delivery_id") == ((1,),)
    consumer.run("CALL reply")
    consumer.rows("ROLLBACK")
    assert consumer.state()[0] == "done"
    assert consumer.rows("SELECT delivery_id, state FROM comments") == ((delivery_id, "pending"),)
    # What may be said twice, and what may not.
    consumer.rows("CALL queue_done(@delivery_id, @token)")
    for statement in ("CALL reply(@delivery_id, @token, 'ask-bot', NULL, 'again', NULL)",
                      "CALL queue_fail(@delivery_id, @token, 'no')",
                      "CALL queue_renew(@delivery_id, @token, 60)"):
        with pytest.raises(pymysql.MySQLError) as raised:
            consumer.rows(statement)
        assert raised.value.args[0] == 31001


def test_the_other_ends(consumer):
    consumer.claim()
    consumer.run("CALL queue_retry")
    assert consumer.state()[:2] == ("ready", 1) and "did not answer" in consumer.state()[2]
    assert consumer.rows("SELECT waiting FROM queue_status") == ((1,),)
    consumer.claim()
    consumer.run("CALL queue_fail")
    consumer.run("CALL queue_fail")
    assert consumer.state() == ("failed", 1, "no question in it")
    consumer.claim()
    consumer.run("CALL queue_release")
    assert consumer.state()[:2] == ("ready", 0)


def recipe(consumer):
    """The statement in the text that writes statements, and those."""
    made = re.search(r'mariadb -N steem -e "(.*?)" \| mariadb --force steem', TEXT, re.S)[1]
    for (statement,) in consumer.rows(made):
        with contextlib.suppress(pymysql.MySQLError):
            consumer.rows(statement.rstrip(";"))


def at_once(consumer):
    consumer.run("INSERT INTO deliveries_open")


@pytest.mark.parametrize("way", [recipe, at_once])
def test_all_that_failed_again(world_with_asks, consumer, way):
    failed = []
    for _ in range(5):
        failed.append(consumer.claim())
        consumer.run("CALL queue_fail")
    consumer.claim()
    consumer.rows("CALL queue_done(@delivery_id, @token)")
    # Of one the operation is gone: it cannot be handed out again.
    removed = failed.pop()
    world_with_asks.audits.clear()
    world_with_asks.db.execute("DELETE FROM blockchain WHERE block = %s", removed >> 20)
    failed = [one for one in failed if one >> 20 != removed >> 20]
    way(consumer)
    assert consumer.rows("SELECT state, COUNT(*) FROM deliveries_ended GROUP BY state"
                         " ORDER BY state") == (("done", 1), ("failed", 5 - len(failed)))
    assert consumer.rows("SELECT COUNT(*) FROM deliveries WHERE delivery_id IN %s"
                         " AND state = 'ready' AND attempts = 0", failed) == ((len(failed),),)


def test_options_of_a_queue(consumer):
    consumer.run("order_by = 'account'")
    consumer.run("max_attempts")
    assert consumer.rows("SELECT order_by, max_attempts, retry_s, retry_max_s FROM queues") == \
        (("account", 20, 10, 600),)
    table = TEXT.split("| `order_by` |")[1].split("\n\n")[0]
    in_table = re.findall(r"^\| `(\w+)` \|", table, re.M)
    enum = consumer.rows("SHOW COLUMNS FROM queues LIKE 'order_by'")[0][1]
    assert in_table == re.findall(r"'(\w+)'", enum)


def test_the_broadcaster(world_with_asks, consumer):
    world = world_with_asks
    consumer.claim()
    consumer.run("CALL reply")
    ((comment_id, *_),) = consumer.run("oldest first")
    consumer.rows("SET @comment_id = %s, @trx_id = REPEAT('a', 40), @error = 'too fast',"
                  " @expiration = (SELECT timestamp FROM blocks WHERE block = %s)",
                  comment_id, LAST - 1)

    def send():
        consumer.run("CALL outbox_sent")
        return consumer.rows(COMMENT)[0]

    assert send()[:3] == ("sent", 1, None)
    assert consumer.run("oldest first") == ()
    consumer.run("CALL outbox_retry")
    assert consumer.rows(COMMENT)[0][:3] == ("pending", 1, "too fast")
    assert consumer.run("oldest first") == ()  # not before half a minute is over
    world.db.execute("UPDATE comments SET not_before = NULL")
    assert send()[:2] == ("sent", 2)
    # A reader has seen it, and not yet said so; or has not read up to the expiration.
    world.db.execute("INSERT INTO comments_seen SELECT author, permlink, 1, NULL, UTC_TIMESTAMP(6)"
                     " FROM comments")
    consumer.run("CALL outbox_expire")
    assert consumer.rows(COMMENT)[0][0] == "sent"
    world.db.execute("DELETE FROM comments_seen")
    world.db.execute("UPDATE comments SET not_before = not_before + INTERVAL 3 SECOND")
    consumer.run("CALL outbox_expire")
    assert consumer.rows(COMMENT)[0][0] == "sent"
    world.db.execute("UPDATE comments SET not_before = not_before - INTERVAL 3 SECOND")
    consumer.run("CALL outbox_expire")
    assert consumer.rows(COMMENT)[0][:3] == ("pending", 2, "expired, and is not on the chain")
    assert send()[:2] == ("sent", 3)
    world.db.execute("UPDATE comments SET state = 'confirmed'")
    for procedure in ("outbox_retry", "outbox_fail", "outbox_expire"):
        consumer.run(f"CALL {procedure}")
    with pytest.raises(pymysql.MySQLError, match="do not send") as raised:
        send()
    assert raised.value.args[0] == 31001
    assert consumer.rows(COMMENT)[0][:2] == ("confirmed", 3)
    world.db.execute("UPDATE comments SET state = 'sent'")
    consumer.run("CALL outbox_fail")
    assert consumer.rows(COMMENT)[0][0] == "failed"


def test_all_procedures_are_in_the_text():
    """With as many arguments as they have; but for those that are for the others."""
    sql = (TOP / "sql" / "procedures.sql").read_text("utf-8")
    made = {name: len(re.findall(r"\bIN p_", arguments)) for comment, name, arguments in re.findall(
        r"((?:^--[^\n]*\n)*)^CREATE [^\n]*PROCEDURE (\w+)\((.*?)\n\tMODIFIES", sql,
        re.M | re.S)
        if not re.search(r"-- (Internal:|For queue_)", comment)}
    table = TEXT.split("### The procedures")[1].split("###")[0]
    told = {name: arguments.count(",") + 1 for name, arguments in
            re.findall(r"`(\w+)\(([^)]*)\)`", "".join(re.findall(r"^\| (.*?) \|", table, re.M)))}
    assert made == told and len(made) > 8
