"""sql/grants.sql: a reader, a consumer, an operator, a monitor and a poster can do their work, and no more."""

import re

import pymysql
import pytest

from harness import operations
from harness.bots import Bots
from harness.chain import TOP, SyntheticChain


ROLES = ("reader", "consumer", "operator", "monitor", "poster")


@pytest.fixture
def granted(world):
    """The file run as its text says, with names of this test."""
    run_grants(world)
    return world


def run_grants(world):
    text = (TOP / "sql" / "grants.sql").read_text("utf-8")
    text = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    for word in ("USE steem", "''steem_reader''", "''steem_consumer''", "''steem_operator''",
                 "''steem_monitor''", "''steem_poster''"):
        assert word in text
    text = text.replace("USE steem", f"USE {world.database}")
    text = re.sub(r"''steem_(\w+)''@''%''", rf"''{world.database}_\1''@''localhost''", text)
    for _ in range(2):
        world.server.execute(*filter(None, map(str.strip, text.split(";"))))


def give_password(world, role, password="open sesame"):
    """What the first lines of the file say."""
    command = re.search(r"ALTER USER 'steem_reader'@'%' (IDENTIFIED BY '\.\.\.' ACCOUNT UNLOCK);",
                        (TOP / "sql" / "grants.sql").read_text("utf-8"))[1]
    world.server.execute(f"ALTER USER {world.database}_{role}@localhost "
                         + command.replace("...", password))


@pytest.fixture
def open_accounts(granted):
    """The five accounts, opened, without a password."""
    for role in ROLES:
        give_password(granted, role, "")
    return granted


def user(world, role):
    return {"user": f"{world.database}_{role}"}


def refused(world, role, statement):
    with world.server.connect(world.database, **user(world, role)) as connection:
        with connection.cursor() as cursor, pytest.raises(pymysql.MySQLError, match="denied"):
            cursor.execute(statement)


def allowed(world, role, statement):
    with world.server.connect(world.database, **user(world, role)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()


def test_nobody_comes_in_before_there_is_a_password(granted):
    world = granted
    node = world.node(irreversible=30)
    for role in ROLES:
        with pytest.raises(pymysql.MySQLError, match="denied"):
            world.server.connect(world.database, **user(world, role))
    # With a password, and still locked.
    world.server.execute(f"ALTER USER {world.database}_reader@localhost IDENTIFIED BY ''")
    reader = world.run("--once", database=user(world, "reader"), code=77)
    reader.wait_for("ended", containing="ACCOUNT UNLOCK")
    world.allow_errors("ended")
    give_password(world, "reader")
    with pytest.raises(pymysql.MySQLError, match="denied"):
        world.server.connect(world.database, **user(world, "reader"))
    secret = world.folder / "password"
    secret.write_text("open sesame")
    secret.chmod(0o600)
    world.run("--once", database={**user(world, "reader"), "password_file": str(secret)})
    world.expect(node.chain, (1, 30))


def test_a_reader_can_do_everything_with_these_rights(open_accounts):
    world, database = open_accounts, user(open_accounts, "reader")
    node = world.node(irreversible=100)
    rules = [{"operation": "vote"}]
    world.run("--once", database=database, reader={"start_block": 20})
    world.forget_blocks(40, 41)
    world.forget_blocks(50, operations=False)
    world.run("--gaps", "--check", database=database, code=1)
    daemon = world.start(database=database, name="daemon", reader={"start_block": 20})
    daemon.wait_for("tail_started")
    world.run("--backfill", "5-9", database=database)
    world.db.wait_blocks(86)
    world.run("--status", database=database)
    assert daemon.stop() == 0
    world.run("--forget", "daemon", database=database)
    world.run("--activate-filter", database=database, filter=rules)
    world.run("--backfill", "5-9", "--refilter", database=database, filter=rules)
    world.run("--once", database=database, filter=rules)
    world.expect(node.chain, (1, 100), rules_at=lambda n: rules if n < 20 else None)


def test_retention_and_the_outbox_need_no_more(open_accounts):
    world, database = open_accounts, user(open_accounts, "reader")
    chain = SyntheticChain(extra={55: [operations.made("comment", author="bot", permlink="a")]})
    node = world.node(chain, irreversible=50)
    settings = {"database": database, "filter": [{"queue": "all"}], "queue": {"keep_days": 1}}
    world.db.execute("INSERT INTO comments (author, permlink, parent_author, parent_permlink, body,"
                     " json_metadata, created_at) VALUES ('bot', 'a', 'b', 'b', 'b', '{}', NOW())")
    world.run("--once", **settings)
    for _ in range(10):
        allowed(world, "consumer", "CALL queue_claim('all', 'w', 1000, 60)")
    world.db.execute("INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block,"
                     " op_in_trx, virtual_op, block_crc, state, attempts, created_at, finished_at)"
                     " SELECT delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op,"
                     " block_crc, 'done', 1, created_at, IF(block < 30, '2020-01-01', NOW())"
                     " FROM deliveries_open WHERE block <> 40")
    world.db.execute("DELETE FROM deliveries_open WHERE block <> 40")
    world.start(**settings).wait_for("deliveries_removed")
    node.advance(10)
    world.db.wait_until("SELECT state FROM comments", lambda state: state == "confirmed")
    world.run("--purge", "45", **settings)
    assert world.db.value("SELECT COUNT(DISTINCT block) FROM blockchain WHERE block < 45") <= 1
    world.run("--verify", "1-50", "--deep", **settings)
    world.run("--status", "--queues", database=database)
    world.expect(chain, (1, 60), rules=settings["filter"], purged=True,
                 gone=lambda key: key[0] < 45 and key[0] != 40)


VOTE = '[["vote",{"voter":"the-bot","author":"alice","permlink":"p","weight":1}]]'
SIGN = ("INSERT INTO signed_trxs (trx_id, account, action_id, signed_trx, ref_block, expiration, created_at)"
        " SELECT REPEAT('a', 40), account, action_id, '{}', 1, '2016-03-24', UTC_TIMESTAMP(6) FROM actions LIMIT 1")


def test_from_the_bot_to_the_confirmation(open_accounts):
    """Each with its own rights: a consumer asks, a poster signs, a reader confirms, an operator tries again."""
    world = open_accounts
    name = [operations.made("vote", voter="the-bot", permlink="p")]
    chain = SyntheticChain(extra={20: name})
    world.node(chain, irreversible=30)
    allowed(world, "consumer", f"CALL outbox_act('the-bot', 'key', '{VOTE}')")
    allowed(world, "consumer", f"CALL outbox_act('the-bot', 'other', '{VOTE}')")
    allowed(world, "consumer", "CALL outbox_add('the-bot', 'p', '', 'life', '', 'body', NULL)")
    allowed(world, "consumer", "CALL outbox_options('the-bot', 'p', '{}')")
    allowed(world, "poster", "SELECT comment_id, options FROM comments WHERE state = 'pending' FOR UPDATE")
    for statement in (
            "UPDATE comments SET state = 'held', error = 'too much' WHERE state = 'pending'",
            "INSERT INTO senders (account, token, lease_until) VALUES ('the-bot', 't', UTC_TIMESTAMP(6))",
            "UPDATE senders SET count_today = count_today + 1", SIGN,
            "UPDATE actions SET state = 'sent', attempts = attempts + 1 WHERE action_key = 'key'",
            "UPDATE signed_trxs SET sends = sends + 1, last_node = 'n'"):
        allowed(world, "poster", statement)
    trx, = [op.trx_id for op in chain.block(20).operations if '"the-bot"' in op.payload]
    world.db.execute("UPDATE signed_trxs SET trx_id = %s", trx)
    world.run("--once", database=user(world, "reader"))
    assert world.db.rows("SELECT a.state, a.block, t.outcome FROM actions a JOIN signed_trxs t USING (action_id)") \
        == (("confirmed", 20, "confirmed"),)
    comment = world.db.value("SELECT comment_id FROM comments")
    allowed(world, "operator", f"CALL outbox_requeue('comment', {comment})")
    allowed(world, "operator", "CALL sender_pause('the-bot', 'why')")
    assert allowed(world, "monitor", "SELECT paused, pending FROM sender_status") == ((1, 2),)
    allowed(world, "operator", "CALL sender_resume('the-bot')")
    allowed(world, "consumer", f"CALL outbox_cancel('comment', {comment})")
    for role in ROLES:
        assert allowed(world, role, "SELECT failed FROM outbox_status") == ((1,),)
        assert len(allowed(world, role, "SELECT * FROM sender_status")) == 1
    for table in ("blocks", "gaps", "trxs_seen", "comments_seen", "readers", "schema_version", "actions"):
        allowed(world, "poster", f"SELECT COUNT(*) FROM {table}")
    world.expect(chain, (1, 30))


@pytest.mark.parametrize("role, statement", [
    ("poster", "INSERT INTO comments (author) VALUES ('a')"), ("poster", "DELETE FROM comments"),
    ("poster", "INSERT INTO actions (account) VALUES ('a')"), ("poster", "DELETE FROM actions"),
    ("poster", "DELETE FROM signed_trxs"), ("poster", "DELETE FROM senders"), ("poster", "DELETE FROM trxs_seen"),
    ("poster", "INSERT INTO trxs_seen VALUES ('a', 1, NOW())"), ("poster", "UPDATE blocks SET is_searched = 1"),
    ("poster", "SELECT * FROM blockchain"), ("poster", "SELECT * FROM deliveries_open"),
    ("poster", f"CALL outbox_act('the-bot', 'a', '{VOTE}')"), ("poster", "SELECT * FROM bots"),
    ("consumer", "UPDATE actions SET state = 'sent'"), ("consumer", "UPDATE signed_trxs SET sends = 1"),
    ("consumer", "INSERT INTO senders (account) VALUES ('a')"), ("consumer", "CALL sender_resume('the-bot')"),
    ("consumer", "CALL sender_pause('the-bot', 'x')"), ("consumer", "CALL outbox_requeue('action', 1)"),
    ("monitor", "UPDATE senders SET paused_at = NULL"), ("monitor", "CALL sender_pause('the-bot', 'x')"),
    ("operator", "UPDATE signed_trxs SET outcome = 'expired'"), ("operator", "DELETE FROM signed_trxs"),
    ("reader", "INSERT INTO actions (account) VALUES ('a')"), ("reader", "DELETE FROM signed_trxs"),
    ("reader", "INSERT INTO signed_trxs (trx_id) VALUES ('a')"), ("reader", "UPDATE senders SET day = NULL")])
def test_what_nobody_else_may_do_to_what_is_sent(open_accounts, role, statement):
    db = open_accounts.db
    db.execute("INSERT INTO senders (account) VALUES ('the-bot')")
    db.execute("INSERT INTO actions (action_id, account, action_key, operations, authority, state, created_at)"
               " VALUES (1, 'the-bot', 'a', '[]', 'posting', 'failed', NOW())")
    refused(open_accounts, role, statement)


@pytest.mark.parametrize("statement", [
    "DELETE FROM blocks", "DROP TABLE blocks", "UPDATE blockchain SET payload = ''",
    "CREATE TABLE other (a INT)", "ALTER TABLE blocks ADD x INT", "SELECT * FROM mysql.user"])
def test_what_a_reader_may_not_do(open_accounts, statement):
    refused(open_accounts, "reader", statement)


def test_what_a_consumer_and_a_monitor_may_do(open_accounts):
    world = open_accounts
    node = world.node(irreversible=30)
    world.run("--once", database=user(world, "reader"))
    for role in ("consumer", "monitor"):
        allowed(world, role, "SELECT * FROM gaps")
        allowed(world, role, "SELECT * FROM reader_status")
        refused(world, role, "DELETE FROM blocks")
        refused(world, role, "INSERT INTO ranges (first_block) VALUES (1)")
        refused(world, role, "UPDATE readers SET name = 'x'")
        for command in (["--status"], ["--status", "--queues"], ["--gaps", "--check", "--dry-run"]):
            world.run(*command, database=user(world, role))
    assert allowed(world, "consumer", "SELECT COUNT(*) FROM blockchain")[0][0] > 0
    refused(world, "monitor", "SELECT * FROM blockchain")
    world.expect(node.chain, (1, 30))


@pytest.mark.parametrize("language", ["python", "node"])
def test_a_bot_can_do_its_work_with_these_rights(granted, language):
    world = granted
    give_password(world, "consumer")
    secret = world.folder / "password"
    secret.write_text("open sesame\n")
    bots = Bots(world, language)
    rules = [{"operation": "comment", "queue": "ask"}]
    node = world.node(irreversible=60)
    world.run("--once", filter=rules)
    world.expect(node.chain, (1, 60), rules=rules)
    bot = bots.start(DB_USER=user(world, "consumer")["user"], DB_PASSWORD_FILE=str(secret))
    try:
        world.db.wait_until("SELECT COUNT(*) FROM deliveries_open", lambda count: not count)
        bot.stop()
    finally:
        bots.close()
        print(bots.report())
    assert world.db.value("SELECT COUNT(*) FROM comments") > 0, bots.report()
    assert world.db.value("SELECT COUNT(*) FROM deliveries WHERE state <> 'done'") == 0
