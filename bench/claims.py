# SPDX-License-Identifier: MIT
"""Workers on the queue, side by side with the loop that everybody writes: one table with all of a
job and its status, SELECT ... FOR UPDATE SKIP LOCKED, UPDATE, COMMIT. Both claim a batch, and mark each of it as done
in one transaction; both by pymysql, a process each."""

import contextlib
import multiprocessing
import time

import pymysql

import lab as laboratory  # noqa: F401, it makes harness importable
from harness.deliveries import Bot, comment, deliver_many, make_queue
from harness.reader import Database
from lab import Failed

SIZES = (10 ** 3, 10 ** 5, 10 ** 6)
CASES = ((1, 1), (1, 10), (8, 1), (8, 10))  # workers, batch
SECONDS, SNAPSHOT_S = 3, 20
JOBS = """CREATE TABLE jobs (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    status ENUM('ready', 'claimed', 'done') NOT NULL, worker VARCHAR(64) NULL,
    attempts INT UNSIGNED NOT NULL DEFAULT 0, claimed_at DATETIME(6) NULL,
    finished_at DATETIME(6) NULL, block INT UNSIGNED NOT NULL, trx_in_block INT UNSIGNED NOT NULL,
    op_in_trx INT UNSIGNED NOT NULL, virtual_op INT UNSIGNED NOT NULL, trx_id CHAR(40) NOT NULL,
    timestamp DATETIME NOT NULL, operation VARCHAR(64) NOT NULL, account VARCHAR(16) NULL,
    payload MEDIUMTEXT NOT NULL,
    KEY jobs_status (status, id)) ENGINE=InnoDB"""


class Procedures(Bot):
    """Ours."""

    def take(self, batch):
        return self.claim(limit=batch, lease_s=600)

    def finish(self, rows):
        self.query("START TRANSACTION")
        for row in rows:
            self.done(row)
        self.query("COMMIT")


class Loop(Bot):
    """Theirs."""

    def take(self, batch):
        self.query("START TRANSACTION")
        rows = self.query("SELECT id, attempts, block, trx_in_block, op_in_trx, virtual_op, trx_id,"
                          " timestamp, operation, account, payload FROM jobs"
                          " WHERE status = 'ready' ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED",
                          batch)
        if rows:
            self.query("UPDATE jobs SET status = 'claimed', worker = %s, claimed_at = NOW(6),"
                       " attempts = attempts + 1"
                       " WHERE id IN %s", self.name, [row["id"] for row in rows])
        self.query("COMMIT")
        return rows

    def finish(self, rows):
        self.query("START TRANSACTION")
        for row in rows:
            self.query("UPDATE jobs SET status = 'done', finished_at = NOW(6) WHERE id = %s",
                       row["id"])
        self.query("COMMIT")


def _work(kind, socket, database, batch, seconds, start, results):
    bot = kind(lambda: pymysql.connect(unix_socket=socket, user="root", database=database,
                                       autocommit=True, charset="utf8mb4"))
    start.wait()
    begin, done, took = time.monotonic(), [], []
    while (at := time.monotonic()) < begin + seconds:
        rows = bot.take(batch)
        took.append(time.monotonic() - at)
        if not rows:
            took.pop()
            break
        bot.finish(rows)
        done.append((time.monotonic(), len(rows)))
    results.put((begin, done, took))


def run(lab, database, kind, workers, batch, seconds):
    """{"per_s", "p50_ms", "p99_ms", "times": [(when, how many), ...]}"""
    context = multiprocessing.get_context("fork")
    start, results = context.Barrier(workers + 1), context.Queue()
    running = [context.Process(target=_work, args=(kind, lab.server.socket, database, batch, seconds,
                                                   start, results)) for _ in range(workers)]
    for process in running:
        process.start()
    start.wait()
    got = [results.get(timeout=seconds + 120) for _ in running]
    for process in running:
        process.join()
    begin = min(one[0] for one in got)
    times = sorted((at - begin, count) for one in got for at, count in one[1])
    took = sorted(one for _, _, list_ in got for one in list_)
    if not times:
        raise Failed(f"{kind.__name__}: nothing was claimed")
    return {"per_s": sum(count for _, count in times) / times[-1][0],
            "p50_ms": took[len(took) // 2] * 1000,
            "p99_ms": took[min(len(took) - 1, len(took) * 99 // 100)] * 1000, "times": times}


class Rows:
    """Both queues of one database, filled to so many ready rows."""

    def __init__(self, lab):
        self.lab, self.database = lab, lab.fresh_database()
        self.db = Database(lambda: lab.server.connect(self.database))
        self.block = 1
        make_queue(self.db)
        self.db.execute(JOBS)

    def fill(self, count, kind=None):
        """Up to so many that are ready, and nothing else."""
        if kind is not Loop:
            self.db.execute("DELETE FROM deliveries_open")
            step = 50000
            for left in range(count, 0, -step):
                deliver_many(self.db, min(step, left), first=self.block, age_s=1)
                self.block += step // 10
            self.db.execute("UPDATE queues SET scan_from = '2000-01-01'")
        if kind is not Procedures:
            self.db.execute("DELETE FROM jobs WHERE status <> 'done'")
            self.db.execute("INSERT INTO jobs (status, block, trx_in_block, op_in_trx, virtual_op,"
                            " trx_id, timestamp, operation, account, payload) SELECT 'ready',"
                            " seq DIV 10, 0, seq MOD 10, 0, LPAD(HEX(seq), 40, '0'),"
                            f" '2016-03-24 16:00:00', 'comment', 'u500', %s FROM seq_1_to_{count}",
                            comment("u500"))

    def close(self):
        self.db.close()


def _drained(lab, rows, kind, workers, batch, count, rounds):
    """The small queue: from so many rows to none, several times."""
    figures = []
    for _ in range(rounds):
        rows.fill(count, kind)
        figures.append(run(lab, rows.database, kind, workers, batch, 60))
    return {key: sorted(one[key] for one in figures)[rounds // 2] for key in ("per_s", "p50_ms",
                                                                               "p99_ms")}


def measure(lab, sizes, say):
    """One dict a case: size, workers, batch, ours_*, theirs_*."""
    found = []
    rows = Rows(lab)
    try:
        for size in sizes:
            say(f"  queue, {size} ready rows")
            rows.fill(size)
            for workers, batch in CASES:
                case = {"ready": size, "workers": workers, "batch": batch}
                for name, kind in (("ours", Procedures), ("theirs", Loop)):
                    one = _drained(lab, rows, kind, workers, batch, size, 3) if size <= 1000 else \
                        run(lab, rows.database, kind, workers, batch, SECONDS)
                    case.update({f"{name}_{key}": one[key] for key in ("per_s", "p50_ms", "p99_ms")})
                found.append(case)
    finally:
        rows.close()
    return found


def measure_snapshot(lab, say):
    """With one REPEATABLE READ transaction open all the while: the first and the last five seconds."""
    found = {}
    for name, kind in (("ours", Procedures), ("theirs", Loop)):
        say(f"  queue behind a long snapshot, {name}")
        rows = Rows(lab)
        try:
            rows.fill(150000, kind)
            with contextlib.closing(lab.server.connect(rows.database)) as reader, \
                    reader.cursor() as cursor:
                cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
                cursor.execute("SELECT COUNT(*) FROM queues")
                times = run(lab, rows.database, kind, 8, 10, SNAPSHOT_S)["times"]
        finally:
            rows.close()
        for part, low, high in (("first", 0, 5), ("last", SNAPSHOT_S - 5, SNAPSHOT_S)):
            found[f"{name}_{part}_per_s"] = sum(
                count for at, count in times if low <= at < high) / 5
    return found
