"""Odd text from nodes and others: it stops no reader, and no terminal obeys it."""

import json
import unicodedata

import pytest

LAST = 60
BAD = 50

TEXTS = {
    "invalid UTF-8": b"2016-03-24T\xff\xfe\xed\xa0\x80",
    "C1 as one byte": b"\x9b2J2016-03-24",
    "C1 in UTF-8": "\x9b2J\x85\x902016".encode(),
    "a turn of the writing": "2016\u202e42-30\u2066\u200f\u061c".encode(),
    "other line ends": "2016\u2028error gap_found: \u2029x\x7f\ufeff".encode(),
    "characters of four bytes": "\U0001f600".encode() * 15,
    "cut inside of a character": b"x" * 62 + "\u20ac".encode(),
}


def is_clean(text):
    return all(unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp")
               for character in text)


def mangled(text):
    return lambda body: body.replace(b'"timestamp":"', b'"timestamp":"' + text, 1)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_node_writes_into_a_reason(world, text):
    """The reason is recorded, the block stays a gap, and everything else is stored."""
    node = world.node(irreversible=LAST)
    fault = node.fault("mangle", method="get_block", block=BAD, function=mangled(text))
    reader = world.run("--once", code=69)
    assert fault.count > 0
    world.audit_gaps([BAD])
    reason = world.db.value("SELECT reason FROM gaps")
    assert "timestamp" in reason and is_clean(reason)
    assert all(is_clean(line.text) for line in reader.lines)
    world.allow_errors("gaps_remain")
    fault.clear()
    world.db.execute("UPDATE known_gaps SET retry_at = NULL")
    world.run("--once")
    world.expect(node.chain, (1, LAST))


def test_a_reason_that_the_table_refuses(world):
    """If somebody changed the table, only the text is lost, and the reader goes on."""
    node = world.node(irreversible=LAST)
    node.fault("mangle", method="get_block", block=BAD, function=mangled(TEXTS["invalid UTF-8"]))
    world.db.execute("ALTER TABLE known_gaps MODIFY reason VARCHAR(60) NULL")
    world.run("--once", code=69)
    assert "refuses" in world.db.value("SELECT reason FROM gaps")
    world.allow_errors("gaps_remain")
    world.audit_gaps([BAD])


def test_the_commands_show_what_others_wrote(filled):
    """An older program, or somebody with SQL, wrote text that a terminal would obey."""
    dirty = "n\x1b[2J\x9b\u202e\u2028\U000e0041 \u00e4\U0001f600\"\\"
    filled.db.execute("INSERT INTO readers (name, session, state, node, version, started_at,"
                      " heartbeat_at) VALUES (%s, 'x', 'stopped', %s, '1', UTC_TIMESTAMP(),"
                      " UTC_TIMESTAMP())", dirty, dirty)
    shown = filled.run("--status").stdout
    assert "n\ufffd[2J\ufffd\ufffd \ufffd \u00e4\U0001f600" in shown
    assert all(is_clean(line) for line in shown.split("\n"))
    text = filled.run("--status", "--json").stdout
    assert all(is_clean(line) for line in text.split("\n"))
    assert dirty in [row["name"] for row in json.loads(text)]
    assert dirty in [row["node"] for row in json.loads(text)]
    filled.db.execute("DELETE FROM readers WHERE session = 'x'")
