"""Runs of a poster with one call at which it dies or freezes, or which fails.

    trace = record(server, folder)                     the places of a run to which nothing happens
    Batch(server, folder, [(place, way), ...]).run()   one run each, beside each other; then the audit

The program is tests/store/shim_poster: steem-poster above a layer that knows each call of the database's client
library and each request to a node; tests/store/shim_poster.c says what a place and a way are. Each run has
two accounts of its own, with a row of each kind. Whoever died or froze is followed by a plain steem-poster.
All runs of a batch share one chain, one database, one reader and one node, and effects.py reads the
chain at the end.
"""

import concurrent.futures
import contextlib
import functools
import json
import pathlib
import signal

import pymysql

from . import auditor, effects, reader, servers
from .checking import CheckingNode
from .network import PEOPLE, Network
from .polling import poll
from .poster import Outbox, custom_json, poster_program, transfer, vote
from .refusal import Refusal
from .world import World

BLOCK_S = 0.1
POLL_MS = 150  # of a poster: a quarter of the usual idle rounds
TURN_S = 0.1  # between two looks at a run
LONG_S = 120
KINDS = ("kill", "freeze")
ERRORS = (1213, 1205, 2013, 1180, 1047, 1020, 1053, 1290)
WHEN = ("before", "after")
REQUEST_WAYS = [f"{kind} {when}" for kind in (*KINDS, 2013) for when in WHEN]
WAYS = [f"{kind} {when}" for kind in (*KINDS, *ERRORS) for when in WHEN]
OPTIONS = json.dumps({"percent_steem_dollars": 0,
                      "extensions": [[0, {"beneficiaries": [{"account": "bob", "weight": 500}]}]]})
# How each row ends; all others are confirmed.
ENDS = {"refused": "failed", "held": "held"}
OPEN = ("SELECT (SELECT COUNT(*) FROM actions WHERE account IN %s AND state IN ('pending', 'sent'))"
        " + (SELECT COUNT(*) FROM comments WHERE author IN %s AND state IN ('pending', 'sent'))"
        " + (SELECT COUNT(*) FROM signed_trxs WHERE account IN %s AND outcome IS NULL)")
# Eight statements at once meet each other in deadlocks, which is no matter here.
RETRIED = (1205, 1213)


def program():
    """The path of the program, or None."""
    beside = reader.program() and pathlib.Path(reader.program()).with_name("tests") / "store" / "shim_poster"
    return str(beside) if beside and beside.exists() else None


def ways_of(place):
    """What may happen there."""
    return REQUEST_WAYS if place.startswith("post ") else WAYS


class WilfulNode(CheckingNode):
    """A custom_json's id says what becomes of the first transaction that carries it: "lost" (accepted, and in
    no block), "late" (accepted, and in the last block that may hold it), "key" (refused for its
    signature), "soon" (refused when it comes first)."""

    def __init__(self, network, **options):
        self._first = {}  # by the text of the custom_json
        super().__init__(network, **options)

    def _broadcast_transaction(self, call):
        trx = self._sent(call)
        name, body = trx["operations"][0]
        wish = body["id"] if name == "custom_json" else ""
        if wish not in ("lost", "late", "key", "soon"):
            return super()._broadcast_transaction(call)
        made = self.network.read(trx, self.name, self.head)
        made.receipt.said = "received"
        with self.changed:
            is_new = body["json"] not in self._first
            is_first = self._first.setdefault(body["json"], made.trx_id) == made.trx_id
        if is_first and wish == "key":
            self._refuse(made, Refusal("tx_missing_posting_auth",
                                       f"Missing Posting Authority {sorted(made.accounts)[0]}"))
        if is_new and wish == "soon":
            self._refuse(made, Refusal("assert_exception", "You may only comment once every 3 seconds.",
                                       "now - auth.last_post"))
        keeps = is_first and wish in ("lost", "late")
        self.network.accept(made, head=self.head, gossip=not keeps)
        if is_new and wish == "late":
            self.network.reserve(made)
        made.receipt.said = "accepted"
        return b"{}"


class Run:
    """One poster at one place; go() ends when its rows have ended."""

    def __init__(self, batch, number, place, way):
        self.batch, self.number, self.place, self.way = batch, number, place, way
        self.accounts = self.one, self.two = f"one-{number}", f"two-{number}"
        self.was_hit, self.is_cancelled = False, None
        self.posters = []
        self.db = reader.Database(batch.world.connect)
        self.hit = batch.world.folder / f"hit-{number}"
        self.trace = batch.world.folder / f"trace-{number}"

    def __str__(self):
        return f"run {self.number}: {self.way} {self.place!r}"

    def ask(self, outbox):
        """Its rows: {kind: (table, id)}."""
        one, two, number = self.one, self.two, self.number
        ask = functools.partial(outbox.ask, one)
        custom = {kind: custom_json(one, json.dumps([number, kind]), kind)
                  for kind in ("plain", "lost", "late", "soon", "cancelled")}
        actions = {
            "vote": ask(vote(one)),
            "transfer": ask(transfer(one, "bob", memo=f"of {number}"), authority="active"),
            **{kind: ask(op, priority=-1 if kind == "cancelled" else 0) for kind, op in custom.items()},
            "several": ask(*(custom_json(one, f"[{number},{place}]") for place in range(3))),
            "refused": ask(transfer(one, "bob", "2000000.000 STEEM"), authority="active"),
            "held": ask(transfer(one, "carol", memo=f"of {number}"), authority="active"),
            "key": outbox.ask(two, custom_json(two, json.dumps([number, "key"]), "key")),
        }
        comment = outbox.comment(one, f"re-{number}", options=OPTIONS)
        self.rows = {"comment": ("comments", comment),
                     **{kind: ("actions", ident) for kind, ident in actions.items()}}
        self.entries = [outbox.entry(one), outbox.entry(two),
                        outbox.entry(one, "active", allow=["transfer"], only_to=["alice", "bob"])]

    # ---- its posters

    def start(self, executable, environment=None):
        world, name = self.batch.world, f"poster-{self.number}-{len(self.posters)}"
        config = self.batch.outbox.config(*self.entries, name=name, nodes=[self.batch.node],
                                          poster={"name": name, "poll_ms": POLL_MS})
        poster = reader.Reader([], config, name, environment, executable=executable)
        world.readers.append(poster)
        self.posters.append(poster)
        return poster

    def start_first(self):
        environment = {**self.batch.environment, "SHIM_HIT": str(self.hit)}
        if self.place:
            environment.update(SHIM_PLACE=self.place, SHIM_WAY=self.way)
        else:
            environment["SHIM_TRACE"] = str(self.trace)
        return self.start(program(), environment)

    def take_over(self):
        """Somebody else serves the accounts, as after the end of the lease."""
        self.change("UPDATE senders SET lease_until = UTC_TIMESTAMP(6) - INTERVAL 1 MINUTE"
                    " WHERE account IN %s", self.accounts)
        faulty = self.batch.environment
        second = self.start(program() if faulty else poster_program(), faulty)
        self.db.wait_until("SELECT COUNT(*) FROM senders WHERE account IN %s AND poster = %s",
                           lambda count: count == 2, LONG_S, (self.accounts, second.name))

    def change(self, statement, *args):
        while True:
            try:
                return self.db.execute(statement, *args)
            except pymysql.MySQLError as error:
                if error.args[0] not in RETRIED:
                    raise

    # ---- its life

    def cancel(self):
        """One row is withdrawn while it may be under way."""
        with contextlib.closing(self.batch.world.connect()) as connection:
            with connection.cursor() as cursor:
                try:
                    cursor.execute("CALL outbox_cancel('action', %s)", (self.rows["cancelled"][1],))
                    self.is_cancelled = True
                except pymysql.MySQLError as error:
                    assert error.args[0] in (31001, *RETRIED), error
                    self.is_cancelled = False

    def has_ended(self):
        """An account that a refused key paused goes on."""
        self.change("UPDATE senders SET paused_at = NULL, pause_reason = NULL"
                    " WHERE account IN %s AND paused_at IS NOT NULL", self.accounts)
        return self.db.value(OPEN, *[self.accounts] * 3) == 0

    def wait(self, condition, what):
        """While a poster may not end by itself."""
        def is_lost():
            return any(poster.process.poll() not in (None, 0, -9) for poster in self.posters)

        return poll(condition, timeout=LONG_S, interval=TURN_S, is_lost=is_lost,
                    otherwise=lambda _: f"{self}: {what}\n{self.report()}")

    def report(self):
        rows = [f"{kind}: {state}, attempt {attempts}, {error}" for kind, (state, attempts, error) in
                self.states().items()]
        return "\n".join(rows + [poster.tail() for poster in self.posters])

    def states(self):
        """{kind: (state, attempts, error)}"""
        return {kind: self.db.rows(f"SELECT state, attempts, error FROM {table} WHERE {table[:-1]}_id = %s",
                                   ident)[0] for kind, (table, ident) in self.rows.items()}

    def go(self):
        try:
            self._go()
        finally:
            self.db.close()

    def _go(self):
        first = self.start_first()
        self.cancel()
        self.wait(lambda: self.hit.exists() or self.has_ended(), "nothing happens")
        self.was_hit = self.hit.exists()
        if self.was_hit and self.way.startswith("kill"):
            assert first.wait_exit() == -9, f"{self}\n{first.tail()}"
            self.take_over()
        elif self.was_hit and self.way.startswith("freeze"):
            self.wait(lambda: is_stopped(first.pid), "it does not stop")
            self.take_over()
            first.thaw()
        self.wait(self.has_ended, "the rows do not end")
        for poster in self.posters:
            if poster.is_running:
                self.stop(poster)
        self.was_hit = self.hit.exists()

    def stop(self, poster):
        """Its place may be among the last calls."""
        poster.signal(signal.SIGTERM)
        self.wait(lambda: not poster.is_running or is_stopped(poster.pid), "it does not end")
        if poster.is_running:
            poster.thaw()
        code = poster.wait_exit()
        assert code == 0 or code == -9 and self.way.startswith("kill"), f"{self}: {code}\n{poster.tail()}"

    def check_ends(self):
        """After the audit: what ought to take effect did."""
        wanted = {kind: ENDS.get(kind, "confirmed") for kind in self.rows}
        if self.is_cancelled:
            wanted["cancelled"] = "failed"
        found = {kind: state for kind, (state, *_) in self.states().items()}
        assert found == wanted, f"{self}: {found}\n{self.report()}"
        self.db.close()


def is_stopped(pid):
    """By SIGSTOP."""
    with contextlib.suppress(OSError):  # it has ended
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
        return stat.rsplit(")", 1)[1].split()[0] == "T"
    return False


class Batch:
    """Runs beside each other. environment: of all their posters."""

    def __init__(self, server, folder, runs, **environment):
        self.world, self.environment = World(server, folder), environment
        names = [f"{name}-{number}" for number in range(len(runs)) for name in ("one", "two")]
        self.network = Network(people=(*PEOPLE, *names))
        self.outbox = Outbox(self.world)
        self.runs = [Run(self, number, *run) for number, run in enumerate(runs)]

    def begin(self):
        world = self.world
        world.migrate()
        world.join(self.network)
        world.start(reader={"proof": "content"})
        self.node = WilfulNode(self.network, name="wilful")
        world.nodes.append(self.node)
        for run in self.runs:
            run.ask(self.outbox)
        self.network.live(BLOCK_S)

    def run(self):
        """The counts of the audit; raises AssertionError."""
        try:
            self.begin()
            with concurrent.futures.ThreadPoolExecutor(len(self.runs)) as pool:
                ends = [pool.submit(run.go) for run in self.runs]
            faults = [str(end.exception()) for end in ends if end.exception()]
            assert not faults, "\n".join(faults)
            return self.audit()
        finally:
            self.close()

    def run_for(self, seconds):
        """The audit when so much time of the chain has passed since the first request, whatever is open then."""
        try:
            self.begin()
            for run in self.runs:
                first = run.start_first()
                if run.place:
                    first.wait_exit(LONG_S)
                    run.take_over()
            received = self.network.received
            self.network.wait_for(lambda: received and self.network.now > received[0].now + seconds, LONG_S)
            return self.audit()
        finally:
            self.close()

    def audit(self):
        self.network.still()
        self.world.db.wait_block(self.network.irreversible, LONG_S)
        accounts = [account for run in self.runs for account in run.accounts]
        try:
            counts = effects.audit(self.world.db.connection, self.network, accounts,
                                   limits={run.one: {"only_to": ["alice", "bob"]} for run in self.runs})
        except auditor.AuditError as error:
            raise auditor.AuditError("\n".join([str(error), *map(str, self.runs)])) from error
        for run in self.runs:
            run.check_ends()
        self.world.allow_errors("sender_paused")
        self.world.finish()
        return counts

    def close(self):
        self.network.still()
        for run in self.runs:
            run.db.close()
        for made in self.world.readers:
            if made.is_running:
                made.thaw()
        self.world.close()


def record(server, folder):
    """Each place of an undisturbed run once, in their order."""
    batch = Batch(server, folder, [("", "")])
    batch.run()
    return list(dict.fromkeys(batch.runs[0].trace.read_text(encoding="utf-8").splitlines()))


@contextlib.contextmanager
def wide_server():
    """With room for the connections of many posters."""
    made = servers.Server(options=["--max-connections=400"]).start()
    try:
        yield made
    finally:
        made.close()
