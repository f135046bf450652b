"""Deliveries made by SQL, as a reader writes them, and bots that consume them."""

import contextlib
import json

import pymysql

from .servers import numbers

LOST, MISSING, REFUSED = 31001, 31002, 31003  # the numbers of the procedures' errors
START = "2016-03-24 16:00:00"


def make_queue(db, queue="ask", **settings):
    """The row of `queues`, as the first reader with such a rule makes it; settings as by UPDATE."""
    db.execute("INSERT INTO queues (queue, created_at) VALUES (%s, UTC_TIMESTAMP(6))"
               " ON DUPLICATE KEY UPDATE queue = queue", queue)
    for name, value in settings.items():
        db.execute(f"UPDATE queues SET {name} = %s WHERE queue = %s", value, queue)


def block_id(block, fork=0):
    """Twenty bytes that begin with the number, as on the chain."""
    return block.to_bytes(4, "big") + bytes([fork]) * 16


def store_block(db, block, fork=0, is_irreversible=1):
    db.execute("INSERT INTO blocks (block, block_id, previous, timestamp, operations,"
               " stored_operations, is_irreversible, filter_id, reader_id, committed_at)"
               " VALUES (%s, %s, %s, %s, 1, 1, %s, 1, 1, UTC_TIMESTAMP(6))",
               block, block_id(block, fork), block_id(block - 1, fork), START, is_irreversible)


def comment(author, permlink="a-post", body="!ask why?"):
    return json.dumps({"parent_author": "", "parent_permlink": "ask", "author": author,
                       "permlink": permlink, "title": "", "body": body, "json_metadata": "{}"},
                      ensure_ascii=False, separators=(",", ":"))


def store_operation(db, block, op=0, account="alice", operation="comment", payload=None):
    db.execute("INSERT INTO blockchain VALUES (%s, 0, %s, 0, %s, %s, %s, %s, %s)",
               block, op, f"{block:036x}{op:04x}", START, operation, account,
               comment(account) if payload is None else payload)


def open_delivery(db, block, op=0, queue="ask", account="alice", fork=0, age_s=1):
    """What a reader commits with the block; returns the delivery_id."""
    place = db.value("SELECT COUNT(*) FROM delivered WHERE block = %s", block)
    delivery = block * 2 ** 20 + place
    crc = db.value("SELECT CRC32(%s)", block_id(block, fork))
    db.execute("INSERT INTO delivered VALUES (%s, 0, %s, 0, %s, %s, %s)",
               block, op, queue, crc, delivery)
    db.execute("INSERT INTO deliveries_open (delivery_id, queue, block, trx_in_block, op_in_trx,"
               " virtual_op, block_crc, account, available_at, created_at) VALUES"
               " (%s, %s, %s, 0, %s, 0, %s, %s, UTC_TIMESTAMP(6) - INTERVAL %s SECOND,"
               " UTC_TIMESTAMP(6))", delivery, queue, block, op, crc, account, age_s)
    return delivery


def deliver(db, block, queue="ask", accounts=("alice",), **operation):
    """A block with one operation for each of the accounts, delivered; the delivery_ids."""
    store_block(db, block)
    ids = []
    for op, account in enumerate(accounts):
        store_operation(db, block, op, account, **operation)
        ids.append(open_delivery(db, block, op, queue, account))
    return ids


def deliver_many(db, count, queue="ask", first=1, per_block=10, age_s=3600):
    """The same quickly, for many: `per_block` deliveries a block, of accounts u0 to u999."""
    last = first + (count + per_block - 1) // per_block - 1
    db.execute("INSERT INTO blocks (block, block_id, previous, timestamp, operations,"
               " stored_operations, filter_id, reader_id, committed_at)"
               " SELECT seq, UNHEX(CONCAT(LPAD(HEX(seq), 8, '0'), REPEAT('00', 16))),"
               " UNHEX(CONCAT(LPAD(HEX(seq - 1), 8, '0'), REPEAT('00', 16))),"
               f" '{START}', {per_block}, {per_block}, 1, 1, UTC_TIMESTAMP(6)"
               f" FROM {numbers(first, last)} b")
    each = f"FROM {numbers(first, last)} b" \
           f" JOIN (SELECT seq AS op FROM {numbers(0, per_block - 1)} n) o" \
           f" WHERE (b.seq - {first}) * {per_block} + o.op < {count}"
    crc = "CRC32(UNHEX(CONCAT(LPAD(HEX(b.seq), 8, '0'), REPEAT('00', 16))))"
    account = f"CONCAT('u', (b.seq * {per_block} + o.op) MOD 1000)"
    payload = comment("@").replace("@", "', " + account + ", '")
    db.execute("INSERT INTO blockchain SELECT b.seq, 0, o.op, 0, LPAD(HEX(b.seq * 4096 + o.op), 40,"
               f" '0'), '{START}', 'comment', {account}, CONCAT('{payload}') {each}")
    db.execute("INSERT INTO delivered SELECT b.seq, 0, o.op, 0, %s, " + crc
               + f", b.seq * 1048576 + o.op {each}", queue)
    db.execute("INSERT INTO deliveries_open (delivery_id, queue, block, trx_in_block, op_in_trx,"
               " virtual_op, block_crc, account, available_at, created_at)"
               f" SELECT b.seq * 1048576 + o.op, %s, b.seq, 0, o.op, 0, {crc}, {account},"
               f" UTC_TIMESTAMP(6) - INTERVAL {age_s} SECOND + INTERVAL b.seq MICROSECOND,"
               f" UTC_TIMESTAMP(6) {each}", queue)


class Bot:
    """One connection that calls the procedures. `connect` gives it; `session` are SET statements."""

    def __init__(self, connect, name="bot", session=()):
        self.name, self.connection = name, connect()
        for setting in session:
            self.query(setting)

    def query(self, statement, *args):
        """The rows of the first result, as dicts; all others are read and dropped."""
        with self.connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(statement, args or None)
            rows = list(cursor.fetchall())
            while cursor.nextset():
                pass
            return rows

    def value(self, statement, *args):
        rows = self.query(statement, *args)
        return next(iter(rows[0].values())) if rows else None

    def call(self, procedure, *args):
        return self.query(f"CALL {procedure}({', '.join(['%s'] * len(args))})", *args)

    def claim(self, queue="ask", limit=1, lease_s=30):
        return self.call("queue_claim", queue, self.name, limit, lease_s)

    def done(self, row):
        self.call("queue_done", row["delivery_id"], row["token"])

    def retry(self, row, delay_s=None, error="not now"):
        self.call("queue_retry", row["delivery_id"], row["token"], delay_s, error)

    def release(self, row, error=None):
        self.call("queue_release", row["delivery_id"], row["token"], error)

    def fail(self, row, error="never"):
        self.call("queue_fail", row["delivery_id"], row["token"], error)

    def renew(self, row, lease_s=30):
        self.call("queue_renew", row["delivery_id"], row["token"], lease_s)

    def reply(self, row, body="because", author="the-bot", title=None, metadata=None):
        self.call("reply", row["delivery_id"], row["token"], author, title, body, metadata)

    def held(self, procedure, row, *args):
        """One that answers the delivery."""
        self.call(procedure, row["delivery_id"], row["token"], *args)

    def close(self):
        with contextlib.suppress(pymysql.MySQLError):
            self.connection.close()


def ids(rows):
    """Of what was claimed."""
    return [row["delivery_id"] for row in rows]


def state(db, delivery):
    return db.value("SELECT state FROM deliveries WHERE delivery_id = %s", delivery)


def tables(db):
    """All that bots change, but for where claims begin to look."""
    return [db.rows(f"SELECT * FROM {name} ORDER BY 1")
            for name in ("deliveries_open", "deliveries_ended", "comments", "actions", "senders")]


def number_of(function, *args, **options):
    """The number of the error that the call ends with; 0: it went well."""
    try:
        function(*args, **options)
    except pymysql.MySQLError as error:
        return error.args[0]
    return 0


def end_leases(db, queue="ask"):
    """As if the time of all leases had gone by, and the grace for other members' clocks."""
    db.execute("UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6) - INTERVAL 6 SECOND"
               " WHERE queue = %s AND token IS NOT NULL AND available_at > UTC_TIMESTAMP(6)", queue)
    look_from_the_beginning(db)


def look_from_the_beginning(db):
    """Claims, after something was made available in the past."""
    db.execute("UPDATE queues SET scan_from = '2000-01-01', scanned_at = UTC_TIMESTAMP(6)")
