"""What one hostile node of three can answer, and when: nothing of it is stored, and the tail does not wait for it."""

import datetime
import json
import random
import time
import zlib

import pytest

import test_signed
from harness import operations, packing
from harness.chain import SyntheticChain
from harness.hostile import Hostile
from test_hostile_nodes import BOMB, url_of
from test_signed import ASK, HEAD, LAST, SIGNED, WITNESSES, forged, goes_on, keys, start, wait_irreversible
from test_signed_replay import highest, learn

PACE_S = 3  # a tail that has just got a block asks for the next one when the chain may have it
LATE_S = 2
BUSY_S = 1  # what a busy machine adds


def honest(world, count=2, slow=0.03, **options):
    """Nodes of the chain, slower than the hostile one: so that one is asked first."""
    options.setdefault("irreversible", LAST)
    nodes = [world.node(**options) for _ in range(count)]
    for node in nodes:
        node.fault("delay", seconds=slow)
    return nodes


def hostile(world, **options):
    node = Hostile(irreversible=LAST, name="hostile", **options)
    world.nodes.append(node)
    return node


def follow(world, nodes, steps=(1, 3)):
    """The nodes advance by so many blocks: how long the newest one took at most, in seconds."""
    slowest = 0
    for step in steps:
        for node in nodes:
            node.advance(step)
        since = time.monotonic()
        world.db.wait_block(nodes[0].irreversible, timeout=20)
        slowest = max(slowest, time.monotonic() - since)
    print(f"the tail was late by {slowest:.2f} s")
    return slowest


def true(world, node):
    world.expect(node.chain, (1, node.irreversible), proves=packing.STEEM)


# ---- what it does to the tail

def does_nothing(liar):
    """The answers of an honest node: what the others are measured against."""


def hangs(liar):
    liar.fault("hang")


def hangs_with_blocks(liar):
    liar.fault("hang", method="get_block")


def is_just_fast_enough(liar):
    liar.fault("delay", seconds=1.5)


def drips(liar):
    liar.fault("drip", seconds=0.02)


def shows_less_than_it_has(liar):
    """A member that nobody knows: nothing proves the block as this node gives it."""
    liar.fault("mangle", method="get_block",
               function=lambda raw: raw.replace(b'"extensions":[],"signatures"', b'"new":1,"extensions":[],"signatures"'))


def replaces_bytes(liar):
    liar.fault("mangle", method="get_block", function=lambda raw: raw.replace(b'"memo":"', '"memo":"\ufffd'.encode()))


def lies_in_batches(liar):
    forged_chain = SyntheticChain(fork=(LAST + 1, "made up"))
    liar.choose = lambda call, is_batch: forged_chain if is_batch else None


def lies_about_single_blocks(liar):
    forged_chain = SyntheticChain(fork=(LAST + 1, "made up"))
    liar.choose = lambda call, is_batch: None if is_batch else forged_chain


def lies_about_every_other_block(liar):
    forged_chain = SyntheticChain(fork=(LAST + 1, "made up"))
    liar.choose = lambda call, _: forged_chain if call.block and call.block % 2 else None


def gives_another_block_each_time(liar):
    chains = [SyntheticChain(fork=(LAST + 1, f"made up {i}")) for i in range(50)]
    liar.choose = lambda call, _: random.choice(chains)


def climbs_and_falls(liar):
    def told(head):
        block = head["last_irreversible_block_num"] + random.choice((-90, -1, 0, 1, 2, 30))
        return {**head, "last_irreversible_block_num": block, "head_block_number": block + 20}
    liar.told = told


def has_no_time(liar):
    liar.told = lambda head: {**head, "time": random.choice(("1970-01-01T00:00:00", "2106-01-01T00:00:00"))}


def claims_the_next_block(liar):
    """By one more than the others each time, and makes it up."""
    forged_chain = SyntheticChain(fork=(LAST + 1, "made up"))
    liar.choose = lambda call, _: forged_chain
    liar.told = lambda head: {**head, "last_irreversible_block_num": head["last_irreversible_block_num"] + 1}


def answers_with_nothing_but_air(liar):
    """Many megabytes of zeros in each answer, in few bytes."""
    packer = zlib.compressobj(wbits=31)
    body = b"".join([packer.compress(b'"'), *(packer.compress(b"0" * (1 << 20)) for _ in range(128)),
                     packer.flush()])
    liar.fault("wire", method="get_block", bytes=b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
               b"Content-Length: %d\r\n\r\n" % len(body) + body)


KINDS = [does_nothing, hangs, hangs_with_blocks, is_just_fast_enough, drips, shows_less_than_it_has, replaces_bytes, lies_in_batches,
         lies_about_single_blocks, lies_about_every_other_block, gives_another_block_each_time, climbs_and_falls,
         has_no_time, claims_the_next_block, answers_with_nothing_but_air]


@pytest.mark.parametrize("kind", KINDS)
def test_the_tail_does_not_wait(world, kind):
    good = honest(world)
    liar = hostile(world)
    world.start().wait_for("tail_started")
    world.db.wait_blocks(LAST)
    kind(liar)
    assert follow(world, [*good, liar]) < PACE_S + LATE_S + BUSY_S
    assert world.db.value("SELECT COUNT(*) FROM blocks WHERE proof = 'none'") == 0
    assert world.db.value("SELECT COUNT(*) FROM known_gaps") == 0
    true(world, good[0])


# ---- its head

def test_a_head_that_is_not_there(world):
    """Its irreversible block is that of the others, and it is the second of three; its head is not."""
    good = honest(world, 1)
    liar = hostile(world)
    good += honest(world, 1)
    liar.told = lambda head: {**head, "head_block_number": BOMB, "time": "2106-02-07T00:00:00"}
    reader = world.start(reader={"follow": "head"})
    reader.wait_for("tail_started")
    for _ in range(4):
        for node in (*good, liar):
            node.advance()
        world.db.wait_block(good[0].head, timeout=10)
        wait_irreversible(world, good[0].irreversible)
    assert world.db.value("SELECT MAX(head_block) FROM readers") <= good[0].head
    assert reader.stop() == 0
    assert world.db.value("SELECT MAX(head_block) FROM readers") <= good[0].head
    world.expect(good[0].chain, (1, good[0].irreversible), proves=packing.STEEM,
                 reversible=[(good[0].irreversible + 1, good[0].head)])


# ---- keys

def false_keys(node):
    node.fault("mangle", method=ASK, function=lambda raw: json.dumps(
        {**json.loads(raw), "signing_key": operations.KEY}).encode())


def without_keys(node):
    node.fault("rpc_error", method=ASK, code=-32002, message="Could not find method")


@pytest.mark.slow
@pytest.mark.parametrize("silent", [1, 2])
def test_false_keys_and_nodes_that_tell_none(world, silent):
    """At a first start: the vote on a block decides about its signer, too."""
    good = honest(world)
    liar = hostile(world)
    false_keys(liar)
    for node in good[:silent]:
        without_keys(node)
    reader = start(world)
    for node in (*good, liar):
        node.advance(2)
    world.db.wait_block(good[0].irreversible, timeout=40)
    assert "this key is believed" in reader.wait_for("key_unknown", containing="most nodes give").message
    assert not keys(world, f"signing_key = '{operations.KEY}'")
    true(world, good[0])


def not_shown(raw):
    """All witnesses get the keys of strangers, in a trx that nobody can pack."""
    block = json.loads(raw)
    block["transactions"][0]["operations"] = [["unheard_of", {}]] + [
        ["witness_update", {**operations.same_key(name),
                            "block_signing_key": operations.signing_key(f"a stranger to {name}")}]
        for name in operations.NAMES]
    return json.dumps(block).encode()


def next_full(node):
    """The next block that is not empty; the node advances to the one before it."""
    while node.irreversible % 8 == 7:
        node.advance()
    return node.irreversible + 1


@pytest.mark.parametrize("of", [1, 3])
def test_keys_in_a_block_that_nothing_proves(world, of):
    """Most nodes lie: the block is stored without proof, but it sets no key, and what strangers sign is not stored."""
    liars = [world.node(irreversible=LAST) for _ in range(of // 2 + 1)]
    good = honest(world, of - len(liars))
    reader = start(world)
    learn(world, liars[0], *liars[1:], *good)
    chain = liars[0].chain
    at = next_full(liars[0])
    for node in (*liars, *good):
        node.irreversible = at - 1
    world.db.wait_block(at - 1)
    made = SyntheticChain(fork=(at + 1, "made up"), below=chain, strangers=True)
    lies = [liar.fault("mangle", method="get_block", block=at, function=not_shown) for liar in liars]
    for liar in liars:
        liar.reorganise(made)
    for node in good:
        node.fault("delay", method="get_block", block=at, times=1, seconds=2)
    for node in (*liars, *good):
        node.advance()
    reader.wait_for("block_unproved")
    world.db.wait_block(at)
    for node in (*liars, *good):
        node.advance(4)
    reader.wait_for("key_unknown", containing=f"block {at + 1} is signed with a key of", timeout=40)
    assert highest(world) == at and not keys(world, f"since_block >= {at}")
    for liar, lie in zip(liars, lies):
        lie.clear()
        liar.reorganise(chain)
    goes_on(world, liars[0], timeout=60, others=[*liars[1:], *good])
    assert reader.stop() == 0
    world.run("--verify", f"{at - 5}-{at + 2}", "--deep", "--repair", timeout=60)
    true(world, liars[0])


def test_a_key_changes_in_a_block_that_nothing_proves(world):
    """Really: the next block of this witness waits for the one above, whose key is known."""
    node = world.node(irreversible=LAST)
    reader = start(world)
    learn(world, node)
    at = node.head + 2
    chain = SyntheticChain(extra={at: [("unheard_of", "{}")]})
    chain.change_key(at, "dan", "dan's second")
    node.reorganise(chain)
    node.advance(at + WITNESSES + 5 - node.irreversible)
    world.db.wait_block(node.irreversible, timeout=40)
    assert reader.events("block_unproved") and not reader.events("claim_false")
    assert keys(world, "witness = 'dan' AND signing_key = '" + operations.signing_key("dan's second") + "'") == 1
    goes_on(world, node, WITNESSES + 2)
    world.expect(node.chain, (1, node.irreversible))


def test_the_way_back_from_strangers(world):
    """A first start with the hostile one alone: its blocks, and the keys that signed them, are taken back."""
    liar = hostile(world, chain=SyntheticChain(fork=(LAST + 1, "made up"), strangers=True, plain=True))
    reader = start(world)
    test_signed.learn(world, liar)
    assert reader.stop() == 0
    last = liar.irreversible
    good = honest(world, 3, chain=SyntheticChain(plain=True), irreversible=last)
    world.run("--verify", f"1-{last}", "--repair", timeout=60)
    again = world.start(name="again")
    again.wait_for("tail_started", timeout=40)
    goes_on(world, good[0], WITNESSES, timeout=40, others=[*good[1:], liar])
    assert not again.events("claim_false", containing=url_of(good[0]))
    world.expect(good[0].chain, (1, good[0].irreversible), proves=packing.STEEM, forks=[liar.chain])


# ---- two readers

def test_a_reader_that_has_only_the_hostile_node(world):
    """It stands, and the other one goes on; what it believes of the chain's length is in no table."""
    good = honest(world)
    liar = hostile(world)
    alone = [{"url": liar.url}]
    other = world.start(name="alone", reader={**SIGNED, "name": "alone"}, nodes=alone)
    reader = start(world, nodes=[{"url": node.url} for node in good])
    other.wait_for("tail_started")
    learn(world, good[0], good[1], liar)
    liar.reorganise(forged(good[0].chain, liar))
    for _ in range(10):
        for node in (*good, liar):
            node.advance(2)
        world.db.wait_block(good[0].irreversible, timeout=10)
    other.wait_for("claim_false", timeout=40)
    assert not world.db.value("SELECT COUNT(*) FROM known_gaps")
    assert not reader.events("stored_block_orphaned") and not reader.events("claim_false")
    liar.reorganise(good[0].chain)
    for node in (*good, liar):
        node.advance(2)
    world.db.wait_block(good[0].irreversible, timeout=20)
    world.expect(good[0].chain, (1, good[0].irreversible))


# ---- anything

@pytest.mark.slow
@pytest.mark.parametrize("proof", ["signed", "content"])
def test_whatever_it_does(world, proof):
    """A kind after the other, while the nodes live."""
    good = honest(world)
    liar = hostile(world)
    world.start(reader={"proof": proof, **({"follow": "head"} if proof == "signed" else {})}).wait_for("tail_started")
    world.db.wait_blocks(LAST)
    slowest = 0
    for kind in KINDS:
        liar.heal()
        liar.choose = liar.told = None
        kind(liar)
        slowest = max(slowest, follow(world, [*good, liar], (2,)))
    assert slowest < PACE_S + LATE_S + BUSY_S
    world.expect(good[0].chain, (1, good[0].irreversible), reversible=[(good[0].irreversible + 1, good[0].head)]
                 if proof == "signed" else [], proves=packing.STEEM)


# ---- blocks that are stored already, and are read again

@pytest.mark.parametrize("rules", [[{"operation": "vote"}], []])
def test_stored_blocks_are_read_again(world, rules):
    """With other rules: a branch of one node changes no row, and keeps no block from being written again."""
    good = honest(world)
    liar = hostile(world)
    world.run("--once", filter=[{"operation": "transfer"}])
    branch = SyntheticChain(fork=(40, "made up"))
    liar.choose = lambda call, _: branch
    world.run("--activate-filter", filter=rules)
    world.run("--backfill", "1-100", "--refilter", filter=rules, timeout=60)
    assert liar.count["forged"]
    world.expect(good[0].chain, (1, LAST), rules=rules)


# ---- a table that has nothing but its blocks

FEW = "another chain than most of the nodes serve"


def made_up(world):
    """The hostile one was alone at a first start; all rows are its own."""
    liar = hostile(world, chain=SyntheticChain(fork=(50, "made up"), plain=True))
    world.run("--once", reader={"start_block": 60})
    return liar


def taken_back(world, good):
    world.run("--rewind", "59")
    world.run("--once", reader={"start_block": 60}, nodes=[{"url": node.url} for node in good])
    world.expect(good[0].chain, (60, good[0].irreversible), proves=packing.STEEM, forks=[world.nodes[0].chain])


def test_all_rows_are_made_up(world):
    """The others are not shut out because the rows agree with the liar; the reader ends and says so."""
    liar = made_up(world)
    good = honest(world, chain=SyntheticChain(plain=True))
    for node in (*good, liar):
        node.advance(20)
    for arguments in ([], ["--once"]):
        reader = world.run(*arguments, code=78, reader={"start_block": 60})
        assert FEW in reader.stderr and "--rewind 59" in reader.stderr
        assert not reader.events("node_excluded")
    assert highest(world) == LAST
    taken_back(world, good)


def test_all_rows_are_made_up_and_the_others_come_later(world):
    """They are not reached at the start: once they are, the rows are not what they are judged by."""
    liar = made_up(world)
    good = honest(world, chain=SyntheticChain(plain=True))
    for node in good:
        node.refuse()
    reader = world.start(reader={"start_block": 60})
    reader.wait_for("node_failed", count=2)
    for node in good:
        node.accept()
    assert reader.wait_exit(40) == 78
    assert FEW in reader.stderr and not reader.events("node_excluded")
    assert highest(world) == LAST and liar.count["get_block"]
    taken_back(world, good)


# ---- where the tables begin

@pytest.mark.parametrize("how", ["slow", "down"])
def test_the_others_do_not_answer_at_a_first_start(world, how):
    """One claim does not say where the tables begin, however far up it is."""
    began = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
    genesis = began - datetime.timedelta(seconds=3 * (LAST + 17))
    liar = hostile(world, chain=SyntheticChain(fork=(50, "made up"), plain=True, genesis=genesis))
    liar.irreversible = 70_000_000
    good = honest(world, chain=SyntheticChain(plain=True, genesis=genesis), slow=4 if how == "slow" else 0.03)
    if how == "down":
        for node in good:
            node.refuse()
    reader = world.start(reader={"start_block": 0}, fetch={"timeout_ms": 10000})
    assert "nothing is stored yet" in reader.wait_for("vote_pending").message
    assert not world.db.value("SELECT COUNT(*) FROM ranges")
    if how == "down":
        assert reader.stop() == 0
        for node in good:
            node.accept()
        reader = world.start(reader={"start_block": 0})
    reader.wait_for("tail_started", timeout=60)
    assert world.db.rows("SELECT first_block FROM ranges") == ((LAST,),)
    assert world.db.value("SELECT MAX(irreversible_block) FROM readers") == LAST
    for node in good:
        node.advance(3)
    world.db.wait_block(LAST + 3, timeout=20)
    world.expect(good[0].chain, (LAST, LAST + 3), proves=packing.STEEM)
