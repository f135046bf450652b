"""The crash loop: readers, nodes and the database are killed and frozen, round after round.

    python3 -m harness.soak --seed 7 --rounds 200        make soak SEED=7 ROUNDS=200

Three readers tail and replay at once on a chain at fifty times the real pace, while the script
of soak_plan.py happens to them. Each round ends when the newest block of its end is stored, so
nothing that is dead may hold up the tail. Two bots take what the readers deliver, and may lose
every answer. At the end everything is healed, and the auditor compares all tables with the chain. The seed is printed; it replays the script, not the timing.
"""

import argparse
import collections
import contextlib
import json
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from . import faults, servers, reader
from .chain import SyntheticChain
from .soak_plan import NODES, READERS, plan
from .ticker import Ticker
from .world import World

PACE = 50  # times the real one
INTERVAL_S = 3 / PACE
FIRST, BEGIN = 3001, 4600  # the open range; what is irreversible at the start
ROUND_LIMIT_S = 90
BOMB = 4_294_967_295
NODE_DELAY_S = 0.03
RULES = [{"queue": "all"}, {"operation": "comment", "body_prefix": "!ask", "queue": "ask"}]
SETTINGS = {
    "reader": {"start_block": FIRST},
    "filter": RULES,
    "fetch": {"batch_size": 10, "connections": 4, "timeout_ms": 1000, "max_memory_mib": 32},
    "write": {"batch_rows": 300},
    "replay": {"scan_interval_s": 1, "before_tail": 500},  # what is deeper: beside the tail
}
TORN_BLOCK = """SELECT b.block FROM blocks b WHERE b.stored_operations <>
    (SELECT COUNT(*) FROM blockchain o WHERE o.block = b.block) LIMIT 1"""
WANTED = """SELECT SUM(LEAST(last_block, %s) - GREATEST(first_block, %s) + 1) FROM ranges
    WHERE first_block <= %s AND last_block >= %s"""  # closed ranges never overlap
COUNTERS = "SELECT session, commit_retries, blocks_lost FROM readers"


def claim_too_much(raw):
    """The head of a node that says the highest number there is."""
    return json.dumps(json.loads(raw) | {"head_block_number": BOMB,
                                         "last_irreversible_block_num": BOMB}).encode()


class Every:
    """The blocks that a node fault hits: each seventh, say."""

    def __init__(self, every, rest):
        self.every, self.rest = every, rest

    def __contains__(self, number):
        return number is None or number % self.every == self.rest


class Watcher:
    """Counts, while it goes on, what the rows of `readers` forget at each restart."""

    def __init__(self, world):
        self.world, self.seen = world, collections.defaultdict(lambda: (0, 0))
        self.db = reader.Database(world.connect)
        self.ticker = Ticker(0.2, self.look)

    def look(self):
        try:
            for session, *counts in self.db.rows(COUNTERS):
                self.seen[session] = tuple(map(max, self.seen[session], counts))
        except Exception:  # pylint: disable=broad-except
            self.db.close()  # the database is down, as it often is here

    def stop(self):
        self.ticker.cancel()
        self.db.close()

    def sums(self):
        """(commits tried again, blocks that another reader had stored before)"""
        return [sum(column) for column in zip(*self.seen.values())]


class Bot:
    """Takes deliveries and ends them; what it knows to be done, nobody else may have done."""

    def __init__(self, world, queue, done):
        self.world, self.queue, self.done = world, queue, done
        self.db = reader.Database(world.connect)
        self.ticker = Ticker(0.2, self.work)

    def work(self):
        try:
            for ident, token, *_ in self.db.rows("CALL queue_claim(%s, 'bot', 200, 5)", self.queue):
                self.db.execute("CALL queue_done(%s, %s)", ident, token)
                self.done.append(ident)
        except Exception:  # pylint: disable=broad-except
            self.db.close()  # its lease runs out, and the next claim has the rest

    def stop(self):
        self.ticker.cancel()
        self.db.close()


class Soak:
    """One run; run() raises AssertionError where something is lost, doubled or held up."""

    def __init__(self, server, folder, seed, rounds, say=lambda text: None):
        self.world, self.server, self.seed, self.say = World(server, folder), server, seed, say
        self.script = plan(seed, rounds)
        self.dice = random.Random(f"places of {seed}")
        self.chain = SyntheticChain()
        self.done = collections.Counter()
        self.daemons, self.ticker, self.watcher = [], None, None
        self.bots, self.ended = [], []
        self.backfills, self.tips_s, self.torn = [], [], 0
        self.number, self.recent, self.behind = 0, [], {}

    # ---- the world

    def begin(self):
        world = self.world
        world.migrate()
        for _ in range(NODES):
            self.slow(world.node(self.chain, irreversible=BEGIN))
        self.daemons = [self.daemon(who) for who in range(READERS)]
        self.watcher = Watcher(world)
        self.bots = [Bot(world, queue, self.ended) for queue in ("all", "ask")]
        self.ticker = Ticker(INTERVAL_S, self.next_block)

    @staticmethod
    def slow(node):
        """As far away as a real one, more or less: a replay takes a while."""
        node.fault("delay", method="get_block", seconds=NODE_DELAY_S)

    def next_block(self):
        """The chain goes on. A node that was turned back makes up for it slowly."""
        top = max(node.irreversible for node in self.world.nodes) + 1
        for node in self.world.nodes:
            node.irreversible = min(top, node.irreversible + (1 if top - node.irreversible < 2
                                                              else self.dice.choice((0, 1, 5))))

    @property
    def top(self):
        return max(node.irreversible for node in self.world.nodes)

    def daemon(self, who):
        return self.world.start(name=f"reader-{who}", **SETTINGS)

    def command(self, *arguments):
        """A --backfill or --once beside the daemons, under the name of one of them."""
        return self.world.start(*arguments, name="reader-0", **SETTINGS)

    def let_pass(self, blocks):
        first = self.world.nodes[0]
        until = self.top + blocks
        first.wait_for(lambda: self.top >= until, 60)

    # ---- readers

    def kill_reader(self, who):
        self.daemons[who].kill()

    def freeze_reader(self, who):
        self.daemons[who].freeze()

    def thaw_reader(self, who):
        self.daemons[who].thaw()

    def start_reader(self, who):
        self.daemons[who] = self.daemon(who)

    def stop_reader(self, who):
        self.daemons[who].wait_for("started")  # before that, the signal ends it at once
        code = self.daemons[who].stop(40)
        assert code == 0, f"reader-{who} ended with {code} on SIGTERM"
        self.start_reader(who)

    def double_reader(self, who):
        """Somebody starts a second process of the name."""
        older = self.daemons[who]
        self.start_reader(who)
        self.retire(who, older)

    def replace_reader(self, who):
        """The same while the older one is frozen: it learns of it when it is thawed."""
        older = self.daemons[who]
        self.start_reader(who)
        self.daemons[who].wait_for("tail_started", ROUND_LIMIT_S)
        older.thaw()
        self.retire(who, older)

    def retire(self, who, older):
        """One of the two must end: the one that took the name first in the database.

        That is the older process, unless it had not come so far when the other one started.
        """
        pair, deadline = [older, self.daemons[who]], time.monotonic() + ROUND_LIMIT_S
        while all(made.is_running for made in pair):
            assert time.monotonic() < deadline, f"two processes go on as {older.name}"
            with contextlib.suppress(subprocess.TimeoutExpired):
                older.process.wait(0.05)
        ended, self.daemons[who] = sorted(pair, key=lambda made: made.is_running)
        code = ended.wait_exit()
        assert code == 78, f"{ended.name}: another process took its name, it ended with {code}"
        self.done["names taken over"] += 1

    def backfill(self, _, at, count, stored, how):
        """A --backfill that is interrupted once its range is registered: it stays wanted."""
        first = 1 + int(at * (FIRST - 1 - count))
        last = first + count - 1
        made = self.command("--backfill", f"{first}-{last}")
        self.world.db.wait_until(WANTED, lambda n: n == count, ROUND_LIMIT_S, (last, first) * 2)
        self.backfills.append((first, last))
        self.world.db.wait_until("SELECT COUNT(*) FROM blocks WHERE block BETWEEN %s AND %s",
                                 lambda n: n >= min(stored, count), ROUND_LIMIT_S, (first, last))
        if how == "kill":
            made.kill()
        else:
            made.wait_for("started")
            code = made.stop(40)
            assert code in (0, 69, 75), f"--backfill ended with {code}"

    def kill_once(self, _):
        made = self.command("--once")
        made.wait_for("scan_started", ROUND_LIMIT_S)
        made.kill()

    # ---- nodes

    def refuse_node(self, who):
        self.world.nodes[who].refuse()
        self.behind[who] = True

    def freeze_node(self, who):
        self.world.nodes[who].fault("hang")

    def turn_node_back(self, who):
        node = self.world.nodes[who]
        node.irreversible = max(node.irreversible - 300, 1)

    def spoil_node(self, who, what, every, rest, **details):
        if what == "fork":
            details["chain"] = SyntheticChain(fork=(self.top - 40, "false"))
        if what == "claims":
            self.world.nodes[who].fault("mangle", method="get_dynamic_global_properties",
                                        function=claim_too_much)
            return
        blocks = None if every == 1 else Every(every, rest)
        is_item = what in faults.BLOCK_CHANGES or what in ("null", "other_block", "fork", "lie")
        method = "get_block" if is_item else None
        self.world.nodes[who].fault(what, block=blocks, method=method, **details)

    def heal_node(self, who):
        node = self.world.nodes[who]
        if self.behind.pop(who, False):
            node.accept()
        node.heal()
        self.slow(node)

    # ---- the database

    def kill_database(self, _):
        self.server.kill()
        self.world.db.close()

    def restart_database(self, _):
        self.server.stop()
        self.world.db.close()

    def start_database(self, _):
        self.server.start()

    def freeze_database(self, _):
        self.server.freeze()

    def thaw_database(self, _):
        self.server.thaw()

    def cut_connections(self, _, share):
        self.world.db.kill_others(pick=lambda: self.dice.random() < share)

    def tear_holes(self, _, at, count, apart, leftovers):
        """Delete stored blocks by hand; with `leftovers` their operations stay behind."""
        low, high = self.world.db.rows("SELECT MIN(block), MAX(block) - 50 FROM blocks")[0]
        if low is None or high <= low:
            return
        first = low + int(at * (high - low))
        hole = tuple(range(first, min(first + count * apart, high), apart))
        with contextlib.closing(self.world.connect()) as connection, connection.cursor() as cursor:
            for tries in range(20):
                try:
                    cursor.execute("BEGIN")
                    self.torn += cursor.execute("DELETE FROM blocks WHERE block IN %s", (hole,))
                    if not leftovers:
                        cursor.execute("DELETE FROM blockchain WHERE block IN %s", (hole,))
                    cursor.execute("COMMIT")
                    return
                except connection.OperationalError as error:  # a deadlock with a reader
                    if error.args[0] not in (1213, 1205) or tries == 19:
                        raise

    def expire_claims(self, _):
        """As if clocks differed: claims run out while their readers are at work."""
        self.world.expire_claims()

    # ---- the loop

    def take(self, step):
        self.recent.append(f"{time.strftime('%H:%M:%S')} round {self.number}: {step}")
        name = step.kind + ("." + step.details["what"] if "what" in step.details else "")
        self.done[name] += 1
        getattr(self, step.kind)(step.who, **step.details)

    def round(self, steps, blocks, after):
        for step in steps:
            self.take(step)
        self.let_pass(blocks)
        for step in after:
            self.take(step)
        began, target = time.monotonic(), self.top
        self.world.db.wait_block(target, ROUND_LIMIT_S)
        self.tips_s.append(time.monotonic() - began)
        torn = self.world.db.value(TORN_BLOCK)
        assert torn is None, f"block {torn} stands there without all of its operations"
        self.look_after_daemons()

    def look_after_daemons(self):
        killed = (None, -9)
        for made in self.daemons:
            assert made.process.poll() in killed, \
                f"{made.name} ended by itself with {made.process.poll()}\n{made.tail()}"

    def heal(self):
        """Everything works again, and each reader has just been started."""
        for who in range(NODES):
            self.heal_node(who)
        running = [made for made in self.daemons if made.is_running]
        for made in running:
            made.thaw()
            made.wait_for("started")
            made.signal(signal.SIGTERM)
        assert [made.wait_exit(40) for made in running] == [0] * len(running)
        self.world.expire_claims()  # those of killed commands, as if half a minute had gone by
        for who in range(READERS):
            self.start_reader(who)
        self.ticker.cancel()
        for node in self.world.nodes:
            node.irreversible = self.top
        for made in self.daemons:
            made.wait_for("tail_started", ROUND_LIMIT_S)  # it has scanned everything before
        self.world.db.wait_block(self.top, ROUND_LIMIT_S)
        self.world.db.wait_until("SELECT COUNT(*) FROM gaps", lambda n: n == 0, ROUND_LIMIT_S)

    def audit(self):
        """The tables against the chain; and what bots know to be done is done, each once."""
        for bot in self.bots:
            bot.stop()
        self.world.audit(self.chain, (FIRST, self.top), *self.backfills, rules=RULES,
                         undelivered=[(1, FIRST - 1)])
        done = {row[0] for row in self.world.db.rows(
            "SELECT delivery_id FROM deliveries_ended WHERE state = 'done'")}
        assert len(self.ended) == len(set(self.ended)), "two bots were told that one was done"
        assert done >= set(self.ended), "what a bot was told to be done is not"

    def run(self):
        began = time.monotonic()
        self.begin()
        for steps, blocks, after in self.script:
            self.round(steps, blocks, after)
            self.number += 1
            if self.number % 10 == 0:
                self.say(f"  round {self.number} of {len(self.script)}, block {self.top},"
                         f" {time.monotonic() - began:.0f} s")
        self.say("  healed; what is missing is filled, then all tables are audited")
        self.heal()
        self.audit()
        self.watcher.stop()
        self.world.finish()  # all ended in order, nobody called out an error that was none
        return self.summary(time.monotonic() - began)

    def summary(self, took_s):
        retries, lost = self.watcher.sums()
        blocks, operations = self.world.db.rows(
            "SELECT COUNT(*), SUM(stored_operations) FROM blocks")[0]
        takeovers = sum(len(made.events("claim_taken_over")) for made in self.world.readers)
        lines = [f"seed {self.seed}, {self.number} rounds, {took_s:.0f} s: nothing missing,"
                 " nothing twice",
                 f"  blocks {blocks}, operations {operations}; torn out on the way {self.torn};"
                 f" deliveries done {len(self.ended)}",
                 f"  processes {len(self.world.readers)}, commits retried {retries},"
                 f" blocks lost to another reader {lost}, claims taken over {takeovers}",
                 f"  until the newest block stood there: {statistics.median(self.tips_s):.1f} s"
                 f" (median), {max(self.tips_s):.1f} s (longest)"]
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.done.items()))
        return "\n".join(lines + [f"  {kinds}"])

    def close(self):
        """Whatever happened before."""
        self.server.thaw()
        if self.watcher:
            self.ticker.cancel()
            self.watcher.stop()
        for bot in self.bots:
            bot.stop()
        self.world.close()


def soak(seed, rounds, say=lambda text: None):
    """Run it on a server of its own; the summary, or AssertionError with all that is known."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sr-soak-"))
    server = servers.Server().start()
    run = Soak(server, folder, seed, rounds, say)
    try:
        return run.run()
    except BaseException as error:
        raise AssertionError(
            run.world.report() + "\nlast steps:\n  " + "\n  ".join(run.recent[-25:])
            + f"\nseed {seed}, round {run.number} of {rounds}: {error!r}"
            f"\nagain: make soak SEED={seed} ROUNDS={rounds}") from error
    finally:
        run.close()
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(prog="harness.soak", description=main.__doc__)
    parser.add_argument("--seed", type=int, default=0, help="0: a new one")
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    seed = options.seed or random.SystemRandom().randrange(1, 10 ** 6)
    print(f"seed {seed}, {options.rounds} rounds; again: make soak SEED={seed}"
          f" ROUNDS={options.rounds}", flush=True)
    try:
        print(soak(seed, options.rounds, lambda text: print(text, flush=True)))
    except AssertionError as error:
        print(error)
        sys.exit(1)


if __name__ == "__main__":
    main()
