"""What the documents say is true: options, exit codes, completion, and every query in them."""

import re
import subprocess

import pytest

from harness import reader
from harness.chain import TOP

LAST = 60
RULES = [{"name": "all"}, {"operation": "comment", "queue": "ask"}]


def text(*path):
    return TOP.joinpath(*path).read_text(encoding="utf-8")


def options_of_help():
    if reader.program() is None:
        pytest.skip("steem-reader is not built (STEEM_READER names it)")
    shown = subprocess.run([reader.program(), "--help"], capture_output=True, text=True,
                           check=True, timeout=20).stdout
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", shown))


def test_the_manual_has_every_option():
    named = re.findall(r"Fl -([a-z][a-z-]*)", text("doc", "steem-reader.8"))
    assert {f"--{name}" for name in named} == options_of_help()


def complete(*words):
    """What bash offers for the last word."""
    script = f"""
        source {TOP}/etc/steem-reader.bash
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _steem_reader
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    shown = subprocess.run(["bash", "--norc", "-c", script, "bash", "steem-reader", *words],
                           capture_output=True, text=True, check=True, timeout=20)
    assert not shown.stderr
    return set(shown.stdout.split())


def test_the_completion_has_every_option():
    offered = complete("-")
    for action in ("--backfill", "--gaps", "--status", "--verify", "--migrate"):
        offered |= complete(action, "1-2", "-")
    assert offered - {"-c"} == options_of_help()


def test_the_completion_knows_what_goes_together():
    assert complete("--ba") == {"--backfill"}
    assert complete("--gaps", "--ch") == {"--check"}
    assert "--once" not in complete("--gaps", "-")
    assert "--check" not in complete("--status", "-")
    assert complete("--log-level", "") == {"error", "warning", "info", "debug"}
    assert complete("--log-level", "w") == {"warning"}
    assert complete("--forget", "") == set()


def test_the_documents_have_every_exit_code():
    codes = set(re.findall(r"\tEXIT_\w+ = (\d+),", text("include", "daemon", "options.h")))
    assert "78" in codes
    manual = re.search(r"\.Sh EXIT STATUS(.*?)\.El", text("doc", "steem-reader.8"), re.S)[1]
    assert set(re.findall(r"^\.It (\d+)$", manual, re.M)) == codes
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
