#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the figures of doc/performance.md: bench/page.py RESULTS.json PAGE.md

What stands between `<!-- bench: NAME -->` and `<!-- bench end -->` is replaced by that part
of the results; parts that were not measured stay as they are.  The plot beside RESULTS.json
goes beside PAGE.md.
"""

import json
import pathlib
import re
import shutil
import sys

from report import closing_words, number

SETTINGS = {"as above": "as above", "buffer pool 128 MB": "`innodb_buffer_pool_size` 128 MB",
            "redo log 1 GB": "`innodb_log_file_size` 1 GB",
            "flush at commit 2": "`innodb_flush_log_at_trx_commit = 2`",
            "PAGE_COMPRESSED=1": "`PAGE_COMPRESSED=1` on `blockchain`"}


def table(heads, lines):
    return "\n".join("| " + " | ".join(map(str, cells)) + " |"
                     for cells in (heads, ["---"] * len(heads), *lines))


def machine(results):
    place = results["machine"]
    date = place["date"].split()[0]
    return (f"Measured on {date} in one run{' (the quick one)' if results['quick'] else ''} on "
            f"**{place['cores']} cores** ({place['cpu']}, {place['system']},\n"
            f"{'MariaDB' if 'MariaDB' in results['server'] else 'MySQL'} "
            f"{results['server'].split('-')[0]}"
            f", load at the start {place['load']:.1f}) that the database server, the simulated node "
            f"and the readers share.\nBlocks: {results['chain']}, cycled and linked: "
            f"{results['operations_per_block']:.1f} operations and "
            f"{results['bytes_per_block'] / 1000:.1f} kB each.")


def end_to_end(results):
    cases = {(one["latency_ms"], one["readers"]): one for one in results["end_to_end"]}
    lines = [[f"{delay} ms",
              f"{number(cases[delay, 1]['blocks_s'])} ({number(cases[delay, 1]['steady_blocks_s'])})",
              number(cases[delay, 1]["rows_s"]),
              f"{number(cases[delay, 3]['blocks_s'])} ({number(cases[delay, 3]['steady_blocks_s'])})",
              number(cases[delay, 3]["calls_per_block"], 2)]
             for delay in sorted({delay for delay, _ in cases})]
    peaks = [one["peak_mib"] for one in results["end_to_end"]]
    return (table(["node at", "1 reader, blocks/s (steady)", "rows/s",
                   "3 readers, blocks/s (steady)", "calls a block"], lines)
            + f"\n\nPeak memory of a reader: {min(peaks):.0f} to {max(peaks):.0f} MiB.")


def closing(results):
    lines = [[f"{one['latency_ms']} ms", closing_words(one),
              f"{number(one['blocks_s'])} ({number(one['steady_blocks_s'])})",
              number(one["calls_per_request"], 1), number(one["node_failed"])]
             for one in results["closing"]]
    return table(["node at", "connections", "blocks/s (steady)", "calls a request", "`node_failed`"],
                 lines)


def peers(results):
    ours = {one["latency_ms"]: one["blocks_s"] for one in results["end_to_end"]
            if one["readers"] == 1}
    found = {}
    for one in results["peers"]:
        found.setdefault(one["peer"], {})[one["latency_ms"]] = one["blocks_s"]
    delays = sorted(ours.keys() & {one["latency_ms"] for one in results["peers"]})
    heads = ["library"] + [text for delay in delays for text in (f"node at {delay} ms", "ours")]
    lines = [[f"`{peer}`" + (" (10 at once)" if "hive-interface" in peer else "")]
             + [text for delay in delays
                for text in (number(got[delay], 0 if got[delay] > 100 else 1),
                             f"{ours[delay] / got[delay]:.{0 if delay else 1}f} ×")]
             for peer, got in found.items()]
    return table(heads, lines)


def second_reader(results):
    one = results["second_reader"]
    return (f"A second reader that comes to {number(one['blocks'])} blocks which all stand there: "
            f"{one['seconds']:.2f} s, {one['calls']:.0f} calls, nothing fetched.")


def stages(results):
    lines = [[one["stage"], number(one["blocks_s"]), number(one["cpu_us_per_block"]),
              number(one["server_us_per_block"]), number(one["node_us_per_block"]),
              number(one["cores_busy"], 2)] for one in results["stages"]]
    whole = results["stages"][-1]
    shares = ", ".join(f"{share:.0%}" for share in sorted(whole["shares"]))
    return (table(["stage alone, node at 0 ms", "blocks/s", "our CPU, µs a block", "server's",
                   "node's", "cores busy"], lines)
            + f"\n\nEnd to end reached **{whole['of_slowest_stage']:.0%}** of the slowest stage "
              f"alone, the median of {len(whole['shares'])} rounds ({shares}).")


def proof(results):
    lines = [[f"`{one['proof']}`", one["sha"], f"{one['latency_ms']} ms", number(one["steady_blocks_s"]), f"{one['share']:.0%}",
              number(one["reader_cpu_s_per_1000"] * 1000)] for one in results["proof"]]
    return table(["`reader.proof`", "SHA instructions", "node at", "blocks/s, steady", "of the pace with `off`",
                  "our CPU, µs a block"], lines)


def proof_cpu(results):
    lines = [[one["sha"], number(one["decode_us"]), number(one["prove_us"]), f"{one['ratio']:.2f}"]
             for one in results["proof_cpu"]]
    return table(["SHA instructions", "decoded, µs a block", "decoded and proved", "ratio"], lines)


def tail(results):
    lines = [[f"{one['latency_ms']} ms", f"{one['interval_ms'] / 1000:.0f} s", one["blocks"],
              *(number(one[key]) for key in ("p50_ms", "p90_ms", "p99_ms", "max_ms")),
              number(one["requests_per_block"], 2), f"{one['cpu_of_a_core']:.2%}",
              f"{one['resident_mib']:.1f} MiB"] for one in results["tail"]]
    return table(["node at", "a block every", "blocks", "p50", "p90", "p99", "worst",
                  "requests a block", "CPU of a core", "resident"], lines)


def gap_scan(results):
    lines = [[number(one["blocks"]), f"{one['scan_s']:.2f} s", f"{one['scan_peak_mib']:.1f} MiB",
              f"{one['view_ms']:.1f} ms"] for one in results["gap_scan"]]
    return table(["blocks", "full scan (`--gaps`, whole process)", "peak memory", "view `gaps`"],
                 lines)


def growth(results):
    small, large = results["growth"][0], results["growth"][-1]
    lines = [[number(one["rows"]), number(one["steady_blocks_s"]),
              number(one["server_cpu_s_per_1000"], 3)] for one in results["growth"]]
    share = large["steady_blocks_s"] / small["steady_blocks_s"]
    return (table(["rows in `blockchain`", "blocks/s, steady", "server CPU, s per 1,000 blocks"],
                  lines) + f"\n\nThe large table takes rows at {share:.0%} of the pace of the small.")


def settings(results):
    lines = [[SETTINGS[one["setting"]], number(one["blocks_s"]),
              number(one["server_us_per_row"], 1), number(one["disk_bytes_per_row"])]
             for one in results["settings"]]
    return table(["setting", "blocks/s", "server's CPU, µs a row", "bytes on disk a row"], lines)


def databases(results):
    lines = [[one["database"], f"{number(one['end_to_end_blocks_s'])} ({one['end_to_end_blocks_s_ratio']:.2f})",
              f"{number(one['write_blocks_s'])} ({one['write_blocks_s_ratio']:.2f})",
              f"{number(one['server_us_per_row'], 1)} ({one['server_us_per_row_ratio']:.2f})"]
             for one in results["databases"]]
    return table(["server, with its own library", "end to end, blocks/s, steady (of MariaDB's)",
                  "write stage alone", "server's CPU, µs a row"], lines)


def bot(results):
    lines = [[f"{one['latency_ms']} ms", one["deliveries"],
              f"{one['stored_p50_ms']:.0f} ms", f"**{one['p50_ms']:.0f} ms**",
              f"{one['p90_ms']:.0f} ms", f"{one['max_ms']:.0f} ms"] for one in results["bot"]]
    return table(["latency of the node", "deliveries", "block stored, p50", "command started, p50", "p90",
                  "longest"], lines)


def poster(results):
    whole = results["poster"]["throughput"]
    lines = [[f"{one['latency_ms']} ms", one["rows"], f"**{one['p50_ms']:.0f} ms**", f"{one['p90_ms']:.0f} ms",
              f"{one['max_ms']:.0f} ms"] for one in results["poster"]["latency"]]
    return (f"**{number(whole['signed_s'])} rows/s** are signed and committed (median of "
            + ", ".join(map(number, sorted(whole["rounds"])))
            + f"); the node has\nreceived {number(whole['received_s'])} a second. CPU of a row: "
              f"{number(whole['poster_us_per_row'])} µs of the poster, {number(whole['server_us_per_row'])} µs of "
              f"the\ndatabase server, {number(whole['node_us_per_row'])} µs of the simulated node; "
              f"{whole['sends_per_row']:.1f} sends a row.\n\n"
            + table(["latency of the node", "rows", "received after, p50", "p90", "longest"], lines))


def queue(results):
    lines = [[number(one["ready"]), one["workers"], one["batch"], number(one["ours_per_s"]),
              f"{one['ours_p50_ms']:.1f} / {one['ours_p99_ms']:.1f}", number(one["theirs_per_s"]),
              f"{one['theirs_p50_ms']:.1f} / {one['theirs_p99_ms']:.1f}"]
             for one in results["queue"]["cases"]]
    for part, words in (("first", "first 5 s of a long snapshot"), ("last", "after 15 s of it")):
        lines.append([words, 8, 10, number(results["queue"]["snapshot"][f"ours_{part}_per_s"]), "",
                      number(results["queue"]["snapshot"][f"theirs_{part}_per_s"]), ""])
    return table(["ready", "workers", "batch", "`queue_claim`, deliveries/s", "ms a claim, p50 / p99",
                  "`SKIP LOCKED` loop, rows/s", "ms a claim, p50 / p99"], lines)


def queue_rules(results):
    lines = [[one["rules"], number(one["delivered_per_block"], 2), number(one["steady_blocks_s"]),
              f"{one['share']:.0%}"] for one in results["queue_rules"]]
    return table(["two rules with a queue, that keep", "deliveries a block", "blocks/s, steady",
                  "of the pace without"], lines)


PARTS = (machine, end_to_end, closing, proof, proof_cpu, peers, second_reader, stages, tail, bot, poster, gap_scan, growth,
         queue, queue_rules, settings, databases)


def main(results_path, page_path):
    results = json.loads(pathlib.Path(results_path).read_text())
    page = pathlib.Path(page_path)
    text = page.read_text()
    for part in PARTS:
        needs = {"peers": {"peers", "end_to_end"}}.get(part.__name__, {part.__name__})
        if not all(results.get(need) for need in needs):
            print(f"{part.__name__}: not measured, left as it is")
            continue
        block = f"<!-- bench: {part.__name__} -->\n{part(results)}\n<!-- bench end -->"
        text, count = re.subn(rf"<!-- bench: {part.__name__} -->\n.*?<!-- bench end -->",
                              lambda _, block=block: block, text, flags=re.S)
        if count != 1:
            sys.exit(f"{page}: it has {count} places for {part.__name__}")
    page.write_text(text)
    plot = pathlib.Path(results_path).with_suffix(".svg")
    if plot.exists() and results.get("end_to_end"):
        shutil.copyfile(plot, page.with_suffix(".svg"))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
