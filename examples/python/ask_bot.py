#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A bot that answers comments which begin with "!ask", from a queue of steem-reader.

To make it yours, write another answer(). The rest takes deliveries from the queue and gives the
answers to the outbox, so that every question is answered, once, whatever crashes on the way;
doc/consumers.md says why it is as it is. Start as many of these as you like, on as many servers.

Needs PyMySQL (Debian: python3-pymysql). Settings, by environment:

    AUTHOR            the account that answers (must be set)
    QUEUE             the queue to serve: "ask"
    DB_HOST, DB_PORT  the database: 127.0.0.1 and 3306
    DB_SOCKET         its Unix socket, in place of both
    DB_USER           steem_consumer
    DB_PASSWORD_FILE  a file that holds the password: none
    DB_NAME           steem
    LEASE_S           for how many seconds a delivery is ours before we renew it: 60
"""

import json
import os
import pathlib
import random
import signal
import socket
import sys
import threading
import time

import pymysql

AUTHOR = os.environ.get("AUTHOR", "")
QUEUE = os.environ.get("QUEUE", "ask")
LEASE_S = int(os.environ.get("LEASE_S", "60"))
WORKER = f"{socket.gethostname()}/{os.getpid()}"
LONGEST_WORK_S = 600  # after that answer() hangs
POLL_S = 0.5  # between two looks at an empty queue, more or less

# Errors of the database, by number.
LEASE_LOST = 31001  # the token is no longer good: somebody else has it, or it has ended
REFUSED = {1048, 1366, 1406, 31003}  # such an answer to such a thing never gets in
# Deadlocks, lost connections (0: PyMySQL knows already), servers that stop or cannot write now.
PASSING = {0, 1020, 1040, 1047, 1053, 1180, 1205, 1213, 1290, 1836, 1927, 2003, 2006, 2013}
# Login, rights, a table or procedure that is away: mistakes, but once all has worked somebody cures them.
CURED = {1044, 1045, 1130, 1142, 1146, 1305, 1370, 1449, 1820, 1862, 3118, 3955, 4150, 4151, 31004}

stopping = False  # set by SIGTERM


def stop(*_):
    global stopping  # pylint: disable=global-statement
    stopping = True


def pause(seconds):
    """Sleep, but not on when we are to stop."""
    until = time.monotonic() + seconds
    while not stopping and time.monotonic() < until:
        time.sleep(min(0.1, max(until - time.monotonic(), 0)))


class Hopeless(Exception):
    """What answer() raises where another attempt would end the same way."""


def answer(delivery):
    """The text of the answer, or None for none. It may take its time, and it may raise.

    No transaction is open while it runs. It may run twice for one delivery, after a crash: what it
    does elsewhere is to be harmless the second time; delivery_id stays the same. Give each of its
    requests a time-out.
    """
    comment = json.loads(delivery["payload"])
    if delivery["operation"] != "comment":
        raise Hopeless(f"a {delivery['operation']} cannot be answered")
    if comment["author"] == AUTHOR:
        return None  # two bots that answer each other would never end
    return f"Hello @{comment['author']}, this is my answer to everything: 42."


class Database:
    """One connection, made anew where it was lost."""

    def __init__(self):
        self.connection = None
        self.passing = PASSING

    def connect(self):
        password_file = os.environ.get("DB_PASSWORD_FILE")
        return pymysql.connect(
            host=os.environ.get("DB_HOST", "127.0.0.1"),
            port=int(os.environ.get("DB_PORT", "3306")),
            unix_socket=os.environ.get("DB_SOCKET") or None,
            user=os.environ.get("DB_USER", "steem_consumer"),
            password=pathlib.Path(password_file).read_text().rstrip("\n") if password_file else "",
            database=os.environ.get("DB_NAME", "steem"),
            charset="utf8mb4", autocommit=True, cursorclass=pymysql.cursors.DictCursor,
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            connect_timeout=10, read_timeout=60, write_timeout=60)

    def run(self, *calls):
        """All of these calls in one transaction; the rows of the last one.

        Each is a procedure and its arguments. (queue_claim makes transactions of its own.) After
        an error all is rolled back; where the error will pass, all is done again. Where COMMIT did
        work and only its reply was lost, the calls find the delivery ended by ourselves: a second
        queue_done changes nothing, and reply() says LEASE_LOST.
        """
        backoff_s = 0.05
        while True:
            try:
                if self.connection is None:
                    self.connection = self.connect()
                self.connection.begin()
                rows = [self.call(*call) for call in calls][-1]
                self.connection.commit()
                self.passing = PASSING | CURED
                return rows
            except pymysql.MySQLError as error:
                self.undo()
                if stopping or error.args[0] not in self.passing:
                    raise
                print(f"database: {error}; trying again", file=sys.stderr)
            pause(random.uniform(0.5, 1) * backoff_s)
            backoff_s = min(2 * backoff_s, 10)

    def call(self, procedure, *arguments):
        # A comment may hold half a surrogate; a text that quotes it is no UTF-8.
        arguments = [argument.encode("utf-8", "replace").decode() if isinstance(argument, str)
                     else argument for argument in arguments]
        places = ", ".join(["%s"] * len(arguments))
        with self.connection.cursor() as cursor:
            cursor.execute(f"CALL {procedure}({places})", arguments)
            return cursor.fetchall()

    def undo(self):
        try:
            self.connection.rollback()
        except (pymysql.MySQLError, AttributeError):
            self.connection = None


def work(database, delivery):
    """What answer() returned and what it raised; until then the delivery stays ours."""
    outcome = []

    def run():
        try:
            outcome.append((answer(delivery), None))
        except Exception as error:  # pylint: disable=broad-except
            outcome.append((None, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    begun = time.monotonic()
    while True:
        thread.join(LEASE_S / 3)
        if outcome:
            return outcome[0]
        if time.monotonic() - begun > LONGEST_WORK_S:
            # A thread cannot be ended, a process can. Its lease runs out, then it comes again.
            print(f"{delivery['delivery_id']}: no answer in {LONGEST_WORK_S} s", file=sys.stderr)
            os._exit(75)
        database.run(("queue_renew", delivery["delivery_id"], delivery["token"], LEASE_S))


def handle(database, delivery):
    """Answer one delivery, and say so in the transaction that puts the answer into the outbox."""
    held = (delivery["delivery_id"], delivery["token"])
    text, error = work(database, delivery)
    if isinstance(error, Hopeless):
        database.run(("queue_fail", *held, str(error)))
    elif error:
        # Again after a pause that grows; after queues.max_attempts attempts it has failed.
        database.run(("queue_retry", *held, None, f"{type(error).__name__}: {error}"))
    elif text is None:
        database.run(("queue_done", *held))
    else:
        try:
            database.run(("reply", *held, AUTHOR, None, text, None), ("queue_done", *held))
        except pymysql.MySQLError as refused:
            if refused.args[0] not in REFUSED:
                raise
            database.run(("queue_fail", *held, str(refused)))


def serve(database):
    """Claim, handle, claim, until we are to stop."""
    while not stopping:
        deliveries = database.run(("queue_claim", QUEUE, WORKER, 1, LEASE_S))
        for delivery in deliveries:
            try:
                handle(database, delivery)
            except pymysql.MySQLError as error:
                if error.args[0] != LEASE_LOST:
                    raise
                # All of it is rolled back, and the delivery is no longer ours to care for.
                print(f"{delivery['delivery_id']}: {error}", file=sys.stderr)
        if not deliveries:
            pause(random.uniform(0.5, 1.5) * POLL_S)


def main():
    if not AUTHOR:
        sys.exit("ask_bot: AUTHOR is not set")
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        serve(Database())
    except pymysql.MySQLError as error:
        if not stopping:
            raise
        # What was in our hands comes back when its lease runs out.
        print(f"database: {error}; stopped", file=sys.stderr)


if __name__ == "__main__":
    main()
