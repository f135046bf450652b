"""One test's world: a database, nodes, readers, and what must be true at the end.

finish() is called after every test that passed: it stops all readers in an orderly way, runs the
audits that the test registered with expect(), and looks for errors nobody announced. close() is
called in any case and leaves no process behind.
"""

import contextlib
import copy
import pathlib

from . import auditor
from .chain import SyntheticChain
from .checking import CheckingNode
from .node import Node
from .polling import poll
from .reader import Database, Reader, SANITIZER_EXIT, write_config

DEFAULTS = {
    "reader": {"start_block": 1, "checkpoint": "none"},
    "fetch": {"timeout_ms": 3000},
    "replay": {"scan_interval_s": 1},
}
# The head is followed, and a block is irreversible as soon as the nodes say so, whoever built on it.
HASTY = {"follow": "head", "proof": "content"}
# How long running readers may take for the last blocks that a test expects.
LAST_BLOCKS_S = 10
# A stored block gets the id of no block there is.
OTHER_ID = "UPDATE blocks SET block_id = CONCAT(LEFT(block_id, 4), REPEAT('x', 16)) WHERE block = %s"


class World:
    """See the module's text."""

    def __init__(self, server, folder):
        self.server, self.folder = server, pathlib.Path(folder)
        self.database = server.create_database()
        self.db = Database(self.connect)
        self.nodes, self.readers, self.audits, self.allowed_errors = [], [], [], set()
        self._serial = 0

    def connect(self):
        return self.server.connect(self.database)

    # ---- making things

    def node(self, chain=None, **options):
        """A node; all nodes made before a reader are in that reader's configuration."""
        options.setdefault("name", f"node{len(self.nodes)}")
        node = Node(chain or SyntheticChain(), **options)
        self.nodes.append(node)
        return node

    def join(self, network, **options):
        """A node of a network, which checks what is broadcast."""
        options.setdefault("name", f"node{len(self.nodes)}")
        node = CheckingNode(network, **options)
        self.nodes.append(node)
        return node

    def settings(self, name="reader", **sections):
        """The configuration as a dict; sections are merged over the defaults."""
        made = {
            "nodes": [{"url": node.url} for node in self.nodes] or [{"url": "http://127.0.0.1:9"}],
            "database": {"hosts": [self.server.socket], "user": "root", "name": self.database},
            **copy.deepcopy(DEFAULTS),
        }
        made["reader"]["name"] = name
        for section, values in sections.items():
            if isinstance(values, dict):
                made.setdefault(section, {}).update(values)
            else:
                made[section] = values
        return made

    def config(self, name="reader", **sections):
        """A configuration file; returns its path."""
        self._serial += 1
        path = self.folder / f"{name.replace('/', '_')}-{self._serial}.conf"
        return write_config(path, self.settings(name, **sections))

    def start(self, *arguments, name="reader", config=None, environment=None, **sections):
        """Start the program; without arguments the daemon."""
        path = config or self.config(name, **sections)
        reader = Reader(arguments, path, name, environment)
        self.readers.append(reader)
        return reader

    def run(self, *arguments, code=0, timeout=30, **options):
        """Run the program to its end, which must have this exit code (None: any)."""
        reader = self.start(*arguments, **options)
        got = reader.wait_exit(timeout)
        if code is not None and got != code:
            raise AssertionError(f"exit code {got}, should be {code}\n{reader.stdout}\n"
                                 f"{reader.tail()}")
        return reader

    def migrate(self):
        """The tables, made by the program itself."""
        self.run("--migrate", name="migrate")
        return self

    def forget_blocks(self, *numbers, operations=True):
        """Tear holes: delete rows by hand, with or without their operations."""
        for number in numbers:
            self.db.execute("DELETE FROM blocks WHERE block = %s", number)
            if operations:
                self.db.execute("DELETE FROM blockchain WHERE block = %s", number)

    def expire_claims(self):
        """As if half a minute had gone by for the claims of readers that are dead or frozen."""
        self.db.execute("UPDATE gap_claims SET expires_at = UTC_TIMESTAMP() - INTERVAL 1 SECOND")

    # ---- what must be true

    def expect(self, chain, *ranges, **options):
        """Register an audit for the end of the test."""
        self.audits.append((chain, ranges, options))

    def audit(self, chain, *ranges, **options):
        """An audit now."""
        with contextlib.closing(self.connect()) as connection:
            auditor.audit(connection, chain, ranges, **options)

    def audit_gaps(self, missing):
        """The view `gaps` must show exactly these blocks."""
        shown = auditor.gaps(self.db.connection)
        assert shown == set(missing), \
            f"the view gaps: {auditor.spans(shown)}, should be {auditor.spans(set(missing))}"

    def allow_errors(self, *events):
        """These error-level events are meant to happen."""
        self.allowed_errors.update(events)

    def finish(self):
        """Everything that must hold at the end of every test."""
        for reader in self.readers:
            if reader.is_running:
                reader.thaw()
        self._wait_for_expected_blocks()
        for reader in self.readers:
            if reader.is_running:
                code = reader.stop()
                assert code == 0, f"{reader.name} ended with {code} on SIGTERM\n{reader.tail()}"
        for reader in self.readers:
            self._check_reader(reader)
        for chain, ranges, options in self.audits:
            self.audit(chain, *ranges, **options)

    def _wait_for_expected_blocks(self):
        """A test may end with an event that comes before the last commit. The audit says what lacks."""
        wanted = set()
        for _, ranges, options in self.audits:
            left_out = [options.get(name, ()) for name in ("missing", "allow_missing", "reversible")]
            wanted |= auditor.numbers(ranges).difference(*map(auditor.numbers, left_out))

        def is_complete():
            found = self.db.rows("SELECT block FROM blocks WHERE is_irreversible = 1")
            return wanted <= {number for number, in found}

        def has_ended():
            return not any(reader.is_running for reader in self.readers)

        with contextlib.suppress(Exception):
            poll(is_complete, timeout=LAST_BLOCKS_S, is_lost=has_ended, interval=0.1, otherwise=str)

    def _check_reader(self, reader):
        assert not reader.sanitizer_report() and reader.process.returncode != SANITIZER_EXIT, \
            f"{reader.name}: a sanitizer reports\n{reader.tail(200)}"
        assert reader.process.returncode not in (70, -6, -11, -8, -4, -7), \
            f"{reader.name} crashed with {reader.process.returncode}\n{reader.tail()}"
        if reader.process.returncode > 0:
            return  # the test asked for this code; the error line is its reason
        errors = [line for line in reader.events()
                  if line.level == "error" and line.event not in self.allowed_errors]
        assert not errors, f"{reader.name}: unexpected errors:\n" + "\n".join(map(str, errors))

    def report(self):
        """Logs, for a failure's report."""
        parts = [reader.tail() for reader in self.readers]
        parts += [f"--- {node.name} {node.url}: head {node.head}, irreversible {node.irreversible},"
                  f" {dict(node.count)}" for node in self.nodes]
        return "\n".join(parts)

    def close(self):
        for reader in self.readers:
            if reader.is_running:
                reader.kill()
        for node in self.nodes:
            node.close()
        self.db.close()  # whatever state it is in
        with contextlib.suppress(Exception):
            # A transaction that a failed test has left open would hold up the DROP for ever.
            self.db.kill_others("db = %s", self.database)
            self.server.execute(f"DROP DATABASE IF EXISTS `{self.database}`")
        self.db.close()
