"""The endpoint: /metrics, /healthz, /readyz, and what is made of it."""

import contextlib
import json
import re
import signal
import socket

import pytest
import yaml

from harness.chain import TOP
from harness.exposition import LISTEN, Endpoint, Malformed, parse, tailing
from harness.servers import numbers

LAST = 60
STATES = {"starting", "scanning", "replaying", "catching_up", "tailing", "stopping"}


def fill_queues(world):
    """Two queues, one paused, and an outbox; what the views then say."""
    world.db.execute("INSERT INTO queues (queue, paused_at, created_at)"
                     " VALUES ('ask', NULL, UTC_TIMESTAMP()), ('pay', UTC_TIMESTAMP(), UTC_TIMESTAMP())")
    world.db.execute(
        "INSERT INTO deliveries_open (delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op,"
        " block_crc, available_at, token, created_at) SELECT seq, IF(seq = 9, 'pay', 'ask'), 1, 0, 0,"
        " 0, 0, UTC_TIMESTAMP() + INTERVAL IF(seq < 6, -100 - CAST(seq AS SIGNED), 600) SECOND,"
        " IF(seq = 7, REPEAT('a', 32), NULL), UTC_TIMESTAMP() FROM " + numbers(1, 9) + " n")
    world.db.execute(
        "INSERT INTO deliveries_ended (delivery_id, queue, block, trx_in_block, op_in_trx, virtual_op,"
        " block_crc, state, attempts, created_at, finished_at) SELECT seq, 'ask', 1, 0, 0, 0, 0,"
        " IF(seq < 14, 'failed', 'done'), 1, UTC_TIMESTAMP(),"
        " UTC_TIMESTAMP() + INTERVAL IF(seq > 40, 30, -3600) SECOND FROM " + numbers(11, 100) + " n")
    world.db.execute(
        "INSERT INTO comments (author, permlink, parent_author, parent_permlink, body, json_metadata,"
        " state, created_at) SELECT IF(seq < 5, 'other', 'bot'), seq, 'a', 'b', 'c', '{}',"
        " ELT(1 + seq MOD 4, 'pending', 'sent', 'confirmed', 'failed'),"
        " UTC_TIMESTAMP() - INTERVAL 500 SECOND FROM " + numbers(1, 20) + " n")


@pytest.mark.parametrize("page", [
    "no_family 1\n",
    "# HELP a x\n# TYPE a gauge\na 1",
    "# HELP a x\n# TYPE a gauge\na 1\na 2\n",
    "# HELP a x\n# TYPE a counter\na 1\n",
    "# HELP a x\n# TYPE a gauge\na{b=\"\\x\"} 1\n",
    "# HELP a x\n# TYPE a gauge\na{b=\"1\",} 1\n",
    "# HELP a x\n# TYPE a gauge\na{b=\"1\",b=\"2\"} 1\n",
    "# HELP a x\n# TYPE a gauge\na one\n",
    "# HELP a x\n# TYPE a gauge\n# HELP b x\n# TYPE b gauge\na 1\n",
    "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
    "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\n"
    "a_count 1\n"])
def test_the_reading_is_strict(page):
    with pytest.raises(Malformed):
        parse(page)


def test_nothing_is_served_unless_asked_for(world):
    node = world.node(irreversible=LAST)
    reader = world.start()
    reader.wait_for("tail_started")
    assert reader.stop() == 0
    assert not reader.events("metrics_served")
    world.expect(node.chain, (1, LAST))


def test_commands_serve_nothing(world):
    """They have the daemon's configuration, and would take its port."""
    node = world.node(irreversible=LAST)
    assert not world.run("--once", metrics=LISTEN).events("metrics_served")
    world.expect(node.chain, (1, LAST))


def test_the_figures_are_those_of_the_tables(world):
    node = world.node(irreversible=LAST)
    world.node(node.chain, irreversible=LAST)
    _, endpoint = tailing(world)
    endpoint.wait_value("steem_reader_gap_blocks", lambda blocks: blocks == 0)
    pages = endpoint.metrics()
    operations = world.db.value("SELECT COUNT(*) FROM blockchain")
    for name, value in {
            "head_block": node.head, "irreversible_block": LAST, "chain_block": LAST,
            "committed_block": LAST, "newest_block": LAST, "contiguous_block": LAST, "lag_blocks": 0, "is_live": 1,
            "healthy": 1, "stalled": 0, "gap_ranges": 0, "oldest_gap_age_seconds": 0,
            "readers_alive": 1, "ops_inserted_total": operations, "held_bytes": 0, "claims": 0,
            "database_up": 1, "backfill_total_blocks": 0}.items():
        assert pages["steem_reader_" + name].value() == value, name
    blocks = pages["steem_reader_blocks_total"]
    assert blocks.value(result="won") == LAST and blocks.value(result="duplicate") == 0
    state = pages["steem_reader_state"]
    assert {sample.labels["state"] for sample in state.samples} == STATES
    assert state.value(state="tailing") == 1 and state.total() == 1
    assert pages["steem_reader_db_commit_duration_seconds"].value(
        "steem_reader_db_commit_duration_seconds_count") >= 1
    for one in world.nodes:
        assert pages["steem_reader_node_up"].value(node=one.url) == 1
        assert pages["steem_reader_node_head_block"].value(node=one.url) == one.head
        requests = pages["steem_reader_rpc_requests_total"]
        assert 0 < requests.value(node=one.url, result="ok") <= len(one.log)
        assert requests.value(node=one.url, result="error") == 0
    build = pages["steem_reader_build_info"].samples[0]
    assert build.labels["reader"] == "reader" and re.match(r"\d+\.\d+", build.labels["version"])
    assert pages["steem_reader_newest_block_timestamp_seconds"].value() > 1458000000
    assert pages["process_start_time_seconds"].value() > 1700000000
    world.expect(node.chain, (1, LAST))


def test_queues_and_outbox_are_as_the_views_say(world):
    node = world.node(irreversible=LAST)
    _, endpoint = tailing(world)
    endpoint.wait_value("steem_reader_gap_blocks", lambda blocks: blocks == 0)
    assert not endpoint.metrics()["steem_reader_queue_deliveries"].samples
    fill_queues(world)
    endpoint.wait_value("steem_reader_outbox_comments", bool, author="bot", state="failed")
    pages = endpoint.metrics()
    deliveries = pages["steem_reader_queue_deliveries"]
    for queue, _, paused, *counts, oldest, rate in world.db.rows("SELECT * FROM queue_status"):
        for state, count in zip(("ready", "waiting", "claimed", "failed"), counts):
            assert deliveries.value(queue=queue, state=state) == count, (queue, state)
        assert pages["steem_reader_queue_paused"].value(queue=queue) == paused
        age = pages["steem_reader_queue_oldest_age_seconds"].value(queue=queue)
        assert (oldest or 0) - 20 <= age <= (oldest or 0)
        assert abs(pages["steem_reader_queue_done_per_second"].value(queue=queue) - float(rate)) < 0.01
    assert deliveries.value(queue="ask", state="ready") == 5
    assert deliveries.value(queue="ask", state="waiting") == 2
    assert deliveries.value(queue="ask", state="claimed") == 1
    assert pages["steem_reader_queue_done_per_second"].value(queue="ask") == 1
    world.db.execute("UPDATE comments SET state = 'held' WHERE state = 'sent'"
                     " AND author = 'bot' LIMIT 1")
    endpoint.wait_value("steem_reader_outbox_comments", lambda held: held == 1, author="bot", state="held")
    pages = endpoint.metrics()
    for author, *counts, oldest, held in world.db.rows("SELECT * FROM outbox_status"):
        for state, count in zip(("pending", "sent", "confirmed", "failed", "held"), [*counts, held]):
            assert pages["steem_reader_outbox_comments"].value(author=author, state=state) == count
        age = pages["steem_reader_outbox_oldest_age_seconds"].value(author=author)
        assert 500 <= age <= oldest
    world.expect(node.chain, (1, LAST), gaps=False, purged=True)


def test_without_rights_on_queues_the_rest_is_there(world):
    """Grants of an older version: gaps are counted, the reader is ready."""
    node = world.node(irreversible=LAST)
    world.server.execute(f"DROP USER IF EXISTS {world.database}_old@localhost",
                         f"CREATE USER {world.database}_old@localhost",
                         f"GRANT ALL ON {world.database}.* TO {world.database}_old@localhost")
    world.db.execute("RENAME TABLE queues TO elsewhere")
    reader, endpoint = tailing(world, database={"user": f"{world.database}_old"})
    assert "deliveries" in reader.wait_for("overview_failed").message
    endpoint.wait_status("/readyz", 200)
    assert "steem_reader_queue_deliveries" not in endpoint.metrics()
    world.server.execute(f"DROP USER {world.database}_old@localhost")
    world.expect(node.chain, (1, LAST))


def test_every_page_and_method(world):
    node = world.node(irreversible=LAST)
    _, endpoint = tailing(world)
    page = endpoint.get("/metrics")
    assert page.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert endpoint.get("/metrics?name=x").status == 200
    for path in ("/", "/metrics/", "/metric", "/%2e%2e/etc/passwd", "//metrics"):
        assert endpoint.get(path).status == 404, path
    for path in ("/metrics", "/healthz", "/readyz"):
        head = endpoint.get(path, "HEAD")
        assert head.status == 200 and head.text == "" and int(head.headers["Content-Length"]) > 0
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "NONSENSE"):
            refused = endpoint.get(path, method, body=b"x" * 100000)
            assert refused.status == 405 and refused.headers["Allow"] == "GET, HEAD"
    world.expect(node.chain, (1, LAST))


def test_ready_once_all_is_stored(world):
    node = world.node(irreversible=LAST)
    hold = node.fault("null", block=set(range(20, 23)))
    reader = world.start(metrics=LISTEN)
    endpoint = Endpoint.of(reader)
    assert endpoint.get("/readyz").status == 503
    reader.wait_for("tail_started", timeout=40)
    endpoint.wait_status("/readyz", 503, "gaps: 3 blocks are missing in 1 ranges, from 20 on")
    pages = endpoint.metrics()
    assert pages["steem_reader_gap_blocks"].value() == 3
    assert pages["steem_reader_gap_ranges"].value() == 1
    assert pages["steem_reader_contiguous_block"].value() == 19
    assert pages["steem_reader_ready"].value() == 0 and pages["steem_reader_healthy"].value() == 1
    assert endpoint.get("/healthz").status == 200
    hold.clear()
    endpoint.wait_status("/readyz", 200, "ok: tailing", timeout=40)
    assert endpoint.metrics()["steem_reader_ready"].value() == 1
    world.expect(node.chain, (1, LAST))


def test_not_ready_while_behind(world):
    """The tip's block cannot be had: behind at first, then a gap."""
    node = world.node(irreversible=LAST)
    _, endpoint = tailing(world)
    endpoint.wait_status("/readyz", 200)
    node.fault("null", block=set(range(LAST + 1, LAST + 5)))
    node.advance(4)
    endpoint.wait_status("/readyz", 503, f"behind: 4 blocks, up to {LAST + 4}")
    assert endpoint.metrics()["steem_reader_lag_blocks"].value() == 4
    node.heal()
    endpoint.wait_status("/readyz", 200)
    assert endpoint.metrics()["steem_reader_committed_block"].value() == LAST + 4
    world.expect(node.chain, (1, LAST + 4))


def test_not_healthy_without_nodes(world):
    nodes = [world.node(irreversible=LAST) for _ in range(2)]
    _, endpoint = tailing(world)
    nodes[0].refuse()
    nodes[1].fault("status", code=500)
    endpoint.wait_status("/healthz", 503, "nodes: none of 2 gives a usable answer")
    assert endpoint.get("/readyz").status == 503
    pages = endpoint.metrics()
    assert pages["steem_reader_node_up"].total() == 0
    for node in nodes:
        assert pages["steem_reader_rpc_requests_total"].value(node=node.url, result="error") > 0
        assert pages["steem_reader_node_failures_in_row"].value(node=node.url) > 0
    nodes[0].accept()
    endpoint.wait_status("/healthz", 200, "ok: tailing", timeout=60)
    nodes[1].heal()
    world.expect(nodes[0].chain, (1, LAST))


def test_not_healthy_without_the_database(lone_world):
    world = lone_world
    node = world.node(irreversible=LAST)
    reader, endpoint = tailing(world)
    endpoint.wait_status("/readyz", 200)
    world.server.kill()
    endpoint.wait_status("/healthz", 503, "database: lost for ")
    assert endpoint.metrics()["steem_reader_database_up"].value() == 0
    assert endpoint.metrics()["steem_reader_db_retries_total"].total() > 0
    world.server.start()
    reader.wait_for("database_back", timeout=40)
    endpoint.wait_status("/healthz", 200)
    endpoint.wait_status("/readyz", 200)
    assert endpoint.metrics()["steem_reader_database_up"].value() == 1
    world.expect(node.chain, (1, LAST))


@pytest.mark.slow
def test_a_database_that_hangs_does_not_silence_the_endpoint(lone_world):
    world = lone_world
    node = world.node(irreversible=LAST)
    _, endpoint = tailing(world)
    world.server.freeze()
    node.advance(5)
    endpoint.wait_status("/healthz", 503, "database: ", timeout=50)
    assert endpoint.get("/metrics", timeout=2).status == 200
    world.server.thaw()
    endpoint.wait_status("/readyz", 200, timeout=40)
    world.expect(node.chain, (1, LAST + 5))


def test_nodes_of_one_name_are_told_apart(world):
    """A label leaves user and password out; two lines with the same labels are refused whole."""
    node = world.node(irreversible=LAST)
    host = node.url.removeprefix("http://")
    urls = [{"url": f"http://{user}@{host}"} for user in ("alice:secret", "bob:secret")]
    _, endpoint = tailing(world, nodes=urls)
    text = endpoint.get("/metrics").text
    up = parse(text)["steem_reader_node_up"]
    assert {s.labels["node"] for s in up.samples} == {node.url, node.url + " (2)"}
    assert "secret" not in text
    world.expect(node.chain, (1, LAST))


def test_blocks_won_and_lost(world):
    """Two readers at the tip: what one wins the other finds there."""
    node = world.node(irreversible=LAST)
    endpoints = [tailing(world, name=name)[1] for name in ("one", "two")]
    node.advance(20)
    world.db.wait_blocks(LAST + 20)
    for endpoint in endpoints:
        endpoint.wait_value("steem_reader_committed_block", lambda block: block == LAST + 20)
    endpoints[0].wait_value("steem_reader_readers_alive", lambda alive: alive == 2)
    counts = [endpoint.metrics()["steem_reader_blocks_total"] for endpoint in endpoints]
    assert sum(count.value(result="won") for count in counts) == LAST + 20
    assert sum(count.value(result="duplicate") for count in counts) == 20
    world.expect(node.chain, (1, LAST + 20))


def test_reloading_keeps_the_endpoint(world):
    node = world.node(irreversible=LAST)
    reader, endpoint = tailing(world)
    reader.signal(signal.SIGHUP)
    reader.wait_for("reloaded")
    endpoint.wait_value("steem_reader_node_up", bool, node=node.url)
    assert endpoint.metrics()["steem_reader_committed_block"].value() == LAST
    world.expect(node.chain, (1, LAST))


def test_a_taken_port_does_not_stop_the_reader(world):
    node = world.node(irreversible=LAST)
    world.allow_errors("metrics_failed")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        reader = world.start(metrics={"listen": f"127.0.0.1:{port}"})
        assert str(port) in reader.wait_for("metrics_failed").message
        world.db.wait_blocks(LAST)
    endpoint = Endpoint.of(reader)
    assert endpoint.port == port and endpoint.get("/healthz").status == 200
    world.expect(node.chain, (1, LAST))


def test_v6(world):
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        node = world.node(irreversible=LAST)
        reader = world.start(metrics={"listen": "[::1]:0"})
        endpoint = Endpoint.of(reader)
        world.db.wait_blocks(LAST)
        assert endpoint.get("/healthz").status == 200
        world.expect(node.chain, (1, LAST))
        return
    pytest.skip("no IPv6 here")


# ---- dashboard, rules and manual

DASHBOARD = TOP / "etc" / "grafana" / "steem-reader.json"
RULES = TOP / "etc" / "prometheus" / "steem-reader.rules.yml"
SCRAPED = {"instance", "job"}  # the labels that Prometheus adds
METRIC = r"(?<![\w$\"])((?:steem_reader|process)_\w+)(?:\{([^}]*)\})?"


def dashboard_expressions():
    """(where, expression) for each of the dashboard."""
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], variable["query"]["query"]
    for note in board["annotations"]["list"]:
        if "expr" in note:
            yield note["name"], note["expr"]


def rules():
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def names_and_labels(families):
    """Everything an expression may name, and the labels it has."""
    known = {}
    for family in families.values():
        known[family.name] = set()
        for sample in family.samples:
            known.setdefault(sample.name, set()).update(sample.labels)
    return known


def test_dashboard_and_rules_name_what_there_is(lone_world):
    """Also the labels; db_retries_total has its own only once something was retried."""
    world = lone_world
    node = world.node(irreversible=LAST)
    reader, endpoint = tailing(world)
    world.server.kill()
    reader.wait_for("database_lost", timeout=30)
    world.server.start()
    reader.wait_for("database_back", timeout=40)
    endpoint.wait_value("steem_reader_gap_blocks", lambda blocks: blocks == 0)
    world.db.close()  # that of the killed server
    fill_queues(world)
    endpoint.wait_value("steem_reader_outbox_comments", bool, author="bot", state="failed")
    known = names_and_labels(endpoint.metrics())
    expressions = list(dashboard_expressions())
    expressions += [(rule["alert"], rule["expr"]) for rule in rules()]
    assert len(expressions) > 40
    for where, expression in expressions:
        found = re.findall(METRIC, expression)
        assert found, where
        labels = set()
        for name, selector in found:
            assert name in known, f"{where}: there is no {name}"
            labels |= known[name]
            for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
                assert label in known[name] | SCRAPED, f"{where}: {name} has no {label}"
        for group in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", expression):
            for label in re.split(r",\s*", group):
                assert label in labels | SCRAPED, f"{where}: no metric there has {label}"
        for left, right in ("()", "[]", "{}"):
            assert expression.count(left) == expression.count(right), where
    world.expect(node.chain, (1, LAST))


def test_the_manual_has_every_metric(world):
    node = world.node(irreversible=LAST)
    _, endpoint = tailing(world)
    endpoint.wait_value("steem_reader_gap_blocks", lambda blocks: blocks == 0)
    table = (TOP / "doc" / "operations.md").read_text().split("## Metrics")[1].split("\n## ")[0]
    told = re.findall(r"^\| `(\w+)`", table, re.M)
    exported = [name.removeprefix("steem_reader_") for name in endpoint.metrics()]
    assert sorted(told) == sorted(exported)
    world.expect(node.chain, (1, LAST))


def test_the_dashboard_can_be_imported():
    board = json.loads(DASHBOARD.read_text())
    assert board["schemaVersion"] >= 36 and board["title"] and "id" not in board
    sources = [v for v in board["templating"]["list"] if v["type"] == "datasource"]
    assert [source["query"] for source in sources] == ["prometheus"]
    uid = "${" + sources[0]["name"] + "}"
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    for panel in panels:
        for source in [panel, *panel["targets"]]:
            assert source["datasource"] == {"type": "prometheus", "uid": uid}, panel["title"]
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    taken = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells


def test_the_rules_are_whole():
    """What promtool would look at, but for the expressions' grammar."""
    made = rules()
    assert len({rule["alert"] for rule in made}) == len(made)
    for rule in made:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert re.fullmatch(r"SteemReader[A-Z]\w*", rule["alert"])
        assert re.fullmatch(r"\d+[smh]", rule.get("for", "0s"))
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert set(rule["annotations"]) == {"summary", "description"}
        for text in rule["annotations"].values():
            for template in re.findall(r"\{\{(.*?)\}\}", text):
                assert re.fullmatch(r" \$(value( \| humanizeDuration)?|labels\.\w+) ", template)
