"""One bot, as a process of its own that may be killed and frozen at any moment:

    python3 -m harness.consumer '{"hosts": [...], "database": ..., "history": ..., ...}'

What it does it writes into its history, line by line, with the host's monotonic clock; see
history.py. It never looks at any other clock: how long it may work it counts from before the claim
was sent. It stops as soon as it could not be sure any more that it still holds a delivery.
"""

import json
import os
import random
import sys
import time

import pymysql

LOST = 31001
AGAIN = (1205, 1213, 1180, 1047)  # a lock, a conflict, a member that is not part of the group
# The server cannot be reached, breaks off, or is on its way up or down. All else ends the bot, and
# so the test: a bot that asks for ever without an answer would prove nothing.
GONE = (0, 1040, 1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1317, 1927, 2002, 2003, 2006, 2013, 2014,
        2055)
BATCH, PATIENCE_S = 4, 0.3


class Consumer:
    """See the module's text. hosts: [socket or port, ...]"""

    def __init__(self, hosts, database, history, name, seed, lease_s, user="root",
                 careless=False):
        self.hosts, self.database, self.user = hosts, database, user
        self.name, self.lease_s, self.careless = name, lease_s, careless
        self.random = random.Random(seed)
        self.file = os.open(history, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.connection, self.place = None, 0

    def note(self, event, **what):
        """One write: it is there whole, or not at all."""
        os.write(self.file, (json.dumps({"event": event, "pid": os.getpid(), **what}) + "\n").encode())

    # ---- the database

    def _connect(self):
        where = self.hosts[self.place % len(self.hosts)]
        place = {"unix_socket": where} if isinstance(where, str) else \
            {"host": "127.0.0.1", "port": where}
        self.connection = pymysql.connect(
            user=self.user, database=self.database, autocommit=True, charset="utf8mb4",
            connect_timeout=2, read_timeout=6, write_timeout=6, **place)
        if self.query("SHOW VARIABLES LIKE 'wsrep_sync_wait'"):
            self.query("SET SESSION wsrep_sync_wait = 1")

    def query(self, statement, *args):
        with self.connection.cursor() as cursor:
            cursor.execute(statement, args or None)
            rows = cursor.fetchall()
            while cursor.nextset():
                pass
            return rows

    def until_answered(self, function, until=None):
        """Its result, on whatever member; None: given up, since the time is over."""
        while until is None or time.monotonic() < until:
            try:
                if self.connection is None:
                    self._connect()
                return function()
            except pymysql.MySQLError as error:
                if error.args[0] in AGAIN:
                    try:
                        self.query("ROLLBACK")
                        continue
                    except pymysql.MySQLError:
                        pass
                elif error.args[0] not in GONE:
                    raise
                if self.connection is not None:
                    self.connection._force_close()  # pylint: disable=protected-access
                self.connection = None
                self.place += 1
                time.sleep(0.05)  # a member that is down is not asked all the time
        return None

    # ---- the work

    def claim(self):
        sent = time.monotonic()
        rows = self.query("CALL queue_claim('ask', %s, %s, %s)", self.name,
                         self.random.randint(1, BATCH), self.lease_s)
        got = time.monotonic()
        if rows:
            self.note("claim", sent=sent, got=got, lease_s=self.lease_s,
                      rows=[[row[0], row[1], row[2]] for row in rows])
        return sent, rows

    def renew(self, delivery, token):
        """Until when it is held then."""
        sent = time.monotonic()
        self.query("CALL queue_renew(%s, %s, %s)", delivery, token, self.lease_s)
        self.note("renew", delivery=delivery, token=token, sent=sent, lease_s=self.lease_s)
        return sent + self.lease_s

    def end(self, kind, delivery, token):
        """With the bot's own work in the same transaction, which a key keeps from being done twice."""
        if kind == "retry":
            self.query("CALL queue_retry(%s, %s, 0, 'once more')", delivery, token)
        elif kind == "fail":
            self.query("CALL queue_fail(%s, %s, 'no')", delivery, token)
        else:
            self.query("START TRANSACTION")
            self.query("CALL queue_done(%s, %s)", delivery, token)
            self.query("INSERT INTO effects VALUES (%s, %s) ON DUPLICATE KEY UPDATE token = token",
                       delivery, token)
            self.query("COMMIT")
        return True

    def work(self, delivery, token, until):
        """One of what was claimed, as long as its time is not over."""
        time.sleep(self.random.random() * PATIENCE_S)  # the work
        if self.random.random() < 0.2:
            until = self.until_answered(lambda: self.renew(delivery, token), until) or 0
        if time.monotonic() >= until and not self.careless:
            return
        kind = self.random.choices(("done", "retry", "fail"), (85, 10, 5))[0]
        self.note("ending", kind=kind, delivery=delivery, token=token, sent=time.monotonic())
        self.until_answered(lambda: self.end(kind, delivery, token))
        self.note("ended", kind=kind, delivery=delivery, token=token, got=time.monotonic())

    def run(self):
        while True:
            sent, rows = self.until_answered(self.claim)
            for delivery, token, *_ in rows:
                try:
                    self.work(delivery, token, sent + self.lease_s)
                except pymysql.MySQLError as error:
                    if error.args[0] != LOST:
                        raise
                    self.query("ROLLBACK")
                    self.note("lost", delivery=delivery, token=token, got=time.monotonic())
            if not rows:
                # as often as an idle bot asks, and never in step with the others
                time.sleep(0.02 + self.random.random() * 0.03)


if __name__ == "__main__":
    Consumer(**json.loads(sys.argv[1])).run()
