"""Payloads: whatever the chain holds survives, in one canonical form, from every proxy."""

import pytest

from harness.chain import SyntheticChain
from harness.operations import emit, made, nest

LAST = 80


def stored(world, chain, code=0, **options):
    node = world.node(chain, irreversible=LAST, **options)
    run = world.run("--once", code=code, timeout=60)
    return node, run


@pytest.mark.parametrize("spelling", ["as_is", "proxy", "spaced"])
@pytest.mark.parametrize("gzip", [True, False], ids=["gzip", "plain"])
def test_the_same_rows_from_every_spelling(world, spelling, gzip):
    node, _ = stored(world, SyntheticChain(odd=True), spelling=spelling, gzip=gzip)
    world.expect(node.chain, (1, LAST))


def test_two_nodes_that_spell_differently(world):
    node = world.node(SyntheticChain(odd=True), irreversible=300)
    world.node(SyntheticChain(odd=True), irreversible=300, spelling="proxy")
    world.run("--once", fetch={"batch_size": 10})
    world.expect(node.chain, (1, 300))


EXTRA = {
    "repeated keys": [("twice", '{"a":1,"a":2,"\\u0061":{"a":[]}}')],
    "invalid bytes": [("bytes", '{"x":"\udcff \udce4\udcbd \udced\udca0\udc80","\udcc3":1}')],
    "escapes of every kind": [("escapes", r'{"\u0000":"\u001F\/\u0022\u005c\u002F\b\f\n\r\t"}')],
    "surrogates": [("halves", r'{"x":"\uD83D\uDE00\ud83d\uDE00\uD83D","\uDC00":"\uD83Dx"}')],
    "nested 90 deep": [("deep", emit({"n": nest(90, 1)}))],
    "wide": [("wide", emit({f"k{i}": i for i in range(5000)}))],
    "a name of 64 bytes": [("n" * 64, "{}")],
    "many operations": [made("vote", voter="a")] * 5000,
    "a block of 2 MiB": [made("custom_json", json="y\u00e9/\\" * 10000)] * 42,
    "one payload of 1.5 MiB": [made("custom_json", json="\x01" * 250000)],
    "only NUL": [("nul", '{"x":"\\u0000","\\u0000":"\\u0000\\u0000"}')],
    "quotes for SQL": [("sql", emit({"x": "'; DROP TABLE blocks; -- \\' \\\\ % _ \x1a `"}))],
}


@pytest.mark.parametrize("extra", EXTRA.values(), ids=EXTRA.keys())
def test_content(world, extra):
    node, run = stored(world, SyntheticChain(extra={30: extra, 32: extra}))
    invalid = any(0xDC80 <= ord(char) <= 0xDCFF for _, body in extra for char in body)
    assert bool(run.events("invalid_utf8")) == invalid
    world.expect(node.chain, (1, LAST))


@pytest.mark.parametrize("extra", [[("n" * 65, "{}")], [("größe", "{}")]],
                         ids=["65 bytes", "not ASCII"])
def test_a_name_that_the_table_cannot_hold_names_the_block(world, extra):
    node = world.node(SyntheticChain(extra={30: extra}), irreversible=LAST)
    reader = world.start()
    reader.wait_for("tail_started", timeout=40)
    world.db.wait_blocks(LAST - 1)
    node.advance(2)
    world.db.wait_block(LAST + 2)
    assert [line for line in reader.events() if "30" in line.text
            and line.level in ("warning", "error")]
    world.allow_errors(*(line.event for line in reader.events()))
    world.expect(node.chain, (1, LAST + 2), missing={30})


def test_a_payload_beyond_the_column(world):
    extra = [("custom_json", emit({"json": "x" * (17 << 20)}))]
    node = world.node(SyntheticChain(extra={30: extra}), irreversible=LAST)
    reader = world.start(fetch={"timeout_ms": 20000})
    reader.wait_for("tail_started", timeout=60)
    world.db.wait_blocks(LAST - 1)
    world.allow_errors(*(line.event for line in reader.events()))
    assert world.db.value("SELECT COUNT(*) FROM blockchain WHERE block = 30") == 0
    reader.stop()
    world.expect(node.chain, (1, LAST), missing={30})
