"""What the documents say is true: options, exit codes, completion, and every query in them."""

import functools
import re

import pytest

from harness import documents, reader
from harness.documents import exit_codes_of_manual, options_of_help, options_of_manual, text

LAST = 60
RULES = [{"name": "all"}, {"operation": "comment", "queue": "ask"}]
built = pytest.mark.skipif(not reader.program(),
                           reason="steem-reader is not built (STEEM_READER names it)")
complete = functools.partial(documents.complete, "steem-reader")


@built
def test_the_manual_has_every_option():
    assert options_of_manual("steem-reader") == options_of_help(reader.program())


@built
def test_the_completion_has_every_option():
    offered = complete("-")
    for action in ("--backfill", "--gaps", "--status", "--verify", "--migrate"):
        offered |= complete(action, "1-2", "-")
    assert offered - {"-c"} == options_of_help(reader.program())


def test_the_completion_knows_what_goes_together():
    assert complete("--ba") == {"--backfill"}
    assert complete("--gaps", "--ch") == {"--check"}
    assert "--once" not in complete("--gaps", "-")
    assert "--check" not in complete("--status", "-")
    assert complete("--log-level", "") == {"error", "warning", "info", "debug"}
    assert complete("--log-level", "w") == {"warning"}
    assert complete("--forget", "") == set()


def test_the_documents_have_every_exit_code():
    codes = set(re.findall(r"\tEXIT_\w+ = (\d+),", text("include", "daemon", "process.h")))
    assert "78" in codes
    assert exit_codes_of_manual("steem-reader") == codes
    table = text("doc", "operations.md").split("## Exit codes")[1].split("## ")[0]
    assert set(re.findall(r"^\| (\d+) \|", table, re.M)) == codes
    unit = text("etc", "steem-reader.service.in")
    never_again = set(re.findall(r"^\| (\d+) \|.*\| no \|$", table, re.M))
    prevented = re.search(r"^RestartPreventExitStatus=(.*)$", unit, re.M)[1].split()
    assert set(prevented) == never_again


@pytest.mark.parametrize("document", ["README.md", "doc/database.md", "doc/operations.md"])
def test_the_queries_run(world, document):
    node = world.node(irreversible=LAST)
    world.run("--once", filter=RULES)
    world.expect(node.chain, (1, LAST), rules=RULES)
    whole = text(*document.split("/"))
    blocks = re.findall(r"^```sql\n(.*?)^```", whole, re.M | re.S)
    inline = re.findall(r"`((?:SELECT|DELETE)\s[^`]*\bFROM\b[^`]*)`", whole)
    queries = [query for block in blocks
               for query in re.sub(r"--.*", "", block).split(";") if query.strip()] + inline
    assert queries
    for query in queries:
        rows = world.db.rows(re.sub(r"\s+", " ", query).replace("?", "1").strip())
        if "queue_claim" in query:
            world.db.execute("SET @delivery_id = %s, @token = %s", *rows[0][:2])
