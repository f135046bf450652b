"""Filter rules: what is stored, and that the rules belong to the database."""

import pytest

LAST = 200
ASK = [{"name": "ask", "operation": "comment", "body_prefix": "!ask"}]
RULES = {
    "ask": ASK,
    "one operation": [{"operation": "transfer"}],
    "a list": [{"operation": ["vote", "custom_json", "unknown:no_such_operation"]}],
    "an account": [{"account": "alice"}],
    "a beneficiary": [{"account": "benefactor"}],
    "an authority": [{"account": "auth-posting"}],
    "a prefix": [{"body_prefix": "!ask"}],
    "a substring": [{"body_contains": "ask"}],
    "a memo": [{"memo_prefix": "order:"}],
    "an id": [{"id": "follow"}],
    "two rules": [{"id": "ssc-mainnet1"}, {"operation": "transfer", "memo_prefix": "thanks"}],
    "two conditions": [{"operation": "transfer", "account": "bob"}],
    "beyond ASCII": [{"body_contains": "你好"}],
    "nothing matches": [{"operation": "unknown:no_such_operation"}],
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES.keys())
def test_what_a_rule_keeps(world, rules):
    node = world.node(irreversible=LAST)
    world.run("--once", filter=rules)
    stored = world.db.value("SELECT COUNT(*) FROM blockchain")
    assert (stored == 0) == (rules == RULES["nothing matches"])
    world.expect(node.chain, (1, LAST), rules=rules)


def test_other_rules_are_refused_until_they_are_activated(world):
    node = world.node(irreversible=LAST)
    other = [{"operation": "vote"}]
    world.run("--once", filter=ASK)
    refused = world.run("--once", filter=other, code=78)
    assert "--activate-filter" in refused.stderr
    refused_daemon = world.start(filter=other)
    assert refused_daemon.wait_exit() == 78
    world.allow_errors(*(line.event for line in refused.events() + refused_daemon.events()))
    world.run("--activate-filter", filter=other)
    node.advance(50)
    world.run("--once", filter=other)
    world.expect(node.chain, (1, LAST + 50), rules_at=lambda n: ASK if n <= LAST else other)


def test_names_order_and_spelling_do_not_matter(world):
    node = world.node(irreversible=50)
    world.run("--once", filter=[{"name": "a", "operation": ["vote", "comment"]}, {"id": "x"}])
    world.run("--once", filter=[{"name": "b", "id": "x"},
                                {"name": "c", "operation": ["comment", "vote"]}])
    world.expect(node.chain, (1, 50), rules=[{"operation": ["vote", "comment"]}, {"id": "x"}])


def test_a_running_reader_sees_that_the_rules_changed(world):
    node = world.node(irreversible=50)
    running = world.start(name="wide")
    running.wait_for("tail_started")
    world.db.wait_blocks(50)
    world.run("--activate-filter", filter=ASK)
    node.advance(3)
    assert running.wait_exit(20) == 78
    world.allow_errors(*(line.event for line in running.events()))
    world.run("--once", filter=ASK)
    world.expect(node.chain, (1, 53), rules_at=lambda n: None if n <= 50 else ASK)


def test_refilter_fetches_again_what_other_rules_stored(world):
    node = world.node(irreversible=100)
    world.run("--once", filter=ASK)
    world.run("--activate-filter")
    world.run("--backfill", "20-60", "--refilter")
    world.audit(node.chain, (1, 100), rules_at=lambda n: None if 20 <= n <= 60 else ASK)
    asked = node.count["get_block"]
    world.run("--backfill", "20-60", "--refilter")
    assert node.count["get_block"] - asked <= 5
    world.run("--activate-filter", filter=ASK)
    world.run("--backfill", "1-100", "--refilter", filter=ASK)
    world.expect(node.chain, (1, 100), rules=ASK)


def test_refilter_of_more_than_one_cell_reads_each_block_once(world):
    """Two stretches, of more and of less than the thousand blocks that one search takes."""
    node = world.node(irreversible=2600)
    world.run("--once", filter=ASK)
    world.run("--activate-filter")
    asked = node.count["get_block"]
    world.run("--backfill", "11-2310,2400-2500", "--refilter")
    assert 2401 <= node.count["get_block"] - asked <= 2401 + 10  # the chain's ends are compared too
    world.expect(node.chain, (1, 2600), rules_at=lambda n: (
        None if 11 <= n <= 2310 or 2400 <= n <= 2500 else ASK))


def test_a_rule_without_conditions_is_a_mistake(world):
    for rules in ([{"name": "x"}], [{"operation": ""}], [{"bodyprefix": "x"}]):
        world.run("--check-config", filter=rules, code=78)


def test_rules_as_long_as_a_file_can_make_them(world):
    """Line ends take two bytes in the table: 1 MiB of them is no reason to cut anything."""
    node = world.node(irreversible=50)
    rules = [{"body_prefix": f"{number}" + "\n" * 1010, "body_contains": "\n" * 1024}
             for number in range(495)]
    config = world.config(filter=rules)
    text = config.read_text("utf-8").replace("\\n", "\n")
    assert len(text) < 1 << 20
    config.write_text(text, "utf-8")
    world.run("--once", config=config)
    stored = world.db.value("SELECT rules FROM filters WHERE is_active = 1")
    assert len(stored) > 2 * 1000 * 1000
    assert stored.count("body_prefix") == 495 and stored.endswith('"\n')
    world.run("--once", config=config)
    world.expect(node.chain, (1, 50), rules=rules)
