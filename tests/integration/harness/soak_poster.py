"""Once in effect: posters, readers, bots, nodes and the database are killed, frozen and misled.

    python3 -m harness.soak_poster --seed 7 --actions 10000      make soak-poster SEED=7 ACTIONS=10000
    python3 -m harness.soak_poster --cluster                     make soak-poster CLUSTER=1

Strangers ask three bots for something by custom_json; readers deliver it; each bot takes deliveries and
puts a vote, a transfer, a custom_json or a reply into the outbox; posters sign and send for three accounts.
Meanwhile the chain forks, drops what is pending and misses slots; nodes lose answers, repeat, forget, lie,
lag and are on another chain. At the end all is healed, and effects.py compares chain and tables. While it
runs, the network looks at every transaction that a node is sent: was it committed before?
"""

import argparse
import collections
import contextlib
import dataclasses
import functools
import json
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time

import pymysql

from . import effects, moved, packing, polling, reader, servers
from .checking import CheckingNode
from .network import PEOPLE, Network
from .poster import Outbox, custom_json, poster_program
from .refusal import Refusal
from .ticker import Ticker
from .world import World

ACCOUNTS = ("bot-one", "bot-two", "bot-three")
STRANGERS = tuple(f"stranger-{n}" for n in range(6))
BLOCK_S = 0.1  # thirty times the real pace
ASKS = (0, 1, 3, 5, 10)  # so many in a block
ROUND_BLOCKS = (4, 8, 15, 25)
ENDED_S = 240  # to end what is on its way, once all is healed
QUEUE = "ask"
RULES = [{"operation": "custom_json", "id": "ask", "queue": QUEUE}]
# What each account may do; bot-three's transfers to carol, and some of bot-two's, are held.
LIMITS = {
    "bot-two": {"max_amount_per_day": {"STEEM": 40_000}},
    "bot-three": {"only_to": ["alice", "bob"]},
}
OPEN = ("SELECT (SELECT COUNT(*) FROM actions WHERE state IN ('pending', 'sent'))"
        " + (SELECT COUNT(*) FROM comments WHERE state IN ('pending', 'sent'))"
        " + (SELECT COUNT(*) FROM signed_trxs WHERE outcome IS NULL)"
        " + (SELECT COUNT(*) FROM trxs_seen)")
FAILED = ("SELECT error, attempts, COUNT(*) FROM (SELECT error, attempts FROM actions WHERE state = 'failed'"
          " UNION ALL SELECT error, attempts FROM comments WHERE state = 'failed') f GROUP BY error, attempts")
ASKED = "SELECT (SELECT COUNT(*) FROM actions) + (SELECT COUNT(*) FROM comments)"
BROADCAST_FAULTS = {
    "lost_answer": {}, "late_answer": {"seconds": 3}, "vanish": {"blocks": 3}, "repeated": {},
    "refused_but_sent": {}, "withheld": {}, "html": {}, "cut": {}, "empty": {},
    "status": {"code": 502}, "rpc_error": {"code": -32603, "message": "Internal Error"},
    "reset": {}, "exhausted": {}}
HOSTILE_WORDS = (
    Refusal("assert_exception", "Account does not have sufficient funds for transfer.", "balance >= amount"),
    Refusal("transaction_expiration_exception", ""), Refusal("transaction_tapos_exception", ""),
    Refusal("assert_exception", "Your current vote on this comment is identical to this vote.", "weight"),
    Refusal("plugin_exception", "Account: bot-one has 1 RC, needs 2 RC. Please wait to transact, or power"
            " up STEEM."),
    Refusal("assert_exception", "You may only comment once every 3 seconds.", "now - auth.last_post"))
# kind: weight
KINDS = {
    "kill_poster": 6, "freeze_poster": 4, "stop_poster": 2, "kill_reader": 3, "freeze_reader": 2,
    "cut_connections": 5, "expire_leases": 4, "spoil_node": 12, "turn_node_back": 2, "fork": 5,
    "drop_pending": 3, "miss_slots": 3, "kill_database": 1, "freeze_database": 1, "move_calendar": 2}
POSTER_CLOCKS_S = (0, 3600, -86400, 17)  # how far the hosts of the posters are ahead
UNDO = {"kill_poster": "start_poster", "freeze_poster": "thaw_poster", "kill_reader": "start_reader",
        "freeze_reader": "thaw_reader", "move_calendar": "calendar_back"}


def plan(seed, kinds=None):
    """Endless rounds: each a list of (kind, details), and how many blocks pass after it."""
    dice, kinds = random.Random(f"soak-poster {seed}"), kinds or KINDS
    while True:
        steps = []
        for _ in range(dice.choice((1, 1, 2, 3))):
            kind = dice.choices(list(kinds), list(kinds.values()))[0]
            details = {"who": dice.randrange(8), "rounds": dice.choice((1, 1, 2, 4))}
            if kind == "spoil_node":
                details["what"] = dice.choice(list(BROADCAST_FAULTS))
                details["chance"] = dice.choice((0.1, 0.3, 0.6, 1))
            elif kind == "fork":
                details["depth"] = dice.choice((1, 2, 5, 9, 14))
                details["lost"] = dice.choice((0, 0.3, 1))
            elif kind == "miss_slots":
                details["slots"] = dice.choice((1, 5, 25))
            elif kind == "move_calendar":
                details["ahead_s"] = dice.choice((-20, 20, 60))
            elif kind == "cut_connections":
                details["share"] = dice.choice((0.2, 0.5, 1))
            steps.append((kind, details))
        yield steps, dice.choice(ROUND_BLOCKS)


class Bot:
    """Takes deliveries, and asks for something in the transaction that ends each."""

    def __init__(self, connect, seed, wanted):
        self.dice, self.wanted = random.Random(seed), wanted
        self.db = reader.Database(connect)
        self.ended = 0
        self.ticker = Ticker(0.05, self.work)

    def work(self):
        try:
            for ident, token, *_ in self.db.rows("CALL queue_claim(%s, 'bot', 40, 10)", QUEUE):
                self.answer(ident, token)
        except pymysql.MySQLError:
            self.db.close()  # what it held comes again

    def answer(self, ident, token):
        """As a bot that may die before the commit, or after it and before it knows."""
        connection = self.db.connection
        connection.begin()
        with connection.cursor() as cursor:
            self.act(cursor, ident, token)
            cursor.execute("CALL queue_done(%s, %s)", (ident, token))
        if self.dice.random() < 0.02:
            self.db.close()
            return
        connection.commit()
        self.ended += 1

    def act(self, cursor, ident, token):
        """Which one, follows from the delivery: who answers twice asks for the same."""
        dice = random.Random(ident)
        account = ACCOUNTS[dice.randrange(3)]
        kind = dice.choices(("custom_json", "transfer", "vote", "comment", "act"), (38, 30, 12, 13, 7))[0]
        own = ident, token, account
        if kind == "comment":
            cursor.execute("CALL outbox_add(%s, %s, 'alice', %s, '', %s, '{}')", (
                account, f"re-{ident}", "question" if dice.random() < 0.97 else "no-such", f"to {ident}"))
        elif kind == "vote":
            cursor.execute("CALL vote(%s, %s, %s, 'alice', %s, %s)", (
                *own, f"post-{ident % self.wanted}", dice.choice((10000, -5000, 1))))
        elif kind == "custom_json":
            cursor.execute("CALL custom_json(%s, %s, %s, 'test', %s)", (*own, f'{{"delivery":{ident}}}'))
        elif kind == "act":
            ops = [custom_json(account, f"[{ident},{place}]") for place in range(dice.randint(1, 5))]
            cursor.execute("CALL act(%s, %s, %s, %s)", (*own, json.dumps(ops)))
        else:
            amount = "0.010" if dice.random() < 0.97 else "2000000.000"
            cursor.execute("CALL transfer(%s, %s, %s, %s, %s, %s)", (
                *own, dice.choice(("alice", "bob", "bob", "carol")), f"{amount} STEEM", f"for {ident}"))

    def stop(self):
        self.ticker.cancel()
        self.db.close()


class Soak:
    """One run; run() raises AssertionError where something took effect twice, or not at all."""

    kinds, undone, asks = KINDS, UNDO, ASKS
    make_world = World

    def __init__(self, server, folder, seed, actions, posters=2, say=lambda text: None):
        self.world, self.server, self.seed, self.say = self.make_world(server, folder), server, seed, say
        self.actions, self.dice = actions, random.Random(f"places of {seed}")
        self.network = Network(people=(*PEOPLE, *STRANGERS), comments=[
            ("alice", "question"), *(("alice", f"post-{n}") for n in range(actions))])
        self.done, self.undo, self.recent = collections.Counter(), [], []
        self.poster_count, self.posters, self.readers, self.bots = posters, [], [], []
        self.reader_nodes, self.poster_nodes, self.foreign = [], [], None
        self.unsigned, self.seen_signed, self.asked, self.is_asking = [], 0, 0, True
        self.witness = reader.Database(lambda: server.connect(self.world.database, read_timeout=2))
        self.clocks = []
        self._look, self._tick = threading.Lock(), threading.Lock()
        self.missed, self.number = 0, 0

    @staticmethod
    def make_server():
        return moved.MovedServer() if moved.compiler() else servers.Server()

    @staticmethod
    def command(seed, actions):
        """That runs it once more."""
        return f"make soak-poster SEED={seed} ACTIONS={actions}"

    # ---- the world

    def begin(self):
        world = self.world
        world.migrate()
        self.reader_nodes = [world.join(self.network) for _ in range(2)]
        troubled = [world.join(self.network, shape=shape) for shape in ("new", "old", "newer")]
        values = dataclasses.replace(packing.STEEM, chain_id=b"\xbe" * 32)
        self.foreign = Network(values=values, label="foreign", people=PEOPLE)
        foreign = CheckingNode(self.foreign, name="foreign")
        world.nodes.append(foreign)
        self.poster_nodes = [*troubled, foreign]
        self.outbox = Outbox(world)
        self.entries = []
        for account in ACCOUNTS:
            limits = dict(LIMITS.get(account, {}))
            amounts = limits.pop("max_amount_per_day", None)
            if amounts:
                limits["max_amount_per_day"] = [f"{units // 1000}.{units % 1000:03d} {symbol}"
                                                for symbol, units in amounts.items()]
            self.entries += [self.outbox.entry(account),
                             self.outbox.entry(account, "active", allow=["transfer"], **limits)]
        self.make_clocks()
        self.readers = [self.reader(who) for who in range(2)]
        self.posters = [self.poster(who) for who in range(self.poster_count)]
        for made in self.readers:
            made.wait_for("tail_started", 60)
        self.bots = [Bot(functools.partial(self.connect_bot, who), f"{self.seed} {who}", self.actions)
                     for who in range(3)]
        self.network.witness = self.look
        self.network.live(BLOCK_S, self.next_block)

    def database(self, _):
        """As a configuration names it, for the reader or poster of this number."""
        return {"hosts": [self.server.socket], "user": "root", "name": self.world.database}

    def connect_bot(self, _):
        return self.world.connect()

    def reader(self, who):
        return self.world.start(name=f"reader-{who}", filter=RULES, replay={"scan_interval_s": 1},
                                nodes=[{"url": node.url} for node in self.reader_nodes],
                                database=self.database(who))

    def poster(self, who):
        config = self.outbox.config(*self.entries, name=f"poster-{who}", nodes=self.poster_nodes,
                                    database=self.database(who))
        made = reader.Reader([], config, f"poster-{who}", self.clocks[who].environment if self.clocks else None,
                             executable=poster_program())
        self.world.readers.append(made)
        return made

    def make_clocks(self):
        """A calendar for each poster's host. A sanitizer must be loaded before everything else."""
        if not moved.compiler() or reader.is_sanitized():
            return
        for who in range(self.poster_count):
            folder = self.world.folder / f"host-{who}"
            folder.mkdir()
            self.clocks.append(moved.Clock(folder, POSTER_CLOCKS_S[who % len(POSTER_CLOCKS_S)]))

    def look(self, receipt):
        """Before the node answers: the bytes must be in the table. A database that is down is no witness."""
        if not receipt.accounts & set(ACCOUNTS):
            return
        with self._look:
            try:
                found = self.witness.value("SELECT COUNT(*) FROM signed_trxs WHERE trx_id = %s",
                                           receipt.trx_id)
            except pymysql.MySQLError:
                self.witness.close()
                return
            self.seen_signed += 1
            if not found:
                self.unsigned.append(receipt)

    def next_block(self):
        """Strangers ask, until there is enough; then the chain goes on."""
        with self._tick:
            if self.is_asking:
                for _ in range(self.dice.choice(self.asks)):
                    account = self.dice.choice(STRANGERS)
                    with contextlib.suppress(Refusal):  # five in a block
                        self.network.submit(custom_json(account, f"[{self.asked}]", "ask"), by=account)
                        self.asked += 1
            missed, self.missed = self.missed, 0
            self.network.produce(missed=missed)
            self.foreign.produce()

    def change(self, statement):
        """The rows that it changed. It may meet a poster in a deadlock, or its connection may be cut."""
        for tries in range(20):
            try:
                return self.world.db.execute(statement)
            except pymysql.MySQLError:
                self.world.db.close()
                if tries == 19:
                    raise
        return 0

    # ---- what happens

    def kill_poster(self, who, **_):
        self.posters[who % len(self.posters)].kill()

    def freeze_poster(self, who, **_):
        made = self.posters[who % len(self.posters)]
        if made.is_running:
            made.freeze()

    def thaw_poster(self, who, **_):
        made = self.posters[who % len(self.posters)]
        if made.is_running:
            made.thaw()

    def start_poster(self, who, **_):
        who %= len(self.posters)
        if not self.posters[who].is_running:
            self.posters[who] = self.poster(who)

    def stop_poster(self, who, **_):
        made = self.posters[who % len(self.posters)]
        if made.is_running:
            made.thaw()
            made.wait_for("started")
            code = made.stop(60)
            assert code == 0, f"{made.name} ended with {code} on SIGTERM\n{made.tail()}"
        self.start_poster(who)

    def kill_reader(self, who, **_):
        self.readers[who % 2].kill()

    def start_reader(self, who, **_):
        if not self.readers[who % 2].is_running:
            self.readers[who % 2] = self.reader(who % 2)

    def freeze_reader(self, who, **_):
        if self.readers[who % 2].is_running:
            self.readers[who % 2].freeze()

    def thaw_reader(self, who, **_):
        if self.readers[who % 2].is_running:
            self.readers[who % 2].thaw()

    def cut_connections(self, share, **_):
        self.world.db.kill_others(pick=lambda: self.dice.random() < share)

    def expire_leases(self, **_):
        """As if clocks differed: two posters believe that an account is theirs."""
        self.change("UPDATE senders SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE")

    def spoil_node(self, who, what, chance, **_):
        node = self.poster_nodes[who % 3]
        details = dict(BROADCAST_FAULTS[what])
        if what in ("refused_but_sent", "withheld"):
            details["refusal"] = self.dice.choice(HOSTILE_WORDS)
        node.fault(what, method="broadcast_transaction", chance=chance, seed=self.number, **details)
        self.undo.append((self.number + 2, "heal_node", {"who": who}))

    def heal_node(self, who, **_):
        node = self.poster_nodes[who % 3]
        node.heal()
        node.behind = 0

    def turn_node_back(self, who, **_):
        self.poster_nodes[who % 3].behind = self.dice.choice((3, 30, None))
        self.undo.append((self.number + 2, "heal_node", {"who": who}))

    def fork(self, depth, lost, **_):
        with self._tick:
            self.network.fork(min(depth, self.network.head - self.network.irreversible),
                              lambda trx: self.dice.random() < lost)

    def drop_pending(self, **_):
        self.network.drop_pending(lambda trx: self.dice.random() < 0.7)

    def miss_slots(self, slots, **_):
        self.missed = slots

    def kill_database(self, **_):
        self.server.kill()
        self.world.db.close()
        self.pass_blocks(5)
        self.server.start()

    def freeze_database(self, **_):
        self.server.freeze()
        self.pass_blocks(10)
        self.server.thaw()

    def move_calendar(self, ahead_s, **_):
        """That of the database's host, which leases and waits go by."""
        if hasattr(self.server, "move"):
            self.server.move(ahead_s)

    def calendar_back(self, **_):
        self.move_calendar(0)

    # ---- the loop

    def pass_blocks(self, count):
        until = self.network.head + count
        self.network.wait_for(lambda: self.network.head >= until, 120)

    def take(self, kind, details):
        self.recent.append(f"{time.strftime('%H:%M:%S')} round {self.number}: {kind} {details}")
        self.done[kind + ("." + details["what"] if "what" in details else "")] += 1
        getattr(self, kind)(**details)
        if kind in self.undone:
            self.undo.append((self.number + details["rounds"], self.undone[kind], details))

    def round(self, steps, blocks):
        due = [step for step in self.undo if step[0] <= self.number]
        self.undo = [step for step in self.undo if step[0] > self.number]
        for _, kind, details in due:
            getattr(self, kind)(**details)
        for kind, details in steps:
            self.take(kind, details)
        self.pass_blocks(blocks)
        self.look_after()
        self.number += 1

    def look_after(self):
        """Nobody ended by itself; who rests or was paused by a lie goes on."""
        for made in (*self.posters, *self.readers):
            assert made.process.poll() in (None, -9), \
                f"{made.name} ended by itself with {made.process.poll()}\n{made.tail()}"
        assert not self.unsigned, f"sent and not in signed_trxs: {self.unsigned[0]}"
        self.change("UPDATE senders SET rests_until = NULL, rest_s = 0")
        self.done["paused"] += self.change(
            "UPDATE senders SET paused_at = NULL, pause_reason = NULL WHERE paused_at IS NOT NULL")

    def heal(self):
        self.calendar_back()
        for who in range(3):
            self.heal_node(who)
        for who in range(len(self.posters)):
            self.thaw_poster(who)
            self.start_poster(who)
        for who in range(2):
            self.thaw_reader(who)
            self.start_reader(who)
        # The leases of the dead, of accounts and of deliveries, as if a minute had gone by.
        self.expire_leases()
        self.change("UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE")
        self.is_asking = False
        polling.poll(self.left, lambda count: count == 0, timeout=ENDED_S, not_yet=Exception,
                     otherwise=lambda count: f"{count} rows or transactions are still on their way after"
                     f" {ENDED_S} s:\n{self.open_rows()}")

    def left(self):
        self.look_after()
        waiting = self.world.db.value("SELECT COUNT(*) FROM deliveries_open")
        return waiting + self.world.db.value(OPEN)

    def open_rows(self):
        return "\n".join(map(str, self.world.db.rows(
            "SELECT account, state, attempts, trx_id, error FROM actions WHERE state IN ('pending', 'sent')"
            " LIMIT 5")))

    def audit(self):
        self.network.still()
        self.world.db.wait_block(self.network.irreversible, 60)
        for bot in self.bots:
            bot.stop()
        counts = effects.audit(self.world.db.connection, self.network, ACCOUNTS, limits=LIMITS)
        wanted = self.world.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE state = 'done'")
        assert counts["rows"] == wanted, f"{wanted} deliveries are done, {counts['rows']} rows asked for"
        told = sum(bot.ended for bot in self.bots)
        assert told <= wanted, f"bots were told of {told} ends, and only {wanted} are"
        failed = self.world.db.rows(FAILED)
        return counts, failed

    def run(self):
        began = time.monotonic()
        self.begin()
        for steps, blocks in plan(self.seed, self.kinds):
            self.round(steps, blocks)
            asked = self.world.db.value(ASKED)
            if self.number % 10 == 0:
                self.say(f"  round {self.number}, block {self.network.head}, {asked} of {self.actions}"
                         f" asked for, {time.monotonic() - began:.0f} s")
            if asked >= self.actions:
                break
        self.say("  healed; what is on its way ends, then chain and tables are audited")
        self.heal()
        counts, failed = self.audit()
        self.finish()
        return self.summary(time.monotonic() - began, counts, failed)

    def finish(self):
        self.world.allow_errors("account_paused", "node_other_chain")
        self.world.finish()

    def summary(self, took_s, counts, failed):
        lines = [f"seed {self.seed}, {self.number} rounds, block {self.network.head}, {took_s:.0f} s:"
                 " each in effect once, or not at all",
                 "  " + ", ".join(f"{name} {count}" for name, count in counts.items()),
                 f"  looked up before their answer {self.seen_signed}; forks {len(self.network.gone_forks)}",
                 "  nodes said: " + "; ".join(f"{count} x {said[:60]}" for said, count in
                                              self.network.refused.most_common(6)),
                 "  failed: " + "; ".join(f"{count} x attempt {attempts} {str(error)[17:75]}"
                                         for error, attempts, count in failed),
                 "  " + ", ".join(f"{kind} {count}" for kind, count in sorted(self.done.items()))]
        return "\n".join(lines)

    def close(self):
        self.network.still()
        with contextlib.suppress(Exception):
            self.server.thaw()
        for bot in self.bots:
            bot.stop()
        self.witness.close()
        for clock in self.clocks:
            clock.close()
        for made in (*self.posters, *self.readers):
            with contextlib.suppress(Exception):
                made.thaw()
        self.world.close()


def soak(seed, actions, say=lambda text: None, posters=2, kind=Soak):
    """A run on a server of its own; the summary, or AssertionError with what happened."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sr-soak-poster-"))
    server = kind.make_server().start()
    run = kind(server, folder, seed, actions, posters, say)
    try:
        return run.run()
    except Exception as error:
        recent = "\n  ".join(run.recent[-25:])
        raise AssertionError(
            f"{error}\nlately:\n  {recent}\n{run.world.report()}\nseed {seed}, round {run.number}:"
            f" {error!r:.300}\nagain: {kind.command(seed, actions)}") from error
    finally:
        run.close()
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(prog="harness.soak_poster", description=main.__doc__)
    parser.add_argument("--seed", type=int, default=0, help="0: a new one")
    parser.add_argument("--actions", type=int, default=10000)
    parser.add_argument("--posters", type=int, default=4)
    parser.add_argument("--cluster", action="store_true", help="on three Galera members")
    options = parser.parse_args()
    seed = options.seed or random.SystemRandom().randrange(1, 10 ** 6)
    kind = Soak
    if options.cluster:
        from .soak_poster_cluster import ClusterSoak  # pylint: disable=import-outside-toplevel,cyclic-import
        kind = ClusterSoak
    print(f"seed {seed}, {options.actions} actions; again: {kind.command(seed, options.actions)}", flush=True)
    try:
        print(soak(seed, options.actions, lambda text: print(text, flush=True), options.posters, kind))
    except AssertionError as error:
        print(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
