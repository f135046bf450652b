"""--prove: answers of get_block, by their own hashes."""

import json
import re
import subprocess

import pytest

from harness import packing, prover
from harness.chain import DATA
from harness.reader import program

PROVED = re.compile(r"proved +(\d+)  (\d+) trxs, (\d+) operations, id ([0-9a-f]{40}), "
                    r"signed with (\w+) by ([\w.-]+)(, chain testnet)?(; put right: .*)?$")


def prove(data, code=0, path="-"):
    """The lines for the answers, and the sum."""
    done = subprocess.run([program(), "--prove", path], input=data, capture_output=True, check=False)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    lines = done.stdout.decode().splitlines()
    return lines[:-1], lines[-1] if lines else ""


def line(answer):
    return json.dumps(answer, ensure_ascii=False).encode() + b"\n"


def recorded(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path


def check(block, said):
    """What was printed of a block, against what its own answer says."""
    got = PROVED.match(said)
    assert got, said
    operations = sum(len(trx["operations"]) for trx in block["transactions"])
    assert got.groups()[:6] == (str(int(block["block_id"][:8], 16)), str(len(block["transactions"])),
                                str(operations), block["block_id"], block["signing_key"],
                                block["witness"])
    return got


def test_recorded_runs():
    for name in ("runs/1-1000.jsonl", "runs/4999981-5000000.jsonl"):
        text = recorded(name).read_bytes()
        lines, total = prove(text)
        blocks = [json.loads(text) for text in text.splitlines()]
        assert len(lines) == len(blocks)
        for block, said in zip(blocks, lines):
            assert check(block, said)[8] is None
        assert total == f"{len(blocks)} answers, {len(blocks)} proved, 0 false, 0 unproved"


def test_recorded_busy_blocks():
    """Each as a whole file, and with white space in many lines."""
    put_right = set()
    for path in sorted(recorded("blocks").iterdir()):
        block = json.loads(path.read_text())
        lines, _ = prove(None, path=path)
        if check(block, lines[0])[8]:
            put_right.add(path.stem)
        assert prove(json.dumps(block, indent=1).encode())[0] == lines
    assert put_right == {"22006939", "22006977"}


def test_a_test_network():
    """In JSON-RPC envelopes; the keys tell which network it is."""
    text = recorded("testnet/blocks/condenser_get_block.jsonl").read_bytes()
    lines, total = prove(text)
    for answer, said in zip(text.splitlines(), lines):
        assert check(json.loads(answer)["result"], said)[7] == ", chain testnet"
    assert total == "90 answers, 90 proved, 0 false, 0 unproved"


@pytest.fixture(name="block")
def some_block():
    """A busy block with a transfer."""
    for path in sorted(recorded("blocks").iterdir()):
        block = json.loads(path.read_text())
        for number, trx in enumerate(block["transactions"]):
            if trx["operations"][0][0] == "transfer":
                return block, number, trx["operations"][0][1]
    raise AssertionError("no transfer")


def test_a_false_block_is_named_with_its_trx(block):
    block, number, transfer = block
    transfer["amount"] = "9000.000 STEEM"
    num = int(block["block_id"][:8], 16)
    good = recorded("runs/1-1000.jsonl").read_bytes().splitlines(keepends=True)[0]
    lines, total = prove(good + line({"jsonrpc": "2.0", "id": 7, "result": block}), code=65)
    assert re.match(rf"false +{num}  trx {number}: its bytes have the id [0-9a-f]{{40}}, "
                    rf"transaction_ids says {block['transaction_ids'][number]}$", lines[1])
    assert total == "2 answers, 1 proved, 1 false, 0 unproved"


def test_another_key_is_false(block):
    block = block[0]
    key = block["signing_key"]
    block["signing_key"] = "STM8GC13uCZbP44HzMLV6zPZGwVQ8Nt4Kji8PapsPiNq1BK153XTX"
    lines, _ = prove(line(block), code=65)
    assert f"it was signed with the key {key}, signing_key says STM8GC" in lines[0]


def test_what_cannot_be_shown(block):
    """A false one weighs more than one that is not shown."""
    block, number, transfer = block
    transfer["new_member"] = 1
    lines, _ = prove(line(block), code=69)
    assert re.match(rf'unproved +\d+  trx {number}: operation 0 \(transfer\): the member "new_member" '
                    r"is not known$", lines[0])
    others = [b"", b"  ", b"null", b"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32003}}", b"<html>",
              b"{\"result\":{\"block_id\":\"00\xff\"}}", line({"block_id": block["block_id"]}).strip()]
    lines, total = prove(b"\n".join(others), code=69)
    assert total == "5 answers, 0 proved, 0 false, 5 unproved"
    assert lines[0] == "unproved  line 3  it is no answer of get_block with a block_id"
    assert "the answer has no previous" in lines[4]
    del transfer["new_member"]
    transfer["amount"] = "9000.000 STEEM"
    prove(b"null\n" + line(block), code=65)
    prove(b"", code=69)


def test_the_other_prover_says_the_same():
    """The auditor's, written apart: every verdict, id and key, and of changed blocks too."""
    answers = [(path.read_text(), packing.STEEM) for path in sorted(recorded("blocks").iterdir())]
    answers += [(text.decode(), packing.STEEM) for text in
                recorded("runs/4999981-5000000.jsonl").read_bytes().splitlines()]
    answers += [(json.dumps(json.loads(text)["result"]), packing.TESTNET) for text in recorded(
        "testnet/blocks/condenser_get_block.jsonl").read_bytes().splitlines()]
    for old, new in (('"weight":10000', '"weight":9999'), ('"memo":"', '"memo":"\ufffd'),
                     ('"permlink":"', '"permlink":"x'), ('"witness":"', '"witness":"x')):
        answers += [(text.replace(old, new, 1), values) for text, values in answers[:40]]
    lines, _ = prove("\n".join(text.replace("\n", " ") for text, _ in answers).encode(), code=65)
    names = {"content": "proved", "false": "false", "not shown": "unproved"}
    for (text, values), said in zip(answers, lines):
        verdict, reason, key = prover.prove_block(text, values)
        assert said.split()[0] == names[verdict], (said, reason)
        if verdict == "content":
            assert json.loads(text)["block_id"] in said and f" {key} " in said


def test_files_and_mistakes(tmp_path):
    for arguments, code, said in ((["--prove"], 64, "needs a value"),
                                  (["--prove", "x", "--once"], 64, "another action"),
                                  (["--prove", tmp_path / "none"], 66, "No such file"),
                                  (["--prove", tmp_path], 66, "Is a directory")):
        done = subprocess.run([program(), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == code and said in done.stderr, done
