"""Keys that live elsewhere: a command gets a digest and gives a signature, and may do so badly.

Whatever it does, nothing is signed twice, nothing is lost, and no other account waits for it.
"""

import contextlib
import hashlib
import pathlib

import pytest

from harness import effects, wallet, worker
from harness.exposition import LISTEN, Endpoint
from harness.network import Network
from harness.poster import Outbox, poster_program, transfer
from harness.reader import is_sanitized
from harness.signing_command import SigningCommand
from test_poster import memory_of

pytestmark = pytest.mark.skipif(not poster_program(), reason="steem-poster is not built")
BLOCK_S = 0.1


@pytest.fixture(name="outbox")
def outbox_of_a_world(world):
    """An outbox, a reader, and a network of one node."""
    made = Outbox(world)
    made.network = Network()
    made.node = world.join(made.network)
    world.start(reader={"proof": "content"})
    made.network.live(BLOCK_S)
    yield made
    made.network.still()


@pytest.fixture(name="command")
def signing_command(tmp_path):
    return SigningCommand(tmp_path)


def audit(outbox, *accounts):
    """Once in effect, bytes as they were signed, pace kept: read from the chain."""
    with contextlib.closing(outbox.world.connect()) as connection:
        return effects.audit(connection, outbox.network, set(accounts), settled=True)


def begin(outbox, *entries, **options):
    poster = outbox.start(entries=entries, **options)
    poster.wait_for("node_used")
    return poster


def expire_lease(outbox):
    outbox.db.execute("UPDATE senders SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 6 SECOND")


# ---- what it does

def test_commands_sign_for_both_authorities_beside_files(outbox, command):
    """A comment, a transfer, custom operations; what each run is given."""
    poster = begin(outbox, command.entry("bot-one", timeout_s=20), outbox.entry("bot-two"),
                   command.entry("bot-one", "active", allow=["transfer"]))
    outbox.comment("bot-one", "re-question")
    outbox.ask("bot-one", transfer("bot-one", "alice"), authority="active")
    for account in ("bot-one", "bot-two", "bot-one"):
        outbox.custom(account)
    outbox.wait_all()
    outbox.wait_all(table="comments")
    audit(outbox, "bot-one", "bot-two")
    runs = command.runs()
    assert {run["authority"] for run in runs} == {"posting", "active"}
    for run in runs:
        assert run["account"] == "bot-one" and run["words"] == ["a word"]
        assert run["key"] == wallet.key_text("bot-one", run["authority"])
        assert len(run["line"]) == 65 and run["line"][-1] == "\n" and not run["rest"]
    assert len({run["line"] for run in runs}) == len(runs) == 4
    assert not poster.events("signer_failed")


def test_what_a_command_inherits(outbox, command, tmp_path):
    """No password, no socket of systemd, no connection to the database or to a node."""
    world = outbox.world
    outbox.db.execute("CREATE USER IF NOT EXISTS 'with_password'@'localhost' IDENTIFIED BY 'a password'")
    outbox.db.execute(f"GRANT ALL ON `{world.database}`.* TO 'with_password'@'localhost'")
    password = tmp_path / "password"
    password.write_text("a password")
    password.chmod(0o600)
    database = {"hosts": [world.server.socket], "name": world.database, "user": "with_password",
                "password_file": str(password)}
    begin(outbox, command.entry("bot-one", timeout_s=20), database=database, environment={
        "MYSQL_PWD": "a password", "STEEM_READER_PASSWORD": "a password", "LISTEN_FDS": "1",
        "STEEM_ACCOUNT": "somebody", "OF_THE_OPERATOR": "kept"})
    outbox.wait_state(outbox.custom(), "confirmed")
    [run] = command.runs()
    assert "a password" not in run["environment"].values() and "LISTEN_FDS" not in run["environment"]
    assert run["account"] == "bot-one" and run["environment"]["OF_THE_OPERATOR"] == "kept"
    assert run["descriptors"][:3] == ["0", "1", "2"] and len(run["descriptors"]) <= 5  # runs, and of listdir


@pytest.mark.parametrize("mode", ["raw", "plain_header"])
def test_signatures_of_any_library_do(outbox, command, mode):
    """A high S is turned into the low one; for one that is not canonical another digest is signed."""
    command.mode(mode)
    poster = begin(outbox, command.entry("bot-one", timeout_s=20))
    rows = [outbox.custom() for _ in range(6)]
    outbox.wait_all()
    audit(outbox, "bot-one")
    assert not poster.events("signer_failed") and len(outbox.signed(rows[0])) == 1


def test_no_digest_is_asked_for_twice(outbox, command):
    """The command has no random numbers, and the head stays the same: what was not canonical would never be."""
    command.mode("raw")
    begin(outbox, command.entry("bot-one", timeout_s=20))
    outbox.network.still()
    rows = [outbox.custom() for _ in range(4)]
    outbox.wait_all("sent")
    assert len({run["line"] for run in command.runs()}) == len(command.runs()) >= len(rows)
    outbox.network.live(BLOCK_S)
    outbox.wait_all()


# ---- commands that fail

FAILURES = {
    "hang": "timeout_s", "rubbish": "hexadecimal digits", "short": "hexadecimal digits",
    "nothing": "0 characters", "twice": "more than a signature", "huge": "more than a signature",
    "noisy": "exit code is 3", "killed": "signal 9",
    "never_canonical": "not canonical",
}


@pytest.mark.parametrize("mode", sorted(FAILURES))
def test_a_failure_signs_nothing_and_loses_nothing(outbox, command, mode):
    """The row says why, others go on, and it is signed once when the command is right again."""
    command.mode(f"{mode} bot-one")
    patience = 1 if mode == "hang" else 20  # Python is slow to start on a busy machine
    poster = begin(outbox, command.entry("bot-one", timeout_s=patience),
                   command.entry("bot-two", timeout_s=20), outbox.entry("answer-bot"))
    row = outbox.custom("bot-one")
    command.wait_runs(account="bot-one")
    others = [outbox.custom("bot-two"), outbox.custom("answer-bot")]
    for other in others:
        outbox.wait_state(other, "confirmed")
    line = poster.wait_for("signer_failed")
    assert FAILURES[mode] in line.message and "bot-one (posting)" in line.message
    reason = outbox.db.wait_until("SELECT error FROM actions WHERE action_id = %s", bool, args=(row,))
    assert FAILURES[mode] in reason and outbox.state(row) == "pending" and not outbox.signed(row)
    assert not any("a signature" * 2 in text for text in (poster.stderr, reason))
    command.mode("right")
    outbox.wait_state(row, "confirmed")
    assert outbox.error(row) is None and len(outbox.signed(row)) == 1
    assert poster.wait_for("signer_back")
    audit(outbox, "bot-one", "bot-two", "answer-bot")
    if mode == "hang":
        worker.wait_gone(command.wait_child())
    if mode == "noisy":
        assert "it is tired" in poster.wait_for("command_stderr").message


def test_a_command_that_is_gone_comes_back(outbox, command):
    poster = begin(outbox, command.entry("bot-one", timeout_s=20))
    command.program.rename(command.folder / "elsewhere")
    row = outbox.custom()
    assert "No such file" in poster.wait_for("signer_failed").message
    assert poster.wait_for("signer_failed", count=2) and outbox.state(row) == "pending"
    (command.folder / "elsewhere").rename(command.program)
    outbox.wait_state(row, "confirmed")


def test_it_rests_twice_as_long_each_time(outbox, command):
    command.mode("noisy")
    poster = begin(outbox, command.entry("bot-one", timeout_s=20))
    outbox.custom()
    poster.wait_for("signer_failed", count=3)
    lines = poster.events("signer_failed")
    assert [line.message.rsplit(" in ", 1)[1] for line in lines[:3]] == ["1 s", "2 s", "4 s"]
    assert lines[1].at - lines[0].at >= 1 and lines[2].at - lines[1].at >= 2


@pytest.mark.parametrize("mode", ["foreign", "other_digest"])
def test_another_key_pauses_the_account(outbox, command, mode):
    """At the second time; it waits until somebody has looked."""
    outbox.world.allow_errors("sender_paused")
    command.mode(mode)
    poster = begin(outbox, command.entry("bot-one", timeout_s=20), outbox.entry("bot-two"))
    row = outbox.custom()
    poster.wait_for("sender_paused", containing="bot-one")
    assert len(poster.events("signer_failed")) == 2
    assert "not of public_key" in outbox.db.value("SELECT pause_reason FROM senders WHERE account = 'bot-one'")
    command.mode("right")
    outbox.wait_state(outbox.custom("bot-two"), "confirmed")
    assert outbox.state(row) == "pending" and not outbox.signed(row)
    outbox.db.execute("UPDATE senders SET paused_at = NULL, pause_reason = NULL")
    outbox.wait_state(row, "confirmed")
    audit(outbox, "bot-one", "bot-two")


# ---- commands that take their time

def test_nobody_waits_for_a_slow_command(outbox, command):
    """Other accounts, also with commands, and the other key of the same account."""
    command.mode("wait bot-one")
    poster = begin(outbox, command.entry("bot-one", timeout_s=30), command.entry("bot-two", timeout_s=20),
                   outbox.entry("bot-one", "active", allow=["transfer"]), outbox.entry("answer-bot"))
    row = outbox.custom("bot-one")
    command.wait_runs(account="bot-one")
    others = [outbox.custom("bot-two"), outbox.custom("answer-bot"),
              outbox.ask("bot-one", transfer("bot-one", "alice"), authority="active")]
    for other in others:
        outbox.wait_state(other, "confirmed")
    assert outbox.state(row) == "pending" and len(command.runs("bot-one")) == 1
    # Nothing locks the row meanwhile.
    outbox.db.execute("UPDATE actions SET priority = 1 WHERE action_id = %s", row)
    command.go()
    outbox.wait_state(row, "confirmed")
    assert len(outbox.signed(row)) == 1 and not poster.events("signer_failed")
    audit(outbox, "bot-one", "bot-two", "answer-bot")


def test_a_row_that_changes_meanwhile_is_signed_as_it_is_then(outbox, command):
    """One is withdrawn, one gets other operations: what the command signed is not used."""
    command.mode("wait")
    begin(outbox, command.entry("bot-one", timeout_s=30))
    withdrawn = outbox.custom()
    command.wait_runs()
    outbox.db.execute("UPDATE actions SET state = 'failed' WHERE action_id = %s", withdrawn)
    changed = outbox.custom(text="[1]")
    command.go()
    outbox.wait_state(changed, "confirmed")
    (command.folder / "go").unlink()
    assert not outbox.signed(withdrawn)
    changed = outbox.custom(text="[2]")
    before = len(command.wait_runs(3) and command.runs())
    run = command.runs()[-1]
    outbox.db.execute("UPDATE actions SET operations = REPLACE(operations, '[2]', '[3]')")
    command.go()
    outbox.wait_state(changed, "confirmed")
    assert command.wait_runs(before + 1)["line"] != run["line"]
    audit(outbox, "bot-one")


def test_an_answer_that_is_too_old_is_not_used(outbox, command):
    """The chain goes on faster than its time-out, here: what was signed would live no more."""
    command.mode("wait")
    begin(outbox, command.entry("bot-one", timeout_s=30))
    row = outbox.custom()
    command.wait_runs()
    head = outbox.network.now
    outbox.network.wait_for(lambda: outbox.network.now > head + 60)  # of the chain: two seconds
    command.go()
    outbox.wait_state(row, "confirmed")
    assert len(command.runs()) == 2 and len(outbox.signed(row)) == 1
    audit(outbox, "bot-one")


# ---- posters that die meanwhile

def test_kill_9_during_the_command(outbox, command):
    """Nothing of it is left, also not what the command has started; the next poster signs."""
    command.mode("hang")
    first = begin(outbox, command.entry("bot-one", timeout_s=30))
    row = outbox.custom()
    run, child = command.wait_runs(), command.wait_child()
    first.kill()
    worker.wait_gone(run["pid"])
    worker.wait_gone(child)
    command.mode("right")
    expire_lease(outbox)
    begin(outbox, command.entry("bot-one", timeout_s=20), name="second")
    outbox.wait_state(row, "confirmed")
    assert len(outbox.signed(row)) == 1
    audit(outbox, "bot-one")


def test_sigterm_during_the_command(outbox, command):
    command.mode("hang")
    poster = begin(outbox, command.entry("bot-one", timeout_s=30))
    row = outbox.custom()
    run, child = command.wait_runs(), command.wait_child()
    assert poster.stop() == 0
    worker.wait_gone(run["pid"])
    worker.wait_gone(child)
    assert outbox.state(row) == "pending" and not outbox.signed(row)
    assert outbox.db.value("SELECT token FROM senders") is None and not poster.events("signer_failed")


def test_the_answer_comes_after_the_lease_is_lost(outbox, command):
    """A poster is frozen while its command works; another one takes over and signs by itself."""
    command.mode("wait")
    first = begin(outbox, command.entry("bot-one", timeout_s=30), name="first")
    row = outbox.custom()
    command.wait_runs()
    first.freeze()
    expire_lease(outbox)
    begin(outbox, outbox.entry("bot-one"), name="second")
    outbox.wait_state(row, "sent")
    command.go()
    worker.wait_gone(command.runs()[0]["pid"])
    first.thaw()
    outbox.wait_state(row, "confirmed")
    later = outbox.custom()
    outbox.wait_state(later, "confirmed")
    assert outbox.db.value("SELECT poster FROM senders") == "second"
    assert len(outbox.signed(row)) == 1 and len(command.runs()) == 1
    audit(outbox, "bot-one")


@pytest.mark.slow
def test_the_guard_ends_the_command_of_a_frozen_poster(outbox, command):
    command.mode("hang")
    poster = begin(outbox, command.entry("bot-one", timeout_s=2))
    row = outbox.custom()
    child = command.wait_child()
    poster.freeze()
    worker.wait_gone(child)
    command.mode("right")
    poster.thaw()
    outbox.wait_state(row, "confirmed", timeout=40)
    audit(outbox, "bot-one")


@pytest.mark.slow
@pytest.mark.timeout_s(180)
def test_each_row_takes_effect_once_whatever_the_command_does(outbox, command):
    """All modes in turn, two posters that are killed, nodes that lose answers."""
    outbox.world.allow_errors("sender_paused")
    outbox.node.fault("lost_answer", method="broadcast_transaction", chance=0.2, seed=1)
    entries = [command.entry("bot-one", timeout_s=1), command.entry("bot-two", timeout_s=1),
               outbox.entry("answer-bot")]
    posters = {name: outbox.start(entries=entries, name=name) for name in ("first", "second")}
    for turn, mode in enumerate(["raw", "hang", "right", "killed bot-two", "noisy", "raw bot-one"]):
        before = len(command.runs())
        command.mode(mode)
        for account in ("bot-one", "bot-two", "answer-bot", "bot-one"):
            outbox.custom(account)
        command.wait_runs(before + 1)
        name = ("first", "second")[turn % 2]
        posters[name].kill()
        outbox.db.execute("UPDATE senders SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 6 SECOND"
                          " WHERE poster = %s", name)
        posters[name] = outbox.start(entries=entries, name=name)
    command.mode("right")
    outbox.db.wait_until("SELECT COUNT(*) FROM actions WHERE state <> 'confirmed'",
                         lambda left: left == 0, 100)
    audit(outbox, "bot-one", "bot-two", "answer-bot")


# ---- commands of the operator

def test_check_lets_the_command_sign(outbox, command):
    def check(mode, code, entry=None):
        command.mode(mode)
        good = command.entry("bot-one", timeout_s=1 if mode == "hang" else 20)
        poster = outbox.run("--check", entries=[entry or good], code=code)
        return poster.stdout

    said = check("right", 0)
    assert said.count("in order") == 2 and wallet.key_text("bot-one", "posting") in said
    assert "in order" in check("raw", 0)
    assert command.runs()[0]["line"].strip() == hashlib.sha256(b"steem-poster --check 1").hexdigest()
    said = check("foreign", 78)
    other = wallet.packing.key_text(wallet.curve.public_key(wallet.secret("bot-one", "posting") + 1),
                                    wallet.packing.STEEM)
    assert f"it signs with {other}" in said
    assert "exit code is 3" in check("noisy", 78)
    assert "timeout_s" in check("hang", 78)
    assert "owner key" in check("right", 78, {
        **command.entry("bot-one", timeout_s=20), "public_key": wallet.key_text("bot-one", "owner")})
    assert not outbox.network.received


def test_a_dry_run_asks_no_command(outbox, command):
    row = outbox.custom()
    outbox.db.wait_until("SELECT COUNT(*) FROM blocks", bool)
    poster = outbox.run("--dry-run", entries=[command.entry("bot-one", timeout_s=20)])
    assert f"action {row} of bot-one would be signed" in poster.stdout and "bytes: " in poster.stdout
    assert not command.runs() and outbox.state(row) == "pending"


def test_once_ends_although_a_command_fails(outbox, command):
    command.mode("noisy bot-two")
    entries = [command.entry(name, timeout_s=20) for name in ("bot-one", "bot-two")]
    rows = [outbox.custom("bot-one"), outbox.custom("bot-two")]
    poster = outbox.run("--once", entries=entries, code=69)
    assert "1 rows are left" in poster.stderr and "its command fails" in poster.stderr
    assert [outbox.state(row) for row in rows] == ["confirmed", "pending"]
    command.mode("right")
    outbox.run("--once", entries=entries)
    assert outbox.state(rows[1]) == "confirmed"


def test_the_configuration_is_checked(outbox, command, tmp_path):
    good = command.entry("bot-one", timeout_s=7)
    assert "in order" in outbox.run("--check-config", entries=[good]).stdout
    shown = outbox.run("--print-config", entries=[good]).stdout
    assert f'signer = "command"; command = ( "{command.program}", "a word" );' in shown
    assert "timeout_s = 7;" in shown and "key_file =" not in shown.split("\naccounts = ")[1]
    plain = tmp_path / "plain"
    plain.write_text("no program")
    open_to_all = tmp_path / "open"
    open_to_all.write_text("#!/bin/sh\n")
    open_to_all.chmod(0o777)
    key = good["public_key"]
    for changes, said in (
            ({"key_file": "/a.key"}, "accounts.key_file: does not go with signer"),
            ({"command": None}, "accounts.command: is missing"),
            ({"public_key": None}, "accounts.public_key: is missing"),
            ({"signer": None, "key_file": "/a.key"}, "accounts.command: is of use only with signer"),
            ({"signer": "program"}, 'accounts.signer: is program; allowed are "file" and "command"'),
            ({"command": "/no/such/program"}, "No such file"),
            ({"command": str(plain)}, "Permission denied"),
            ({"command": str(open_to_all)}, "other users may change"),
            ({"public_key": "TST" + key[3:]}, "begin with STM"),
            ({"public_key": key[:-1] + ("1" if key[-1] != "1" else "2")}, "a character is wrong"),
            ({"public_key": "STM1111111111111111111111111111111114T1Anm"}, "no public key"),
            ({"timeout_s": 31}, "a whole number from 1 to 30"),
            ({"timeout_s": 0}, "a whole number from 1 to 30")):
        entry = {name: value for name, value in {**good, **changes}.items() if value is not None}
        poster = outbox.run("--check-config", entries=[entry], code=78)
        assert said in poster.stderr, (changes, poster.stderr)


def test_the_metrics_of_commands(outbox, command):
    command.mode("noisy")
    poster = begin(outbox, command.entry("bot-one", timeout_s=20), metrics=LISTEN)
    endpoint = Endpoint.of(poster)
    row = outbox.custom()
    endpoint.wait_value("steem_poster_signers_failing", lambda count: count == 1)
    command.mode("right")
    outbox.wait_state(row, "confirmed")
    families = endpoint.metrics()
    failures = families["steem_poster_signer_failures_total"].value()
    assert families["steem_poster_signers_failing"].value() == 0 and failures >= 1
    assert families["steem_poster_signer_runs_total"].value() == failures + 1


@pytest.mark.skipif(is_sanitized(), reason="sanitizers do not lock memory, and keep what was freed")
def test_the_guard_has_no_key_of_another_account(outbox, command):
    """It is a copy of the process that has read the keys; their memory is not copied."""
    poster = begin(outbox, command.entry("bot-one", timeout_s=20), outbox.entry("bot-two"))
    for account in ("bot-one", "bot-two"):
        outbox.custom(account)
    outbox.wait_all()
    key = wallet.secret("bot-two", "posting").to_bytes(32, "big")
    [guard] = pathlib.Path(f"/proc/{poster.pid}/task/{poster.pid}/children").read_text().split()
    assert pathlib.Path(f"/proc/{guard}/comm").read_text().strip() == "steem-guard"

    def places(pid):
        return sum(form in content for _, content in memory_of(pid) for form in (key, key[::-1]))

    try:
        assert places(poster.pid) == 1 and places(guard) == 0
    except PermissionError:
        pytest.skip("the memory of the process cannot be read, which is as it should be")


def test_without_commands_there_is_no_guard(outbox, command):
    files = begin(outbox, outbox.entry("bot-two"))
    assert not worker.children(files.pid)
    poster = begin(outbox, command.entry("bot-one", timeout_s=20), name="second")
    assert [name for _, name in worker.children(poster.pid)] == ["steem-guard"]
