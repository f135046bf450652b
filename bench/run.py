#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The benchmark: `make bench`, or bench/run.py --build DIR [--quick] [--only PART,PART].

Everything runs here: a private database server, a fast simulated node, the readers.  Each
figure is the median of several rounds; rounds of different cases take turns, so that
what else happens on the machine hits all of them alike.
"""

import argparse
import contextlib
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

import claims
import corpus
import lab as laboratory
import poster
import report
from lab import Failed, Node, Reader, Skipped, servers
from bot import Bot
from tail import Tail

LATENCIES_MS = (0, 50, 100, 150)
CLOSINGS_US = (None, 0, 100, 1000)
CONNECTIONS, BATCH = 8, 50
WRITERS, BATCH_ROWS, BATCH_BYTES = 2, 3000, 1024 * 1024
PEERS = ("@hiveio/dhive", "dsteem", "steem", "@splinterlands/hive-interface")

# Whether OpenSSL uses the processor's SHA instructions (OPENSSL_ia32cap(3)); without them there is one case.
SHA = {"with": {}, "without": {"OPENSSL_ia32cap": ":~0x20000000"}}

SETTINGS = {  # name: server options, table options
    "as above": ({}, ""),
    "buffer pool 128 MB": ({"innodb-buffer-pool-size": "128M"}, ""),
    "redo log 1 GB": ({"innodb-log-file-size": "1G"}, ""),
    "flush at commit 2": ({"innodb-flush-log-at-trx-commit": "2"}, ""),
    "PAGE_COMPRESSED=1": ({}, "PAGE_COMPRESSED=1"),
}


DATABASES = {  # name: MySQL's library, MySQL's server, server options
    "MariaDB": (False, False, {}),
    "MySQL, MariaDB's library": (False, True, {}),
    "MySQL": (True, True, {}),
    "MySQL, redo log 1 GB": (True, True, {"innodb-log-file-size": "1G"}),
    "MySQL, binary log": (True, True, {"log-bin": "binlog", "server-id": "1"}),
}


def say(text):
    print(text, file=sys.stderr, flush=True)


def median_of(rounds):
    """A dict of medians out of dicts."""
    return {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}


def sha_cases():
    """Of SHA, what this machine has."""
    try:
        has_any = " sha_ni" in pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        has_any = False
    return ("with", "without") if has_any else ("without",)


class Bench:
    """The measurements. `sizes` says how much is done in each."""

    def __init__(self, lab, quick, peers):
        self.lab, self.quick, self.peers = lab, quick, peers
        self.rounds = 3 if quick else 5
        self.name, self.operations, self.bytes = corpus.write(lab.corpus)

    def stored(self, database):
        """(blocks, operations, last commit's time) and a check that nothing is missing."""
        blocks, operations, wanted, last_at = self.lab.rows(
            database, "SELECT COUNT(*), SUM(stored_operations), MAX(block),"
                      " UNIX_TIMESTAMP(MAX(committed_at)) FROM blocks")[0]
        rows = self.lab.rows(database, "SELECT COUNT(*) FROM blockchain")[0][0]
        expected = sum(self.operations[(n - 1) % len(self.operations)]
                       for n in range(1, wanted + 1))
        if blocks != wanted or rows != operations or rows != expected:
            raise Failed(f"{blocks} blocks, {rows} rows; {wanted} and {expected} were wanted")
        return blocks, rows, float(last_at)

    def steady(self, database):
        """Blocks a second between the first and the last tenth: without start and end."""
        times = [float(at) for at, in self.lab.rows(
            database, "SELECT UNIX_TIMESTAMP(committed_at) FROM blocks ORDER BY committed_at")]
        low, high = len(times) // 10, len(times) * 9 // 10
        return (high - low) / max(times[high] - times[low], 1e-6)

    def end_to_end(self, blocks, delay_ms, readers=1, database=None, close_after_us=None, environment=None,
                   **sections):
        """Readers catch up `blocks` blocks from an empty database."""
        database = database or self.lab.fresh_database()
        with Node(self.lab, blocks, delay_ms, close_after_us=close_after_us) as node:
            configs = [self.lab.config(database, node.url, f"bench{i}", **sections)
                       for i in range(readers)]
            server_cpu, at = self.lab.server_cpu_s, time.time()
            running = [Reader(self.lab, "--once", config=config, environment=environment)
                       for config in configs]
            ended = [reader.finish() for reader in running]
            server_cpu = self.lab.server_cpu_s - server_cpu
        count, rows, last_at = self.stored(database)
        took_s = last_at - at
        return {"blocks_s": count / took_s, "rows_s": rows / took_s,
                "steady_blocks_s": self.steady(database),
                "reader_cpu_s_per_1000": sum(cpu for cpu, _ in ended) * 1000 / count,
                "server_cpu_s_per_1000": server_cpu * 1000 / count,
                "node_cpu_s_per_1000": node.total_cpu_s * 1000 / count,
                "peak_mib": max(peak for _, peak in ended),
                "calls_per_block": node.served[1] / count,
                "calls_per_request": node.served[1] / node.served[0],
                "node_failed": sum(reader.count("node_failed") for reader in running),
                "requests": node.served[0]}

    def measure_end_to_end(self):
        """Blocks a second by latency and number of readers."""
        cases = [(delay, readers) for readers in (1, 3) for delay in LATENCIES_MS]
        rounds = {case: [] for case in cases}
        for turn in range(self.rounds):
            for delay, readers in cases:
                blocks = (8000 if self.quick else 24000) if delay == 0 else \
                    (6000 if self.quick else 16000)
                say(f"  end to end, {delay} ms, {readers} reader(s), round {turn + 1}")
                rounds[delay, readers].append(self.end_to_end(blocks, delay, readers))
        return [{"latency_ms": delay, "readers": readers, **median_of(rounds[delay, readers])}
                for delay, readers in cases]

    def measure_closing(self):
        """A node that closes each connection after its answer and does not say so, as a steemd
        without a proxy does, beside one that keeps them."""
        cases = [(delay, closing) for delay in (0, 50) for closing in CLOSINGS_US]
        rounds = {case: [] for case in cases}
        for turn in range(self.rounds):
            for delay, closing in cases:
                blocks = 4000 if self.quick else 12000
                say(f"  closing, {delay} ms, closed after {closing} us, round {turn + 1}")
                rounds[delay, closing].append(
                    self.end_to_end(blocks, delay, close_after_us=closing))
        return [{"latency_ms": delay, "close_after_us": closing,
                 **median_of(rounds[delay, closing])} for delay, closing in cases]

    def measure_proof(self):
        """Catching up with each value of reader.proof, in turn, with SHA instructions and without."""
        cases = [(sha, delay, proof) for sha in sha_cases() for delay in (0, 100)
                 for proof in ("off", "content", "signed")]
        rounds = {case: [] for case in cases}
        for turn in range(self.rounds):
            for sha, delay, proof in cases:
                blocks = 6000 if self.quick else 24000
                say(f"  proof, {sha} SHA instructions, {delay} ms, {proof}, round {turn + 1}")
                rounds[sha, delay, proof].append(self.end_to_end(
                    blocks, delay, environment=SHA[sha], reader={"proof": proof}))
        return [{"sha": sha, "latency_ms": delay, "proof": proof, **median_of(list_),
                 "share": statistics.median(one["steady_blocks_s"] / off["steady_blocks_s"]
                                            for one, off in zip(list_, rounds[sha, delay, "off"]))}
                for (sha, delay, proof), list_ in rounds.items()]

    def measure_proof_cpu(self):
        """The CPU of decoding a block that lies in memory, and of proving it too: tells more than
        the pace does while other things run on the machine."""
        count = 4000 if self.quick else 8000
        cases = [(sha, stage) for sha in sha_cases() for stage in ("decode", "prove")]
        rounds = {case: [] for case in cases}
        with Node(self.lab, count) as node:
            for turn in range(2 * self.rounds):
                say(f"  proof_cpu, round {turn + 1}")
                for sha, stage in cases:
                    got = self.lab.program(self.lab.build / "bench" / "stages", stage, node.url, 1, count,
                                           CONNECTIONS, BATCH, environment=SHA[sha])
                    rounds[sha, stage].append(got["cpu"] / count * 1e6)
        return [{"sha": sha, "decode_us": statistics.median(rounds[sha, "decode"]),
                 "prove_us": statistics.median(rounds[sha, "prove"]),
                 "ratio": statistics.median(prove / decode for prove, decode in zip(
                     rounds[sha, "prove"], rounds[sha, "decode"]))}
                for sha in sha_cases()]

    def stages_alone(self, count):
        """One round: fetching, decoding and writing, each by itself."""
        program = self.lab.build / "bench" / "stages"
        figures = {}
        with Node(self.lab, count) as node:
            common = (node.url, 1, count, CONNECTIONS, BATCH)
            writing = (*common, WRITERS, BATCH_ROWS, BATCH_BYTES, self.lab.server.socket,
                       self.lab.fresh_database())
            for name, arguments in (("fetch", common), ("decode", common), ("write", writing)):
                server_cpu, node_cpu = self.lab.server_cpu_s, node.cpu_s
                got = self.lab.program(program, name, *arguments)
                figures[name] = self.stage(
                    count / got["seconds"], got["cpu"] / count,
                    (self.lab.server_cpu_s - server_cpu) / count,
                    (node.cpu_s - node_cpu) / count if name == "fetch" else 0)
        return figures

    @staticmethod
    def stage(blocks_s, cpu_s, server_s, node_s):
        """A line of the table of stages; the rest of the cores waits, for disk or one another."""
        return {"blocks_s": blocks_s, "cpu_us_per_block": cpu_s * 1e6,
                "server_us_per_block": server_s * 1e6, "node_us_per_block": node_s * 1e6,
                "cores_busy": blocks_s * (cpu_s + server_s + node_s)}

    def measure_stages(self):
        """Each stage alone, and the whole beside it in the same rounds."""
        count = 8000 if self.quick else 16000
        rounds = {"fetch": [], "decode": [], "write": [], "end to end": []}
        shares = []
        for turn in range(2 * self.rounds - 1):
            say(f"  stages alone, round {turn + 1}")
            whole = self.end_to_end(count, 0) if turn % 2 else None
            for name, figures in self.stages_alone(count).items():
                rounds[name].append(figures)
            whole = whole or self.end_to_end(count, 0)
            rounds["end to end"].append(self.stage(
                whole["steady_blocks_s"], whole["reader_cpu_s_per_1000"] / 1000,
                whole["server_cpu_s_per_1000"] / 1000, whole["node_cpu_s_per_1000"] / 1000))
            shares.append(whole["steady_blocks_s"] / min(
                rounds[name][-1]["blocks_s"] for name in ("fetch", "decode", "write")))
        result = [{"stage": name, **median_of(figures)} for name, figures in rounds.items()]
        # The machine is not the same in every round: each whole beside the stages of its own.
        result[-1].update(of_slowest_stage=statistics.median(shares), shares=shares)
        return result

    def one_peer(self, peer, blocks, delay_ms):
        database = self.lab.fresh_database()
        with Node(self.lab, blocks + 1, delay_ms) as node:
            server_cpu = self.lab.server_cpu_s
            got = self.lab.program(  # from block 2: hive-interface takes 0 done for "at the tip"
                "node", laboratory.TOP / "bench" / "peers.js", peer, node.url, 2, blocks + 1,
                self.lab.server.socket, database, cwd=self.lab.build / "bench" / "peers")
            server_cpu = self.lab.server_cpu_s - server_cpu
        if got["blocks"] != blocks:
            raise Failed(f"{peer} stored {got['blocks']:.0f} of {blocks} blocks")
        return {"blocks_s": got["blocks"] / got["seconds"], "rows_s": got["rows"] / got["seconds"],
                "cpu_s_per_1000": got["process_cpu"] * 1000 / blocks,
                "server_cpu_s_per_1000": server_cpu * 1000 / blocks, "peak_mib": got["peak_mib"]}

    def measure_peers(self):
        """The same job by the public libraries."""
        if not self.peers:
            return []
        latencies = (0, 100) if self.quick else LATENCIES_MS
        rounds = {}
        for turn in range(2 if self.quick else 3):
            for peer in PEERS:
                for delay in latencies:
                    blocks = 600 if delay == 0 else 200 if "hive-interface" in peer else 20
                    say(f"  {peer}, {delay} ms, round {turn + 1}")
                    rounds.setdefault((peer, delay), []).append(
                        self.one_peer(peer, blocks, delay))
        return [{"peer": peer, "latency_ms": delay, **median_of(list_)}
                for (peer, delay), list_ in rounds.items()]

    def measure_together(self):
        """One reader and three, side by side, where the node is the limit and not the database."""
        fetch = {"fetch": {"connections": 2, "batch_size": 10}}  # 200 blocks/s at 100 ms
        rounds = {1: [], 3: []}
        for turn in range(2 if self.quick else 5):
            for readers, list_ in rounds.items():
                say(f"  {readers} reader(s) with two connections, round {turn + 1}")
                list_.append(self.end_to_end(2000 * readers, 100, readers, **fetch))
        single = statistics.median(one["steady_blocks_s"] for one in rounds[1])
        return [{"readers": readers, **median_of(list_),
                 "factor": statistics.median(one["steady_blocks_s"] for one in list_) / single}
                for readers, list_ in rounds.items()]

    def measure_second_reader(self):
        """What a reader costs that comes to blocks which all stand there already."""
        blocks = 8000 if self.quick else 24000
        rounds = []
        for turn in range(self.rounds):
            say(f"  second reader, round {turn + 1}")
            database = self.lab.fresh_database()
            first = self.end_to_end(blocks, 0, database=database)
            with Node(self.lab, blocks) as node:
                server_cpu, at = self.lab.server_cpu_s, time.monotonic()
                config = self.lab.config(database, node.url, "second")
                cpu, peak = Reader(self.lab, "--once", config=config).finish()
                took_s = time.monotonic() - at
                server_cpu = self.lab.server_cpu_s - server_cpu
            rounds.append({"blocks": blocks, "seconds": took_s, "cpu_s_per_1000": cpu * 1000 / blocks,
                           "server_cpu_s_per_1000": server_cpu * 1000 / blocks, "peak_mib": peak,
                           "calls": node.served[1],
                           "first_cpu_s_per_1000": first["reader_cpu_s_per_1000"],
                           "first_server_cpu_s_per_1000": first["server_cpu_s_per_1000"]})
        return median_of(rounds)

    def measure_tail(self):
        """Latency at the tip, requests a block, what an idle daemon costs."""
        cases = [(0, 1000), (100, 1000)] if self.quick else \
            [(0, 3000), (50, 3000), (100, 3000), (150, 3000), (100, 1000)]
        count = 12 if self.quick else 110
        say(f"  tail, {count} blocks in {len(cases)} cases side by side")
        with contextlib.ExitStack() as stack:
            tails = []
            for delay, interval in cases:  # not in step with one another
                tails.append(Tail(self.lab, delay, interval, count, stack))
                time.sleep(max(interval for _, interval in cases) / 1000 / len(cases))
            time.sleep(5 + 6 * max(interval for _, interval in cases) / 1000)  # the pace is learnt
            for tail in tails:
                tail.begin()
            while not all([tail.look() for tail in tails]):
                time.sleep(0.2)
            return [tail.figures() for tail in tails]

    def measure_bot(self):
        """From the node to the bot's command, beside nothing else."""
        result = []
        for delay in (0, 100):
            count = 10 if self.quick else 40
            say(f"  bot, {count} blocks, node {delay} ms away")
            with contextlib.ExitStack() as stack:
                bot = Bot(self.lab, delay, 3000, stack)
                time.sleep(23)  # the pace is learnt
                bot.begin()
                result.append(bot.figures(count))
        return result

    def measure_poster(self):
        """A full outbox, in a few rounds; and bots that answer now and then."""
        count, rounds = 6000 if self.quick else 30000, []
        for turn in range(3):
            say(f"  poster, {count} rows, round {turn + 1}")
            rounds.append(poster.throughput(self.lab, count))
        late = []
        for delay in (0,) if self.quick else (0, 100):
            say(f"  poster, one row after another, node {delay} ms away")
            late.append(poster.latency(self.lab, delay, 100 if self.quick else 200))
        return {"throughput": {**median_of(rounds), "rounds": [one["signed_s"] for one in rounds]},
                "latency": late}

    def measure_gap_scan(self):
        """A full scan and the view `gaps` with 100 holes of three blocks."""
        result = []
        for count in (10 ** 5, 10 ** 6) + (() if self.quick else (10 ** 7,)):
            say(f"  gap scan, {count} blocks")
            database = self.lab.fresh_database()
            self.lab.rows(database, f"""
                INSERT INTO blocks (block, block_id, previous, timestamp, operations,
                stored_operations, filter_id, reader_id, committed_at)
                SELECT seq, UNHEX(SHA1(seq)), UNHEX(SHA1(seq - 1)),
                '2016-03-24 16:00:00', 31, 31, 1, 1, UTC_TIMESTAMP(6) FROM seq_1_to_{count}
                WHERE seq MOD {count // 100} NOT IN (5, 6, 7)""")
            self.lab.rows(database, "INSERT INTO ranges (first_block, last_block, scanned_to)"
                                    f" VALUES (1, NULL, {count})")
            self.lab.rows(database, f"""
                INSERT INTO known_gaps (first_block, last_block, found_at)
                SELECT seq, seq + 2, UTC_TIMESTAMP(6)
                FROM seq_5_to_{count}_step_{count // 100}""")
            self.lab.rows(database, f"""
                INSERT INTO readers (name, session, state, irreversible_block, version, started_at,
                heartbeat_at) VALUES ('x', 'x', 'tailing', {count + 20}, 'x', UTC_TIMESTAMP(6),
                UTC_TIMESTAMP(6))""")
            scans, views = [], []
            for _ in range(self.rounds):
                config = self.lab.config(database, "http://127.0.0.1:9/", "gaps")
                at = time.monotonic()
                _, peak = Reader(self.lab, "--gaps", "--json", config=config).finish()
                scans.append({"scan_s": time.monotonic() - at, "scan_peak_mib": peak})
                views.append(self.time_view(database))
            result.append({"blocks": count, **median_of(scans),
                           "view_ms": statistics.median(views) * 1000})
        return result

    def time_view(self, database):
        connection = self.lab.server.connect(database)
        with connection.cursor() as cursor:
            at = time.monotonic()
            cursor.execute("SELECT * FROM gaps")
            if len(cursor.fetchall()) < 100:
                raise Failed("the view gaps does not show the holes")
            took_s = time.monotonic() - at
        connection.close()
        return took_s

    def grow(self, database, have, step):
        """Read `step` more blocks into a database that holds `have`."""
        whole = self.end_to_end(have + step, 0, database=database)
        times = [float(at) for at, in self.lab.rows(
            database, "SELECT UNIX_TIMESTAMP(committed_at) FROM blocks WHERE block > %s"
                      " ORDER BY committed_at", have)]
        share = (have + step) / step
        return {"steady_blocks_s": step * 0.8 / (times[step * 9 // 10] - times[step // 10]),
                "server_cpu_s_per_1000": whole["server_cpu_s_per_1000"] * share}

    def measure_growth(self):
        """The same stretch into a small and into a large table, in turn."""
        step = 6000
        per_block = sum(self.operations) / len(self.operations)
        tables, rounds = {}, {}
        for size in (10 ** 5, 10 ** 6) if self.quick else (10 ** 5, 10 ** 7):
            say(f"  growth, filling {size} rows")
            tables[size] = [self.lab.fresh_database(keep=True), int(size / per_block)]
            self.end_to_end(tables[size][1], 0, database=tables[size][0])
        for turn in range(self.rounds):
            for size, table in tables.items():
                say(f"  growth, {size} rows, round {turn + 1}")
                rounds.setdefault(size, []).append(self.grow(*table, step))
                table[1] += step
        return [{"rows": size, **median_of(list_)} for size, list_ in rounds.items()]

    def measure_queue_rules(self):
        """What two rules with a queue cost the reader: catching up with and without, in turn. Once
        rules as a bot's, of which few operations are; once such that a seventh of all is delivered."""
        rest = {"name": "rest"}
        cases = {"none": {}, "few": {"filter": (
            {"operation": "transfer", "memo_prefix": "!ask", "queue": "pay"},
            {"operation": "comment", "body_contains": "question", "queue": "ask"}, rest)},
            "many": {"filter": ({"operation": "transfer", "queue": "pay"},
                                {"operation": "comment", "queue": "ask"}, rest)}}
        rounds, delivered, blocks = {name: [] for name in cases}, {}, 8000
        for turn in range(2 * self.rounds - 1):
            for name, sections in cases.items():
                say(f"  queue rules: {name}, round {turn + 1}")
                database = self.lab.fresh_database()
                rounds[name].append(self.end_to_end(blocks, 0, database=database, **sections))
                delivered[name] = self.lab.rows(database, "SELECT COUNT(*) FROM delivered")[0][0]
        found = [{"rules": name, "delivered_per_block": delivered[name] / blocks, **median_of(list_),
                  "share": statistics.median(
                      one["steady_blocks_s"] / none["steady_blocks_s"]
                      for none, one in zip(rounds["none"], list_))}
                 for name, list_ in rounds.items()]
        return found

    def measure_queue(self):
        """Claims beside the usual loop; and with a transaction open that still sees all of them."""
        sizes = claims.SIZES[:2] if self.quick else claims.SIZES
        return {"cases": claims.measure(self.lab, sizes, say),
                "snapshot": claims.measure_snapshot(self.lab, say)}

    def one_setting(self, lab, count, table):
        """Bulk writing on another server: figures, and what the rows take on disk."""
        lab.corpus.write_bytes(self.lab.corpus.read_bytes())
        with Node(lab, count) as node:
            database = lab.fresh_database()
            if table:
                lab.rows(database, f"ALTER TABLE blockchain {table}")
            server_cpu = lab.server_cpu_s
            got = lab.program(lab.build / "bench" / "stages", "write", node.url, 1, count,
                              CONNECTIONS, BATCH, WRITERS, BATCH_ROWS, BATCH_BYTES,
                              lab.server.socket, database)
            lab.rows(database, "FLUSH TABLES blockchain FOR EXPORT")  # every page is on disk
            server_cpu = lab.server_cpu_s - server_cpu
        size = os.stat(lab.server.data / database / "blockchain.ibd").st_blocks * 512
        return {"blocks_s": count / got["seconds"],
                "server_us_per_row": server_cpu * 1e6 / got["rows"],
                "disk_bytes_per_row": size / got["rows"]}

    def database_lab(self, name):
        """A server of its own, with the corpus and the build that the case names."""
        own_library, own_server, settings = DATABASES[name]
        lab = laboratory.Lab(self.lab.build / "mysqlclient" if own_library else self.lab.build, settings,
                             servers.MySQL if own_server else servers.MariaDB)
        lab.corpus.write_bytes(self.lab.corpus.read_bytes())
        return lab

    def one_database(self, lab, count):
        """The whole at 0 ms and the write stage alone, on another server."""
        whole = Bench(lab, self.quick, False).end_to_end(count, 0)
        alone = self.one_setting(lab, count, "")
        return {"end_to_end_blocks_s": whole["steady_blocks_s"], "write_blocks_s": alone["blocks_s"],
                "server_us_per_row": alone["server_us_per_row"],
                "server_cpu_s_per_1000": whole["server_cpu_s_per_1000"],
                "reader_cpu_s_per_1000": whole["reader_cpu_s_per_1000"]}

    def measure_databases(self):
        """MariaDB and MySQL, each with the client libraries that are there, in turn."""
        os.environ.setdefault("MYSQL_TOOLS", str(self.lab.build / "mysql"))
        if not servers.available(servers.MySQL):
            raise Skipped(servers.MySQL.missing)
        cases = [name for name, (own_library, _, _) in DATABASES.items()
                 if not own_library or (self.lab.build / "mysqlclient/bench/stages").exists()]
        if len(cases) < len(DATABASES):
            say("  MySQL's library left out: no bench/stages in mysqlclient (tests/run-mysql.sh makes the folder)")
        count, rounds = 4000 if self.quick else 12000, {name: [] for name in cases}
        for turn in range(self.rounds):
            for name in cases:
                say(f"  databases: {name}, round {turn + 1}")
                with contextlib.closing(self.database_lab(name)) as lab:
                    rounds[name].append(self.one_database(lab, count))
        ratios = {name: {f"{key}_ratio": statistics.median(
            one[key] / first[key] for one, first in zip(list_, rounds["MariaDB"]))
            for key in ("end_to_end_blocks_s", "write_blocks_s", "server_us_per_row")}
            for name, list_ in rounds.items()}
        return [{"database": name, **median_of(list_), **ratios[name]} for name, list_ in rounds.items()]

    def measure_settings(self):
        """The write stage alone on servers that are set up otherwise."""
        count, rounds = 8000 if self.quick else 16000, {}
        for turn in range(self.rounds):
            for name, (settings, table) in SETTINGS.items():
                say(f"  settings: {name}, round {turn + 1}")
                lab = laboratory.Lab(self.lab.build, settings)
                try:
                    rounds.setdefault(name, []).append(self.one_setting(lab, count, table))
                finally:
                    lab.close()
        return [{"setting": name, **median_of(list_)} for name, list_ in rounds.items()]


PARTS = {"end_to_end": Bench.measure_end_to_end, "closing": Bench.measure_closing,
         "proof": Bench.measure_proof, "proof_cpu": Bench.measure_proof_cpu,
         "stages": Bench.measure_stages, "peers": Bench.measure_peers,
         "together": Bench.measure_together,
         "second_reader": Bench.measure_second_reader,
         "tail": Bench.measure_tail, "bot": Bench.measure_bot, "poster": Bench.measure_poster, "gap_scan": Bench.measure_gap_scan,
         "growth": Bench.measure_growth, "queue": Bench.measure_queue,
         "queue_rules": Bench.measure_queue_rules,
         "settings": Bench.measure_settings, "databases": Bench.measure_databases}


def find_peers(build, wish):
    """Whether the peers can run: installed before, or now if asked for."""
    folder = build / "bench" / "peers"
    if not servers.find("node"):
        return "skipped: there is no node (Node.js) here"
    if all((folder / "node_modules" / peer).is_dir() for peer in (*PEERS, "mysql2")):
        return ""
    if not wish:
        return "skipped: not installed; `make bench BENCH_PEERS=1` fetches them with npm"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n')
    done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", *PEERS, "mysql2"],
                          cwd=folder, capture_output=True, text=True)
    return "" if done.returncode == 0 else "skipped: npm failed: " + done.stderr[-300:]


def machine():
    """What the figures depend on."""
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                if line.startswith("model name")), platform.machine())
    return {"cpu": cpu, "cores": os.cpu_count(), "load": os.getloadavg()[0],
            "system": platform.platform(), "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime())}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=".", help="where steem-reader and bench/ were built")
    parser.add_argument("--quick", action="store_true", help="two minutes instead of half an hour")
    parser.add_argument("--peers", action="store_true", help="install the peers with npm")
    parser.add_argument("--only", default="", help=",".join(PARTS))
    parser.add_argument("--output", default="bench-results", help="for .json and .svg")
    options = parser.parse_args()
    build = pathlib.Path(options.build).resolve()
    no_peers = find_peers(build, options.peers)
    lab = laboratory.Lab(build)
    try:
        bench = Bench(lab, options.quick, not no_peers)
        results = {"machine": machine(), "quick": options.quick, "chain": bench.name,
                   "server": lab.server.execute("SELECT VERSION()")[0][0],
                   "server_settings": laboratory.SERVER, "peers_note": no_peers,
                   "operations_per_block": statistics.mean(bench.operations),
                   "bytes_per_block": statistics.mean(bench.bytes)}
        for part in filter(None, options.only.split(",")) if options.only else PARTS:
            say(f"{part} (load {os.getloadavg()[0]:.1f})")
            try:
                results[part] = PARTS[part](bench)
            except Skipped as reason:
                results.setdefault("skipped", {})[part] = str(reason)
            except Failed as failure:
                say(f"  failed: {failure}")
                results.setdefault("failed", {})[part] = str(failure)
    finally:
        lab.close()
    pathlib.Path(options.output + ".json").write_text(json.dumps(results, indent=1) + "\n")
    if "end_to_end" in results:
        pathlib.Path(options.output + ".svg").write_text(report.plot(results))
    print(report.table(results))
    return 1 if "failed" in results else 0


if __name__ == "__main__":
    sys.exit(main())
