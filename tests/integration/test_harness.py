"""The harness itself: an auditor that cannot find damage would make every other test worthless."""

import contextlib
import gzip
import http.client
import json
import urllib.error
import urllib.request

import pytest

from harness import auditor, chain as chains, expect, jsontext, operations, packing, prover, virtual
from harness.chain import BusyChain, RecordedChain, SyntheticChain
from harness.node import Node
from harness.reader import Line, libconfig

# ---- the canonical form

CANONICAL = [
    (b' { "b" : [ 1 , 2 ] ,\r\n\t"a" : { } } ', '{"b":[1,2],"a":{}}'),
    (rb'"\/ \u002f \u0041\u00e9 \u4f60"', '"/ / Aé 你"'),
    (rb'"\b\f\n\r\t\u0008\u000C\u000a\u000D\u0009"', r'"\b\f\n\r\t\b\f\n\r\t"'),
    (rb'"\u0000\u001F\u0022\u005c\u007f"', '"\\u0000\\u001f\\"\\\\\x7f"'),
    (rb'"\uD83D\uDE00"', '"😀"'),
    (rb'"\ud83dx\uDE00 \uDBFF"', '"\\ud83dx\\ude00 \\udbff"'),
    (rb'"\ud83d\ud83d\ude00\ude00"', '"\\ud83d😀\\ude00"'),
    ("\"\u2028\u2029\ufeff\"".encode(), '"\u2028\u2029\ufeff"'),
    (b'[1.50,1e5,-0,1E+400,18446744073709551616]', '[1.50,1e5,-0,1E+400,18446744073709551616]'),
    (b'{"a":1,"a":2,"\\u0061":3}', '{"a":1,"a":2,"a":3}'),
    (b'"\xff \xe4\xbd \xed\xa0\x80 \xf0\x9f\x98"', '"\ufffd \ufffd \ufffd\ufffd\ufffd \ufffd"'),
    (b'[true,false,null,"",[],{}]', '[true,false,null,"",[],{}]'),
]


@pytest.mark.parametrize("raw, canonical", CANONICAL)
def test_canonical_form(raw, canonical):
    assert jsontext.parse(raw).canonical() == canonical
    assert jsontext.parse(canonical).canonical() == canonical


@pytest.mark.parametrize("raw", [
    b"", b"{", b"[1,]", b'{"a":1,}', b'{"a" 1}', b'"\\a"', b'"\\u12"', b"01", b"1.", b"+1",
    b"[1 2]",    b'"tab\t"', b"nul", b"[]]", b"{a:1}", b"'a'", b'"open', b'{"a":}', b"[,1]"])
def test_what_is_not_json_is_refused(raw):
    with pytest.raises(jsontext.JsonError):
        jsontext.parse(raw)


@pytest.mark.parametrize("spelling", ["as_is", "proxy", "spaced"])
def test_every_spelling_means_the_same(spelling):
    chain = SyntheticChain(odd=True)
    for number in range(1, 140):
        raw = chain.raw(number)
        spelt = jsontext.respell(raw, spelling)
        assert json.loads(spelt) == json.loads(raw)
        assert expect.decode(spelt) == chain.block(number)
        if spelling == "proxy":
            assert spelt.isascii()


# ---- chains and expected rows

def test_the_synthetic_chain_has_every_operation_in_any_thirty_blocks():
    assert len(operations.REAL) == 47 and set(operations.REAL) == (
        set(expect.ACCOUNTS) - set(virtual.ACCOUNTS))
    for first in (1, 77, 70_000_000):
        blocks = [SyntheticChain().block(n) for n in range(first, first + 30)]
        assert {op.operation for b in blocks for op in b.operations} >= set(operations.REAL)


def chain_of(name):
    return {"synthetic": (SyntheticChain, range(1, 200)), "busy": (BusyChain, range(1, 67)),
            "run": (RecordedChain, range(1, 1001)),
            "busy run": (RecordedChain, range(4999981, 5000001))}[name]


@pytest.mark.parametrize("name", ["synthetic", "busy", "run", "busy run"])
def test_expected_rows_have_the_values_of_the_chain(name, recorded):
    make, numbers = chain_of(name)
    chain, previous = make(), None
    for number in numbers:
        given, block = json.loads(chain.signed(number)), chain.block(number)
        assert block.number == number and block.block_id == given["block_id"]
        assert previous in (None, given["previous"])
        previous = block.block_id
        pairs = [(t, o, pair, trx) for t, trx in enumerate(given["transactions"])
                 for o, pair in enumerate(trx["operations"])]
        assert (given["transaction_merkle_root"] == chains.ZERO_ID) == (not given["transactions"])
        assert len(pairs) == len(block.operations)
        for (t, o, pair, trx), op in zip(pairs, block.operations):
            assert op.key == (number, t, o, 0)
            assert [op.operation, json.loads(op.payload)] == pair
            assert op.trx_id == given["transaction_ids"][t] == trx.get("transaction_id", op.trx_id)
            assert op.timestamp.isoformat() == given["timestamp"]
            assert trx.get("block_num", number) == number


def test_the_busy_chain_keeps_the_recorded_text(recorded):
    chain = BusyChain()
    for number in (2, 40, 100):
        source = (recorded / "blocks" / f"{chain.source(number)}.json").read_text("utf-8")
        made = chain.raw(number).decode()
        ops = [trx.get("operations") for trx in jsontext.parse(made).get("transactions").items()]
        assert ops and all(made[op.start:op.end] in source for op in ops)


@pytest.mark.parametrize("name", ["synthetic", "plain", "busy", "high", "forked"])
def test_every_made_block_proves_and_links(name, recorded):
    below = SyntheticChain(fork=(5, "a"), plain=True)
    chain, numbers = {
        "synthetic": (SyntheticChain(), range(1, 200)),
        "plain": (SyntheticChain(plain=True), range(863990, 864010)),
        "busy": (BusyChain(), range(1, 67)),
        "high": (SyntheticChain(), range(4_294_000_001, 4_294_000_010)),
        "forked": (SyntheticChain(fork=(9, "b"), plain=True, below=below), range(1, 14)),
    }[name]
    for number in numbers:
        verdict, reason, key = prover.prove_block(chain.raw(number), packing.STEEM)
        assert verdict == "content", (number, reason)
        assert key == operations.signing_key(chain.witness(number))
        assert chain.block(number).previous == chain.block_id(number - 1)
        if name == "forked":
            assert (chain.raw(number) == below.raw(number)) == (number < 9)
            assert (chain.raw(number) == SyntheticChain(plain=True).raw(number)) == (number < 5)


def test_transactions_name_a_block_before_them_and_are_one_of_a_kind():
    """As a node asks of each: a block of its own branch, and an id that was not there before."""
    chain, seen = SyntheticChain(odd=True), set()
    for number in range(1, 200):
        block = json.loads(chain.raw(number))
        for trx in block["transactions"]:
            before = bytes.fromhex(chain.block_id((number & ~0xFFFF) + trx["ref_block_num"]))
            assert trx["ref_block_num"] < number
            assert trx["ref_block_prefix"] == int.from_bytes(before[4:8], "little")
            assert trx["expiration"] > block["timestamp"]
        assert not seen & set(block["transaction_ids"])
        seen.update(block["transaction_ids"])
        assert len(set(block["transaction_ids"])) == len(block["transactions"])
    once = chain.publish(200, [("vote", {})])
    assert once != chain.publish(200, [("vote", {})])


def test_odd_operations_are_not_shown():
    chain = SyntheticChain(odd=True)
    verdicts = {prover.prove_block(chain.raw(number), packing.STEEM)[0]
                for number in range(1, 60)}
    assert verdicts == {"content", "not shown"}
    names = {op.operation for n in range(1, 60) for op in chain.block(n).operations}
    assert names >= {name for name, _ in operations.UNPACKED}


def test_what_is_published_proves(recorded):
    for chain in (SyntheticChain(), BusyChain()):
        plain = chain.raw(20), chain.raw(21)
        op = "transfer", {"from": "a", "to": "b", "amount": "1.000 STEEM", "memo": ""}
        ids = [chain.publish(22, [op]), chain.publish(22, [op, op])]
        assert prover.prove_block(chain.raw(22), packing.STEEM)[0] == "content"
        found = [op.trx_id for op in chain.block(22).operations]
        assert found[-3:] == [ids[0], ids[1], ids[1]]
        assert prover.prove_block(chain.raw(23), packing.STEEM)[0] == "content"
        assert plain == (chain.raw(20), chain.raw(21))
        assert type(chain)().raw(22) != chain.raw(22)
        with pytest.raises(ValueError, match="22 was seen already"):
            chain.publish(22, [op])


def test_an_operation_comes_again_under_its_id():
    gone = SyntheticChain(fork=(10, "gone"))
    chain = SyntheticChain(again={14: [(gone, 12, 1)]})
    again = json.loads(chain.raw(14))["transactions"][-1]
    assert again["transaction_id"] == json.loads(gone.raw(12))["transaction_ids"][1]
    assert prover.prove_block(chain.raw(14), packing.STEEM)[0] == "content"
    assert chain.raw(13) == SyntheticChain().raw(13)


def test_a_chain_goes_only_so_far():
    with pytest.raises(ValueError, match="block 3000000 is too far above 864000|863900"):
        SyntheticChain().raw(3000000)


def test_labels_make_forks():
    main, other = SyntheticChain(), SyntheticChain(fork=(10, "other"))
    assert main.raw(9) == other.raw(9) and main.raw(10) != other.raw(10)
    assert other.block(10).previous == main.block_id(9)
    assert other.block(11).previous == other.block_id(10) != main.block_id(10)
    empty = SyntheticChain(fork=(16, "other"))
    assert not empty.block(16).operations and empty.raw(15) == main.raw(15)
    assert empty.block_id(16) != main.block_id(16) != SyntheticChain(fork=(16, "a")).block_id(16)


ACTING = [
    ("vote", '{"voter":"a","author":"b"}', "a"),
    ("account_witness_proxy", '{"account":"","proxy":"p"}', "p"),
    ("custom_json", '{"required_auths":["x","y"],"required_posting_auths":["z"]}', "x"),
    ("custom_json", '{"required_auths":[],"required_posting_auths":["z","y"]}', "z"),
    ("pow2", '{"work":[1,{"input":{"worker_account":"w"}}]}', "w"),
    ("report_over_production", '{"reporter":"r"}', None),
    ("unheard_of", '{"account":"a"}', None),
    ("vote", '{"voter":"seventeen-chars-a"}', None),
    ("vote", '{"voter":"sixteen-chars-ab"}', "sixteen-chars-ab"),
    ("vote", '{"voter":"gr\u00f6\u00dfe","author":"b"}', None),
    ("vote", '{"voter":7,"author":"b"}', "b"),
    ("comment", '{"parent_author":"p","author":"a"}', "a"),
]


@pytest.mark.parametrize("name, body, account", ACTING)
def test_the_acting_account(name, body, account):
    assert expect.acting_account(name, jsontext.parse(body)) == account


@pytest.mark.parametrize("rule, operation, body, wanted", [
    ({"operation": "comment"}, "comment", "{}", True),
    ({"operation": ["vote", "comment"]}, "comment", "{}", True),
    ({"operation": "comment"}, "vote", "{}", False),
    ({"account": "ben"}, "comment_options",
     '{"extensions":[[0,{"beneficiaries":[{"account":"ben"}]}]]}', True),
    ({"account": "auth"}, "account_update", '{"posting":{"account_auths":[["auth",1]]}}', True),
    ({"body_prefix": "!ask"}, "comment", '{"body":"!ask me"}', True),
    ({"body_prefix": "!ask"}, "comment", '{"body":" !ask me"}', False),
    ({"body_contains": "ask"}, "comment", '{"body":"do \\u0061sk"}', True),
    ({"memo_prefix": "order:"}, "transfer", '{"memo":"order:1"}', True),
    ({"id": "x"}, "custom_json", '{"id":"x"}', True),
    ({"id": "x"}, "custom", '{"id":"x"}', False),
    ({"operation": "comment", "body_prefix": "!ask"}, "comment", '{"body":"x"}', False),
])
def test_the_filter(rule, operation, body, wanted):
    op = expect.Operation(1, 0, 0, 0, "", None, operation, None, body, jsontext.parse(body))
    assert expect.Filter([rule]).wants(op) is wanted


# ---- the auditor

SCHEMA = """
CREATE TABLE blocks (block INT UNSIGNED, block_id BINARY(20), previous BINARY(20),
    timestamp DATETIME, operations INT, stored_operations INT, filter_id INT, reader_id INT,
    committed_at DATETIME, virtual_operations INT DEFAULT 0,
    stored_virtual_operations INT DEFAULT 0, virtual_state VARCHAR(12) DEFAULT 'none',
    is_irreversible TINYINT DEFAULT 1);
CREATE TABLE blockchain (block INT UNSIGNED, trx_in_block INT UNSIGNED, op_in_trx INT UNSIGNED,
    virtual_op INT UNSIGNED, trx_id CHAR(40), timestamp DATETIME, operation VARCHAR(64),
    account VARCHAR(16), payload MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin);
CREATE TABLE orphans (block INT UNSIGNED, block_id BINARY(20), trx_in_block INT UNSIGNED,
    op_in_trx INT UNSIGNED, virtual_op INT UNSIGNED, trx_id CHAR(40), timestamp DATETIME,
    operation VARCHAR(64), account VARCHAR(16),
    payload MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, replaced_by BINARY(20),
    orphaned_at DATETIME);
CREATE TABLE delivered (block INT UNSIGNED, trx_in_block INT UNSIGNED, op_in_trx INT UNSIGNED,
    virtual_op INT UNSIGNED, queue VARCHAR(32), block_crc INT UNSIGNED, delivery_id BIGINT);
CREATE TABLE deliveries_open (block INT UNSIGNED, trx_in_block INT UNSIGNED,
    op_in_trx INT UNSIGNED, virtual_op INT UNSIGNED, queue VARCHAR(32), delivery_id BIGINT);
CREATE TABLE deliveries_ended LIKE deliveries_open;
CREATE TABLE gaps (first_block INT, last_block INT, missing INT)
"""
LAST = 12


@pytest.fixture
def tables(server):
    """Tables as the contract has them, filled from the chain by hand, without keys."""
    name = server.create_database()
    server.execute(f"CREATE DATABASE {name}")
    with contextlib.closing(server.connect(name)) as db, db.cursor() as cursor:
        for statement in SCHEMA.split(";"):
            cursor.execute(statement)
        for number in range(1, LAST + 1):
            block = SyntheticChain().block(number)
            cursor.execute(
                "INSERT INTO blocks (block, block_id, previous, timestamp, operations,"
                " stored_operations, filter_id, reader_id, committed_at)"
                " VALUES (%s, UNHEX(%s), UNHEX(%s), %s, %s, %s, 1, 1, NOW())",
                (number, block.block_id, block.previous, block.timestamp,
                 len(block.operations), len(block.operations)))
            cursor.executemany("INSERT INTO blockchain VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s)",
                               [op.key + op.columns for op in block.operations])
        yield db
    server.execute(f"DROP DATABASE {name}")


def test_the_auditor_is_content_with_good_tables(tables):
    auditor.audit(tables, SyntheticChain(), [(1, LAST)])
    with pytest.raises(auditor.AuditError, match="missing from blocks: 13"):
        auditor.audit(tables, SyntheticChain(), [(1, LAST + 1)])
    with pytest.raises(auditor.AuditError, match="but not expected: 12"):
        auditor.audit(tables, SyntheticChain(), [(1, LAST - 1)])
    with pytest.raises(auditor.AuditError, match="block_id of 1"):
        auditor.audit(tables, SyntheticChain("other"), [(1, LAST)])


def test_the_auditor_looks_whether_blocks_prove(tables):
    auditor.audit(tables, SyntheticChain(), [(1, LAST)], proves=packing.STEEM)
    with pytest.raises(auditor.AuditError, match="block 12 does not prove: false, transaction 0 .*"
                                                 "is called another one"):
        auditor.audit(tables, Renumbered(), [(1, LAST)], proves=packing.STEEM)


class Renumbered(SyntheticChain):
    """Serves rows as good as the true ones, with what nobody stores said wrong."""

    def raw(self, number):
        return super().raw(number).replace(b'"transaction_num":0', b'"transaction_num":9')


@pytest.mark.parametrize("damage, finding", [
    ("DELETE FROM blocks WHERE block = 5", "missing from blocks: 5"),
    ("INSERT INTO blocks SELECT * FROM blocks WHERE block = 5", "5 stands in blocks twice"),
    ("UPDATE blocks SET previous = UNHEX(REPEAT('ab', 20)) WHERE block = 5", "does not link"),
    ("UPDATE blocks SET timestamp = timestamp + INTERVAL 3 SECOND WHERE block = 5",
     "blocks.timestamp of 5"),
    ("UPDATE blocks SET operations = operations + 1 WHERE block = 5", "blocks.operations of 5"),
    ("UPDATE blocks SET stored_operations = 0 WHERE block = 5", "blocks.stored_operations of 5"),
    ("UPDATE blocks SET reader_id = NULL WHERE block = 5", "reader_id of 5 is NULL"),
    ("DELETE FROM blockchain WHERE block = 5 LIMIT 1", "is missing from blockchain"),
    ("DELETE FROM blockchain WHERE block = 5", r"found \d+ mistakes"),
    ("INSERT INTO blockchain SELECT * FROM blockchain WHERE block = 5 LIMIT 1", "twice"),
    ("UPDATE blockchain SET op_in_trx = 9 WHERE block = 5 LIMIT 1", "but should not"),
    ("UPDATE blockchain SET virtual_op = 1 WHERE block = 5 LIMIT 1", "but should not"),
    ("UPDATE blockchain SET trx_id = UPPER(trx_id) WHERE block = 5 LIMIT 1", "trx_id of operation"),
    ("UPDATE blockchain SET timestamp = '2020-01-01' WHERE block = 5 LIMIT 1", "timestamp of op"),
    ("UPDATE blockchain SET operation = 'other' WHERE block = 5 LIMIT 1", "operation of op"),
    ("UPDATE blockchain SET account = 'nobody' WHERE block = 5 LIMIT 1", "account of op"),
    ("UPDATE blockchain SET account = NULL WHERE account IS NOT NULL LIMIT 1", "account of op"),
    ("UPDATE blockchain SET payload = CONCAT(payload, ' ') WHERE block = 5 LIMIT 1", "payload of"),
    ("INSERT INTO gaps VALUES (5, 5, 1)", "view gaps shows what is not missing: 5"),
    ("INSERT INTO gaps VALUES (5, 7, 1)", "5-7 says 1 missing"),
])
def test_the_auditor_finds_damage(tables, damage, finding):
    with tables.cursor() as cursor:
        assert cursor.execute(damage) > 0
    with pytest.raises(auditor.AuditError, match=finding):
        auditor.audit(tables, SyntheticChain(), [(1, LAST)])


def test_the_auditor_and_known_holes(tables):
    with tables.cursor() as cursor:
        cursor.execute("DELETE FROM blocks WHERE block IN (3, 4)")
        cursor.execute("DELETE FROM blockchain WHERE block IN (3, 4)")
        with pytest.raises(auditor.AuditError, match="the view gaps hides: 3-4"):
            auditor.audit(tables, SyntheticChain(), [(1, LAST)], missing=[(3, 4)])
        cursor.execute("INSERT INTO gaps VALUES (3, 4, 2)")
    auditor.audit(tables, SyntheticChain(), [(1, LAST)], missing=[(3, 4)])
    with pytest.raises(auditor.AuditError, match="must be missing: 5"):
        auditor.audit(tables, SyntheticChain(), [(1, LAST)], missing=[(3, 5)])


def test_the_auditor_and_forks(tables):
    """Reversible rows count as missing and may be of a fork, whole; orphans are of forks, whole."""
    fork, chain = SyntheticChain(fork=(LAST - 1, "b")), SyntheticChain()

    def audit(known=(fork,)):
        auditor.audit(tables, chain, [(1, LAST - 1)], reversible=[LAST], forks=known)

    def keep_orphan(number, block):
        cursor.executemany(
            "INSERT INTO orphans VALUES (%s,UNHEX(%s),%s,%s,%s,%s,%s,%s,%s,%s,UNHEX(%s),NOW())",
            [(number, block.block_id, *op.key[1:], *op.columns, chain.block_id(number))
             for op in block.operations])

    with tables.cursor() as cursor:
        cursor.execute("UPDATE blocks SET is_irreversible = 0 WHERE block = %s", LAST)
        audit()
        with pytest.raises(auditor.AuditError, match="reversible in blocks, but should not be: 12"):
            auditor.audit(tables, chain, [(1, LAST)])
        keep_orphan(LAST - 1, fork.block(LAST - 1))
        audit()
        with pytest.raises(auditor.AuditError, match="is of no fork"):
            audit(known=())
        cursor.execute("DELETE FROM orphans LIMIT 1")
        with pytest.raises(auditor.AuditError, match="orphans: 11 .* operations, should"):
            audit()
        cursor.execute("DELETE FROM orphans")
        keep_orphan(LAST - 1, chain.block(LAST - 1))
        with pytest.raises(auditor.AuditError, match="is of no fork"):
            audit()
        cursor.execute("DELETE FROM orphans")
        block = fork.block(LAST)
        cursor.execute("UPDATE blocks SET block_id = UNHEX(%s), previous = UNHEX(%s),"
                       " operations = %s, stored_operations = %s WHERE block = %s",
                       (block.block_id, block.previous, len(block.operations),
                        len(block.operations), LAST))
        with pytest.raises(auditor.AuditError, match="operation .12,"):
            audit()
        cursor.execute("DELETE FROM blockchain WHERE block = %s", LAST)
        cursor.executemany("INSERT INTO blockchain VALUES (%s,%s,%s,%s,%s,%s,%s,%s,%s)",
                           [op.key + op.columns for op in block.operations])
        audit()


def test_the_auditor_knows_the_filter(tables):
    rules = [{"operation": "vote"}]
    with pytest.raises(auditor.AuditError, match="but should not"):
        auditor.audit(tables, SyntheticChain(), [(1, LAST)], rules=rules)
    with tables.cursor() as cursor:
        cursor.execute("DELETE FROM blockchain WHERE operation <> 'vote'")
        cursor.execute("UPDATE blocks SET stored_operations = (SELECT COUNT(*) FROM blockchain"
                       " WHERE blockchain.block = blocks.block)")
    auditor.audit(tables, SyntheticChain(), [(1, LAST)], rules=rules)


DELIVER = """INSERT INTO delivered SELECT o.block, trx_in_block, op_in_trx, virtual_op, 'talk',
    CRC32(block_id), o.block * 1048576 + trx_in_block * 1024 + op_in_trx
    FROM blockchain o JOIN blocks b USING (block) WHERE operation = 'comment'"""
OPEN = """INSERT INTO deliveries_open SELECT block, trx_in_block, op_in_trx, virtual_op, queue,
    delivery_id FROM delivered"""


@pytest.mark.parametrize("damage, finding", [
    ("DELETE FROM delivered LIMIT 1", "was not delivered to talk"),
    ("UPDATE delivered SET queue = 'other' LIMIT 1", "delivered to other, but should not"),
    ("UPDATE delivered SET block_crc = 1 LIMIT 1", "was not delivered to talk"),
    ("INSERT INTO delivered SELECT * FROM delivered LIMIT 1", "delivered twice"),
    ("DELETE FROM deliveries_open LIMIT 1", "there are 0 deliveries"),
    ("INSERT INTO deliveries_ended SELECT * FROM deliveries_open LIMIT 1", "there are 2 deliver"),
])
def test_the_auditor_knows_deliveries(tables, damage, finding):
    rules = [{"operation": "comment", "queue": "talk"}, {"name": "all"}]
    with pytest.raises(auditor.AuditError, match="was not delivered to talk"):
        auditor.audit(tables, SyntheticChain(), [(1, LAST)], rules=rules)
    with tables.cursor() as cursor:
        cursor.execute(DELIVER)
        cursor.execute(OPEN)
        auditor.audit(tables, SyntheticChain(), [(1, LAST)], rules=rules)
        assert cursor.execute(damage) > 0
    with pytest.raises(auditor.AuditError, match=finding):
        auditor.audit(tables, SyntheticChain(), [(1, LAST)], rules=rules)


# ---- the node

@pytest.fixture
def node():
    made = Node(SyntheticChain(), irreversible=100, head=120)
    yield made
    made.close()


def ask(node, *numbers, method="get_block", timeout=5, gzipped=False):
    """One batch; the parsed answers."""
    calls = [{"jsonrpc": "2.0", "id": i, "method": f"condenser_api.{method}", "params": [n]}
             for i, n in enumerate(numbers)]
    headers = {"Accept-Encoding": "gzip"} if gzipped else {}
    request = urllib.request.Request(node.url, json.dumps(calls).encode(), headers)
    with urllib.request.urlopen(request, timeout=timeout) as answer:
        body = answer.read()
        assert (answer.headers.get("Content-Encoding") == "gzip") == gzipped
        return json.loads(gzip.decompress(body) if gzipped else body)


def results(answers):
    return [answer.get("result") for answer in answers]


def test_a_node_answers(node):
    answers = ask(node, 1, 100, 120, 121, 0)
    assert [a["id"] for a in answers] == [0, 1, 2, 3, 4]
    assert results(answers)[3:] == [None, None]
    assert results(answers)[1]["block_id"] == SyntheticChain().block_id(100)
    assert results(ask(node, 1, gzipped=True))[0]["block_id"] == SyntheticChain().block_id(1)
    assert ask(node, 0, method="get_nonsense")[0]["error"]["code"] == -32002
    properties = ask(node, 0, method="get_dynamic_global_properties")[0]["result"]
    assert properties["head_block_number"] == 120
    assert properties["last_irreversible_block_num"] == 100
    assert node.count["requests"] == 4 and node.asked[1] == 2
    assert node.log[0].blocks == [1, 100, 120, 121, 0]


def test_a_node_keeps_connections_and_can_refuse_them(node):
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=5)
    for _ in range(3):
        connection.request("POST", "/", json.dumps(
            {"id": 1, "method": "condenser_api.get_block", "params": [1]}))
        assert json.loads(connection.getresponse().read())["result"]["block_id"]
    assert node.count["connections"] == 1
    node.refuse()
    with pytest.raises(OSError):
        ask(node, 1)
    node.accept()
    assert ask(node, 1)


def test_a_live_node_goes_on(node):
    node.live(0.001, until=130)
    node.wait_for(lambda: node.irreversible == 130)
    node.still()
    node.irreversible = 50
    assert node.irreversible == 50 and node.head == 120


BROKEN = [("html", ValueError), ("empty", ValueError), ("garbage", ValueError), ("cut", ValueError),
          ("trailing", ValueError), ("reset", OSError), ("reset_body", Exception),
          ("wrong_length", http.client.IncompleteRead)]


@pytest.mark.parametrize("what, error", BROKEN)
def test_faults_that_break_the_answer(node, what, error):
    node.fault(what, block=7, times=1)
    assert results(ask(node, 8))
    with pytest.raises(error):
        ask(node, 6, 7)
    assert node.count[what] == 1
    assert len(results(ask(node, 6, 7))) == 2


ODD_BLOCKS = [
    ("null", lambda b: b is None),
    ("other_block", lambda b: b["block_id"] == SyntheticChain().block_id(8)),
    ("broken_previous", lambda b: b["previous"] != SyntheticChain().block_id(6)),
    ("no_block_id", lambda b: "block_id" not in b),
    ("few_ids", lambda b: len(b["transaction_ids"]) < len(b["transactions"])),
    ("zero_merkle", lambda b: b["transaction_merkle_root"] == chains.ZERO_ID),
    ("merkle_without_trx", lambda b: not b["transactions"]),
    ("no_operations", lambda b: b["transactions"][0]["operations"] == []),
    ("rpc_error", lambda b: b is None),
]


@pytest.mark.parametrize("what, is_so", ODD_BLOCKS)
def test_faults_of_one_item(node, what, is_so):
    fault = node.fault(what, block=7)
    good, odd = results(ask(node, 6, 7))
    assert good == json.loads(SyntheticChain().raw(6)) and is_so(odd)
    fault.clear()
    assert results(ask(node, 7)) == [json.loads(SyntheticChain().raw(7))]


def test_faults_of_the_envelope(node):
    node.fault("missing", times=1)
    assert len(ask(node, 1, 2, 3)) == 2
    node.fault("doubled", times=1)
    assert [a["id"] for a in ask(node, 1, 2, 3)] == [0, 1, 0]
    node.fault("reordered", times=1)
    assert [a["id"] for a in ask(node, 1, 2, 3)] == [2, 1, 0]
    node.fault("extra", times=1)
    assert len(ask(node, 1, 2, 3)) == 4
    node.fault("wrong_id", block=2, times=1)
    assert [a["id"] for a in ask(node, 1, 2, 3)] == [0, 77777777, 2]
    node.fault("error_object", times=1)
    assert "error" in ask(node, 1, 2)
    node.fault("refuse_batch", above=2)
    assert ask(node, 1, 2, 3)["error"]["code"] == 1600
    assert len(ask(node, 1, 2)) == 2


def test_faults_of_status_time_and_fork(node):
    node.fault("status", code=429, retry_after=3, times=1)
    with pytest.raises(urllib.error.HTTPError) as error:
        ask(node, 1)
    assert error.value.code == 429 and error.value.headers["Retry-After"] == "3"
    node.fault("raw", status=200, headers=[("X-A", "b")], body=b'{"a":1}', times=1)
    assert ask(node, 1) == {"a": 1}
    hang = node.fault("hang", times=1)
    with pytest.raises(TimeoutError):
        ask(node, 1, timeout=0.2)
    hang.clear()
    node.fault("drip", method="get_nonsense", seconds=0.05, times=1)
    with pytest.raises(TimeoutError):
        ask(node, 0, method="get_nonsense", timeout=0.02)
    node.heal()
    node.fault("fork", chain=SyntheticChain("other"), block=range(5, 7), times=1)
    assert results(ask(node, 5))[0]["block_id"] == SyntheticChain("other").block_id(5)
    node.fault("stale", by=20, times=1)
    assert ask(node, 0, method="get_dynamic_global_properties")[0]["result"][
        "last_irreversible_block_num"] == 80
    with pytest.raises(ValueError):
        node.fault("no such thing")



# ---- the rest

def test_libconfig_text():
    text = libconfig({"nodes": [{"url": "http://x/\"\\"}], "a": {"b": 1, "c": True, "d": 2 ** 33},
                      "hosts": ["x", "y"]})
    assert 'nodes = ( {\n        url = "http://x/\\"\\\\";\n    } );' in text
    assert "d = 8589934592L;" in text and 'hosts = ( "x", "y" );' in text and "c = true;" in text


def test_log_lines():
    line = Line("2026-11-23T12:00:00Z info tail_started: at block 7: tailing")
    assert (line.level, line.event, line.message) == ("info", "tail_started",
                                                      "at block 7: tailing")
    assert Line("<4>node_failed: x").level == "warning" and Line("anything else").event is None
