"""steem-poster under systemd, under a monitor, with its role in the database; and what the documents say."""

import functools
import re
import shutil
import subprocess

import pytest
import yaml

from harness import documents
from harness.documents import exit_codes_of_manual, options_of_help, options_of_manual, text
from harness.exposition import LISTEN, Endpoint
from harness.network import Network
from harness.poster import Outbox, poster_program
from test_grants import give_password, run_grants, user

pytestmark = pytest.mark.skipif(not poster_program(), reason="steem-poster is not built")
UNIT = "steem-poster.service"
complete = functools.partial(documents.complete, "steem-poster")


@pytest.fixture(name="outbox")
def outbox_of_a_world(world):
    made = Outbox(world)
    made.network = Network()
    world.join(made.network)
    world.start(reader={"proof": "content"})
    made.network.live(0.1)
    yield made
    made.network.still()


# ---- what systemd and monitors are told

def test_ready_status_watchdog_stopping(outbox, manager):
    path = outbox.config(outbox.entry("bot-one"))
    poster = outbox.start(config=path, environment=manager.environment)
    manager.wait_for("READY=1")
    manager.wait_for("STATUS=0 signed")
    fed = manager.count("WATCHDOG=1")
    manager.wait_for("WATCHDOG=1", fed + 3)
    assert poster.stop() == 0
    manager.wait_for("STOPPING=1")


def test_a_reload_changes_the_log_level(outbox):
    path = outbox.config(outbox.entry("bot-one"))
    poster = outbox.start(config=path)
    poster.wait_for("accounts_opened")
    outbox.config(outbox.entry("bot-one"), log={"level": "debug"})
    poster.signal(1)
    poster.wait_for("reloaded")
    outbox.custom()
    poster.wait_for("trx_signed")


def test_every_metric_is_in_the_document(outbox):
    poster = outbox.start(entries=[outbox.entry("bot-one")], metrics=LISTEN)
    endpoint = Endpoint.of(poster)
    row = outbox.custom()
    outbox.wait_state(row, "confirmed")
    endpoint.wait_value("steem_poster_settled_total", lambda count: count == 1)
    families = endpoint.metrics()
    assert families["steem_poster_signed_total"].value() == 1
    assert families["steem_poster_account_held"].value(account="bot-one") == 1
    assert endpoint.get("/healthz").status == endpoint.get("/readyz").status == 200
    table = text("doc", "poster.md").split("## Metrics")[1]
    told = {name for line in re.findall(r"^\| (`.*?) \|", table, re.M) for name in re.findall(r"`(\w+)`", line)}
    assert told == {name.removeprefix("steem_poster_") for name in families}


def rules():
    return [rule for group in yaml.safe_load(text("etc", "prometheus", "steem-poster.rules.yml"))["groups"]
            for rule in group["rules"]]


def test_each_alert_has_its_metrics(outbox):
    """What passes a limit is held, visible, and alerts; so does what waits too long, and what died."""
    outbox.world.allow_errors("sender_paused")
    poster = outbox.start(entries=[outbox.entry("bot-one"), outbox.entry("bot-two", max_per_day=1)],
                          metrics=LISTEN)
    endpoint = Endpoint.of(poster)
    poster.wait_for("node_used")
    rows = [outbox.custom("bot-two") for _ in range(3)]
    outbox.wait_state(rows[0], "confirmed")
    outbox.wait_state(rows[1], "held")
    outbox.wait_state(rows[2], "held")
    outbox.db.execute("INSERT INTO senders (account, paused_at) VALUES ('bot-one', UTC_TIMESTAMP(6))"
                      " ON DUPLICATE KEY UPDATE paused_at = VALUES(paused_at)")
    waits = outbox.custom("bot-one")
    later = outbox.custom("bot-one", not_before="2036-01-01 00:00:00")
    outbox.db.execute("UPDATE actions SET created_at = created_at - INTERVAL 1 HOUR WHERE action_id = %s", waits)
    outbox.db.execute("UPDATE actions SET created_at = created_at - INTERVAL 2 HOUR WHERE action_id = %s", later)
    names = endpoint.metrics()
    endpoint.wait_value("steem_poster_held_rows", lambda count: count == 2, account="bot-two")
    endpoint.wait_value("steem_poster_account_paused", lambda paused: paused == 1, account="bot-one")
    age = endpoint.wait_value("steem_poster_pending_age_seconds", lambda age: age > 0, account="bot-one")
    assert 3600 <= age < 3700
    assert endpoint.metrics()["steem_poster_held_rows"].value(account="bot-one") == 0
    # Signed, and in no block.
    outbox.network.still()
    outbox.db.execute("UPDATE senders SET paused_at = NULL")
    outbox.db.wait_until("SELECT state FROM actions WHERE action_id = %s", lambda state: state == "sent",
                         args=(waits,))
    outbox.db.execute("UPDATE actions SET sent_at = sent_at - INTERVAL 1 HOUR WHERE action_id = %s", waits)
    age = endpoint.wait_value("steem_poster_sent_age_seconds", lambda age: age > 600, account="bot-one")
    assert 3600 <= age < 3700
    assert endpoint.metrics()["steem_poster_pending_age_seconds"].value(account="bot-one") == 0
    for rule in rules():
        found = re.findall(r"\bsteem_poster_\w+", rule["expr"])
        assert found and {re.sub(r"_bucket$", "", name) for name in found} <= set(names), rule["alert"]
        labels = {label for name in found for sample in names[re.sub(r"_bucket$", "", name)].samples
                  for label in sample.labels} | {"instance", "job"}
        for group in re.findall(r"\bby\s*\(([^)]*)\)", rule["expr"]):
            assert set(re.split(r",\s*", group)) <= labels, rule["alert"]


def test_the_rules_of_the_poster_are_whole():
    made = rules()
    assert len({rule["alert"] for rule in made}) == len(made) > 10
    for rule in made:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"SteemPoster[A-Z]\w*", rule["alert"])
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert set(rule["annotations"]) == {"summary", "description"}
        for left, right in ("()", "[]", "{}"):
            assert rule["expr"].count(left) == rule["expr"].count(right), rule["alert"]
        for said in rule["annotations"].values():
            for template in re.findall(r"\{\{(.*?)\}\}", said):
                assert re.fullmatch(r" \$(value( \| humanizeDuration)?|labels\.\w+) ", template)


# ---- its role in the database

def test_the_role_of_the_grants_is_enough(outbox):
    """And it may not write what is not its own."""
    world = outbox.world
    run_grants(world)
    give_password(world, "poster", "")
    database = {"hosts": [world.server.socket], "name": world.database, **user(world, "poster")}
    outbox.start(entries=[outbox.entry("bot-one"), outbox.entry("bot-one", "active", allow=["transfer"])],
                 database=database)
    row = outbox.custom()
    comment = outbox.comment("bot-one", "re-question")
    outbox.wait_state(row, "confirmed")
    outbox.wait_state(comment, "confirmed", "comments")
    held = outbox.ask("bot-one", ("convert", {"owner": "bot-one", "requestid": 1, "amount": "1.000 SBD"}),
                      authority="active")
    outbox.wait_state(held, "held")
    outbox.run("--dry-run", entries=[outbox.entry("bot-one")], name="dry", database=database)


# ---- the unit

def unit_lines(name):
    return set(text("etc", f"{name}.in").splitlines())


def test_the_unit_is_as_hard_as_the_readers():
    reader = {line for line in unit_lines("steem-reader.service")
              if re.match(r"(?!Exec|Watchdog|User|Timeout|Description|Documentation)\w+=", line)}
    assert reader <= unit_lines(UNIT)
    assert "LimitCORE=0" in unit_lines(UNIT)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
def test_systemd_understands_the_unit(tmp_path):
    made = text("etc", f"{UNIT}.in").replace("@bindir@/steem-poster", "/bin/true")
    path = tmp_path / UNIT
    path.write_text(made.replace("@sysconfdir@", "/etc"), encoding="utf-8")
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True,
                          text=True, check=False, timeout=60).stderr
    assert not [line for line in said.splitlines() if "steem-poster" in line], said


# ---- the documents

def test_the_manual_has_every_option():
    assert options_of_manual("steem-poster") == options_of_help(poster_program())


def test_the_completion():
    assert complete("-") - {"-c"} == options_of_help(poster_program())
    assert complete("--log-level", "") == {"error", "warning", "info", "debug"}


def test_the_manual_has_the_exit_codes():
    assert exit_codes_of_manual("steem-poster") == {"0", "64", "69", "70", "74", "77", "78", "130"}
