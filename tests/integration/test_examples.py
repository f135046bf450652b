"""The bots in examples/: each question is answered once, whatever happens on the way."""

import contextlib
import json

import pytest

from harness import servers
from harness.bots import AUTHOR, Bots
from harness.chain import SyntheticChain

LAST = 40
RULES = [{"operation": "comment", "body_prefix": "!ask", "queue": "ask"}]
OTHERS = ("SELECT COUNT(*) FROM information_schema.processlist"
          " WHERE db = DATABASE() AND id <> CONNECTION_ID()")
LANGUAGES = ["python", "node", "shell"]
# What answer() may be replaced by, in each of the languages that are no command.
SLOW = {"python": "def answer(delivery):\n time.sleep(SECONDS)\n return 'at last'",
        "node": "async function answer(delivery) { await sleep(1000 * SECONDS); return 'at last'; }"}
TROUBLE = {"python": "def answer(delivery):\n raise TimeoutError('come again')",
           "node": "async function answer(delivery) { throw new Error('come again'); }"}
HOPELESS = {"python": "def answer(delivery):\n raise Hopeless('never')",
            "node": "function answer(delivery) { throw new Hopeless('never'); }"}
QUOTES = {"python": "import json\ndef answer(delivery):\n"
                    " return json.loads(delivery['payload'])['body']",
          "node": "const answer = (delivery) => JSON.parse(delivery.payload).body;"}
EMPTY = {"python": "def answer(delivery):\n return ''", "node": "const answer = () => '';"}


def question(author, permlink):
    """A comment that asks, as operations of a block come."""
    return "comment", json.dumps({
        "parent_author": "", "parent_permlink": "life", "author": author, "permlink": permlink,
        "title": "", "body": f"!ask what, \"{AUTHOR}\"? \\ \u00e4\U0001f600",
        "json_metadata": "{}"})


def ask(world, *asked):
    """A chain with these questions, each (author, permlink), read by a reader."""
    extra = {}
    for serial, one in enumerate(asked):
        extra.setdefault(1 + serial % LAST, []).append(question(*one))
    node = world.node(SyntheticChain(plain=True, extra=extra), irreversible=LAST)
    world.run("--once", filter=RULES)
    world.expect(node.chain, (1, LAST), rules=RULES)
    assert states(world) == {"ready": len(asked)}


def many(count):
    return [(f"asker{serial}", f"q-{serial}") for serial in range(count)]


def states(world):
    """How many deliveries there are in each state."""
    return dict(world.db.rows("SELECT state, COUNT(*) FROM deliveries GROUP BY state"))


def wait_ended(world, count, timeout=30):
    world.db.wait_until("SELECT COUNT(*) FROM deliveries_ended", lambda n: n >= count, timeout)


def wait_alone(world):
    """Until the server has noticed that the others are gone, and rolled back what they had open."""
    world.db.wait_until(OTHERS, lambda count: not count)


def kill(world, bot):
    bot.kill()
    wait_alone(world)


def cut_off(world):
    """The connections of all others end."""
    world.db.kill_others("db = DATABASE()")


def expire_leases(world):
    """As if the leases of those who are dead had run out."""
    world.db.execute("UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6)"
                     " WHERE token IS NOT NULL")


def check_answers(world, asked):
    """One answer to each question, under it; all deliveries done."""
    assert states(world) == {"done": len(asked)}
    answers = world.db.rows(
        "SELECT parent_author, parent_permlink, author, body, state FROM comments")
    assert sorted(row[:2] for row in answers) == sorted(asked)
    assert {row[2] for row in answers} == {AUTHOR} and {row[4] for row in answers} == {"pending"}
    assert all("42" in row[3] for row in answers)
    assert world.db.value("SELECT COUNT(DISTINCT delivery_id) FROM comments") == len(asked)


@pytest.fixture
def make_bots(world):
    made = []

    def make(language):
        made.append(Bots(world, language))
        return made[-1]

    yield make
    for bots in made:
        bots.close()
        print(bots.report())


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_question_gets_one_answer(world, make_bots, language):
    bots = make_bots(language)
    asked = many(20)
    ask(world, *asked)
    world.db.execute("CALL queue_pause('ask')")
    running = [bots.start(), bots.start()]
    world.db.wait_until(OTHERS, lambda count: count >= 2)
    assert states(world) == {"ready": 20}
    world.db.execute("CALL queue_resume('ask')")
    wait_ended(world, 20)
    for bot in running:
        bot.stop()
    check_answers(world, asked)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_bot_does_not_answer_itself(world, make_bots, language):
    bots = make_bots(language)
    ask(world, (AUTHOR, "mine"), ("alice", AUTHOR))
    bot = bots.start()
    wait_ended(world, 2)
    bot.stop()
    assert states(world) == {"done": 2}
    assert world.db.rows("SELECT parent_author, parent_permlink FROM comments") == \
        (("alice", AUTHOR),)


@pytest.mark.parametrize("language", LANGUAGES)
def test_killed_in_the_middle(world, make_bots, language):
    bots = make_bots(language)
    asked = many(60)
    ask(world, *asked)
    for done in (5, 20, 35):
        bot = bots.start()
        wait_ended(world, done)
        kill(world, bot)
        expire_leases(world)
    assert world.db.value("SELECT COUNT(*) FROM deliveries_open") > 0
    bot = bots.start()
    wait_ended(world, 60)
    bot.stop()
    check_answers(world, asked)


@pytest.mark.parametrize("language", LANGUAGES)
def test_killed_between_the_answer_and_its_commit(world, make_bots, language):
    bots = make_bots(language)
    asked = many(1)
    ask(world, *asked)
    with contextlib.closing(world.connect()) as other:
        # Who holds a row under the answer's name makes the bot wait in its transaction.
        other.begin()
        other.cursor().execute(
            "INSERT INTO comments (author, permlink, parent_author, parent_permlink, body,"
            " json_metadata, created_at) SELECT %s, CONCAT('re-ask-', trx_id, '-', op_in_trx), '',"
            " '', '', '', UTC_TIMESTAMP(6) FROM blockchain", (AUTHOR,))
        bot = bots.start()
        # MySQL names the call, MariaDB the statement inside of it.
        world.db.wait_until(OTHERS + " AND time >= 1 AND (info LIKE 'INSERT INTO comments%'"
                            " OR info LIKE 'CALL reply%')")
        bot.kill()
        other.rollback()
    wait_alone(world)
    assert world.db.value("SELECT COUNT(*) FROM comments") == 0
    assert states(world) == {"claimed": 1}
    expire_leases(world)
    bot = bots.start()
    wait_ended(world, 1)
    bot.stop()
    check_answers(world, asked)
    assert world.db.value("SELECT attempts FROM deliveries") == 2


@pytest.mark.parametrize("language", LANGUAGES[:2])
def test_the_lease_is_renewed_while_the_work_is_slow(world, make_bots, language):
    bots = make_bots(language)
    ask(world, *many(1))
    bot = bots.start(answer=SLOW[language].replace("SECONDS", "4.5"), lease_s=3)
    world.db.wait_until("SELECT COUNT(*) FROM deliveries WHERE state = 'claimed'")
    taken = []

    def is_done(state):
        taken.extend(world.db.rows("CALL queue_claim('ask', 'another', 1, 60)"))
        return taken or state == "done"

    world.db.wait_until("SELECT state FROM deliveries", is_done)
    assert not taken
    bot.stop()
    assert world.db.rows("SELECT attempts FROM deliveries") == ((1,),)
    assert world.db.rows("SELECT body FROM comments") == (("at last",),)


@pytest.mark.parametrize("language", LANGUAGES[:2])
def test_who_lost_the_lease_writes_nothing(world, make_bots, language):
    bots = make_bots(language)
    ask(world, *many(1))
    bot = bots.start(answer=SLOW[language].replace("SECONDS", "4"))
    world.db.wait_until("SELECT COUNT(*) FROM deliveries WHERE state = 'claimed'")
    expire_leases(world)
    ((delivery_id, token, *_),) = world.db.rows("CALL queue_claim('ask', 'another', 1, 60)")
    world.db.wait_until("SELECT 1", lambda _: str(delivery_id) in bot.text)
    assert world.db.rows("SELECT state, worker FROM deliveries") == (("claimed", "another"),)
    assert world.db.value("SELECT COUNT(*) FROM comments") == 0
    world.db.execute("CALL queue_retry(%s, %s, 0, 'you do it')", delivery_id, token)
    wait_ended(world, 1)
    bot.stop()
    assert world.db.rows("SELECT state, attempts FROM deliveries") == (("done", 3),)
    assert world.db.value("SELECT COUNT(*) FROM comments") == 1


@pytest.mark.parametrize("language", LANGUAGES[:2])
def test_an_answer_may_quote_anything(world, make_bots, language):
    bots = make_bots(language)
    ask(world, *many(1))
    world.db.execute(r"UPDATE blockchain SET payload = REPLACE(payload, 'what', '\\ud83d')")
    bot = bots.start(answer=QUOTES[language])
    wait_ended(world, 1)
    bot.stop()
    assert states(world) == {"done": 1}
    assert world.db.value("SELECT body FROM comments").replace("\ufffd", "?") == \
        f"!ask ?, \"{AUTHOR}\"? \\ \u00e4\U0001f600"
    world.audits.clear()  # for the row was changed


@pytest.mark.parametrize("language", LANGUAGES[:2])
def test_nothing_stays_where_the_end_was_refused(world, make_bots, language):
    bots = make_bots(language)
    ask(world, *many(2))
    world.db.execute("CREATE TRIGGER too_late BEFORE INSERT ON deliveries_ended FOR EACH ROW"
                     " SIGNAL SQLSTATE '45000' SET MYSQL_ERRNO = 31001, MESSAGE_TEXT = 'too late'")
    bot = bots.start()
    world.db.wait_until("SELECT 1", lambda _: bot.text.count("too late") == 2)
    bot.stop()
    assert states(world) == {"claimed": 2}
    assert world.db.value("SELECT COUNT(*) FROM comments") == 0


@pytest.mark.parametrize("language", LANGUAGES[:2])
@pytest.mark.parametrize("answer, attempts, error", [
    (TROUBLE, 2, "come again"), (HOPELESS, 1, "never"), (EMPTY, 1, "the body is empty")],
    ids=["trouble", "hopeless", "refused"])
def test_what_cannot_be_answered_is_failed(world, make_bots, language, answer, attempts, error):
    bots = make_bots(language)
    ask(world, *many(1))
    world.db.execute("UPDATE queues SET max_attempts = 2, retry_s = 0")
    bot = bots.start(answer=answer[language])
    wait_ended(world, 1)
    bot.stop()
    ((state, tried, last_error),) = world.db.rows(
        "SELECT state, attempts, last_error FROM deliveries")
    assert (state, tried) == ("failed", attempts) and error in last_error
    assert world.db.value("SELECT COUNT(*) FROM comments") == 0


@pytest.mark.parametrize("language", LANGUAGES[:2])
def test_lost_connections_and_deadlocks_are_tried_again(world, make_bots, language):
    bots = make_bots(language)
    asked = many(24)
    ask(world, *asked)
    # Every second answer is first a deadlock, or waits for a lock for too long. A table of this
    # engine is not rolled back.
    engine = "Aria" if servers.CHOSEN is servers.MariaDB else "MyISAM"
    world.db.execute(f"CREATE TABLE tries (permlink VARCHAR(200) PRIMARY KEY) ENGINE = {engine}"
                     " DEFAULT CHARACTER SET utf8mb4")
    world.db.execute(
        "CREATE TRIGGER troubles BEFORE INSERT ON comments FOR EACH ROW BEGIN"
        " IF NEW.parent_permlink REGEXP '[02468]$' AND NOT EXISTS (SELECT 1 FROM tries t"
        "  WHERE t.permlink = NEW.permlink) THEN INSERT INTO tries VALUES (NEW.permlink);"
        "  IF NEW.parent_permlink REGEXP '[04]$' THEN"
        "   SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213;"
        "  ELSE SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1205; END IF; END IF; END")
    bot = bots.start(lease_s=2)
    for done in (3, 8, 13):
        wait_ended(world, done)
        cut_off(world)
    wait_ended(world, 24)
    for _ in range(4):  # also while it has nothing to do
        world.db.wait_until(OTHERS)
        cut_off(world)
    bot.stop()
    check_answers(world, asked)
    assert world.db.value("SELECT COUNT(*) FROM tries") == 12
    assert "trying again" in bot.text


@pytest.mark.parametrize("language", LANGUAGES[:2])
def test_what_an_administrator_cures_ends_no_bot_that_has_worked(world, make_bots, language):
    ask(world, *many(1))
    bot = make_bots(language).start()
    wait_ended(world, 1)
    text = world.db.rows("SHOW CREATE PROCEDURE queue_claim")[0][2]
    world.db.execute("DROP PROCEDURE queue_claim")
    world.db.wait_until("SELECT 1", lambda _: "trying again" in bot.text)
    world.db.execute(text.replace("%", "%%"))
    world.db.execute("CALL queue_requeue(%s)", world.db.value("SELECT delivery_id FROM deliveries_ended"))
    wait_ended(world, 1)
    bot.stop()


@pytest.mark.parametrize("language", LANGUAGES[:2])
def test_an_account_that_is_locked_for_a_while(world, make_bots, language):
    account = "locked@localhost"
    world.server.execute(f"DROP USER IF EXISTS {account}", f"CREATE USER {account}",
                         f"GRANT EXECUTE ON `{world.database}`.* TO {account}")
    world.db.execute("INSERT INTO bots (account, queue, author) VALUES ('locked', '*', '*')")
    ask(world, *many(1))
    bot = make_bots(language).start(DB_USER="locked")
    wait_ended(world, 1)
    world.server.execute(f"ALTER USER {account} ACCOUNT LOCK")
    cut_off(world)
    world.db.wait_until("SELECT 1", lambda _: "locked" in bot.text and "trying again" in bot.text)
    world.server.execute(f"ALTER USER {account} ACCOUNT UNLOCK")
    world.db.execute("CALL queue_requeue(%s)", world.db.value("SELECT delivery_id FROM deliveries_ended"))
    wait_ended(world, 1)
    bot.stop()


@pytest.mark.parametrize("language", LANGUAGES[:2])
def test_a_bot_stops_while_the_database_is_away(world, make_bots, language):
    bot = make_bots(language).start(DB_SOCKET=str(world.folder / "no-such-socket"))
    world.db.wait_until("SELECT 1", lambda _: bot.text.count("trying again") > 2)
    bot.stop()


@pytest.mark.parametrize("language", LANGUAGES[:2])
def test_a_bot_says_what_it_cannot_do_and_ends(world, make_bots, language):
    bots = make_bots(language)
    for settings, message in (({}, "no such queue"), ({"AUTHOR": ""}, "AUTHOR is not set"),
                              ({"DB_USER": "nobody-we-know"}, "nobody-we-know")):
        bot = bots.start(**settings)
        assert bot.process.wait(20) == 1
        assert message in bot.text
