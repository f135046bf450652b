# SPDX-License-Identifier: MIT
"""The results as text and as a plot."""

import math


def rows(title, heads, lines):
    """A table of aligned columns."""
    cells = [list(map(str, line)) for line in lines]
    widths = [max(len(row[i]) for row in [heads, *cells]) for i in range(len(heads))]
    form = "  ".join(f"{{:{'<' if i == 0 else '>'}{width}}}" for i, width in enumerate(widths))
    return "\n".join([title, *("  " + form.format(*row) for row in [heads, *cells]), ""])


def number(value, digits=0):
    return f"{value:,.{digits}f}"


def end_to_end(results):
    lines = [[f"{one['latency_ms']} ms, {one['readers']} reader(s)", number(one["blocks_s"]),
              number(one["steady_blocks_s"]), number(one["rows_s"]),
              number(one["reader_cpu_s_per_1000"], 3), number(one["server_cpu_s_per_1000"], 3),
              number(one["peak_mib"], 1), number(one["calls_per_block"], 2)]
             for one in results["end_to_end"]]
    return rows("End to end: readers on an empty database (blocks/s with start-up; steady without)",
                ["node at", "blocks/s", "steady", "rows/s", "reader CPU s/1000",
                 "server CPU s/1000", "peak MiB", "calls/block"], lines)


def closing_words(one):
    after_us = one["close_after_us"]
    return "kept" if after_us is None else f"closed after {after_us / 1000:g} ms"


def closing(results):
    lines = [[f"{one['latency_ms']} ms, {closing_words(one)}", number(one["blocks_s"]),
              number(one["steady_blocks_s"]), number(one["calls_per_request"], 1),
              number(one["node_failed"])] for one in results["closing"]]
    return rows("A node that closes each connection after its answer, unsaid",
                ["node at, connections", "blocks/s", "steady", "calls/request", "node_failed"], lines)


def stages(results):
    lines = [[one["stage"], number(one["blocks_s"]), number(one["cpu_us_per_block"], 1),
              number(one["server_us_per_block"], 1), number(one["node_us_per_block"], 1),
              number(one["cores_busy"], 2),
              f"{one['of_slowest_stage']:.0%}" if "of_slowest_stage" in one else ""]
             for one in results["stages"]]
    return rows("Each stage alone, node at 0 ms (last column: median of each round's share)",
                ["stage", "blocks/s", "our CPU us/block", "server's", "node's", "cores busy",
                 "of the slowest stage"], lines)


def peers(results):
    if not results["peers"]:
        return f"Peers: {results['peers_note']}\n"
    ours = {one["latency_ms"]: one["blocks_s"] for one in results.get("end_to_end", [])
            if one["readers"] == 1}
    lines = []
    for one in sorted(results["peers"], key=lambda one: one["latency_ms"]):
        factor = ours.get(one["latency_ms"], math.nan) / one["blocks_s"]
        lines.append([f"{one['peer']}, {one['latency_ms']} ms", number(one["blocks_s"], 1),
                      number(one["rows_s"]), number(one["cpu_s_per_1000"], 3),
                      number(one["server_cpu_s_per_1000"], 3), number(one["peak_mib"], 1),
                      f"{factor:.1f} x"])
    return rows("Peers, one multi-row INSERT IGNORE a block (last column: ours against it)",
                ["library, node at", "blocks/s", "rows/s", "CPU s/1000", "server CPU s/1000",
                 "peak MiB", "ours"], lines)


def together(results):
    lines = [[f"{one['readers']} reader(s)", number(one["blocks_s"]),
              number(one["steady_blocks_s"]), f"{one['factor']:.2f}",
              number(one["calls_per_block"], 2)]
             for one in results["together"]]
    return rows("Readers together: node at 100 ms, two connections of ten blocks each",
                ["", "blocks/s", "steady", "times one", "calls/block"], lines)


def second_reader(results):
    one = results["second_reader"]
    return rows(f"A second reader on the same {one['blocks']:.0f} blocks",
                ["", "seconds", "CPU s/1000", "server CPU s/1000", "calls"],
                [["the first", "", number(one["first_cpu_s_per_1000"], 4),
                  number(one["first_server_cpu_s_per_1000"], 4), ""],
                 ["the second", number(one["seconds"], 2), number(one["cpu_s_per_1000"], 4),
                  number(one["server_cpu_s_per_1000"], 4), number(one["calls"])]])


def proof(results):
    lines = [[one["proof"], one["sha"], one["latency_ms"], number(one["blocks_s"]), number(one["steady_blocks_s"]),
              f"{one['share']:.0%}", number(one["reader_cpu_s_per_1000"], 4)] for one in results["proof"]]
    return rows("What reader.proof costs (share: medians of each round's, against off)",
                ["proof", "SHA instructions", "node at ms", "blocks/s", "steady", "of off", "CPU s/1000"], lines)


def proof_cpu(results):
    lines = [[one["sha"], number(one["decode_us"], 1), number(one["prove_us"], 1), f"{one['ratio']:.2f}"]
             for one in results["proof_cpu"]]
    return rows("CPU of a block in memory, us",
                ["SHA instructions", "decoded", "decoded and proved", "ratio"], lines)


def tail(results):
    lines = [[f"{one['latency_ms']} ms, every {one['interval_ms']} ms", one["blocks"],
              *(number(one[key]) for key in ("p50_ms", "p90_ms", "p99_ms", "max_ms")),
              number(one["requests_per_block"], 2), f"{one['cpu_of_a_core']:.3%}",
              number(one["resident_mib"], 1)] for one in results["tail"]]
    return rows("Tail: ms from readable at the node to committed",
                ["node at", "blocks", "p50", "p90", "p99", "max", "requests/block",
                 "CPU of a core", "resident MiB"], lines)


def gap_scan(results):
    lines = [[number(one["blocks"]), number(one["scan_s"], 2), number(one["scan_peak_mib"], 1),
              number(one["view_ms"], 1)] for one in results["gap_scan"]]
    return rows("Gap scan (the whole of steem-reader --gaps) and the view gaps",
                ["blocks", "scan s", "peak MiB", "view ms"], lines)


def growth(results):
    lines = [[number(one["rows"]), number(one["steady_blocks_s"]),
              number(one["server_cpu_s_per_1000"], 3)]
             for one in results["growth"]]
    return rows("Throughput by the size of the table blockchain",
                ["rows in it", "blocks/s, steady", "server CPU s/1000"], lines)


def settings(results):
    lines = [[one["setting"], number(one["blocks_s"]), number(one["server_us_per_row"], 2),
              number(one["disk_bytes_per_row"])] for one in results["settings"]]
    return rows("Settings of the server: the write stage alone, all pages flushed at the end",
                ["setting", "blocks/s", "server CPU us/row", "bytes on disk/row"], lines)


def databases(results):
    lines = [[one["database"], number(one["end_to_end_blocks_s"]), f"{one['end_to_end_blocks_s_ratio']:.2f}",
              number(one["write_blocks_s"]), f"{one['write_blocks_s_ratio']:.2f}",
              number(one["server_us_per_row"], 2), f"{one['server_us_per_row_ratio']:.2f}"]
             for one in results["databases"]]
    return rows("Databases, node at 0 ms (ratios: medians of each round's, against MariaDB)",
                ["server, with its own library", "blocks/s, steady", "ratio", "write alone", "ratio",
                 "server CPU us/row", "ratio"], lines)


def bot(results):
    lines = [[one["latency_ms"], one["deliveries"], number(one["stored_p50_ms"]), number(one["p50_ms"]), number(one["p90_ms"]),
              number(one["max_ms"])] for one in results["bot"]]
    return rows("From a block that the node can give to the bot's command, ms",
                ["node latency", "deliveries", "block stored, p50", "command, p50", "p90", "max"], lines)


def poster(results):
    whole = results["poster"]["throughput"]
    lines = [[one["latency_ms"], one["rows"], number(one["p50_ms"]), number(one["p90_ms"]), number(one["max_ms"])]
             for one in results["poster"]["latency"]]
    return rows(f"steem-poster: {whole['rows']:.0f} custom_json that wait, node at 0 ms (median of "
                + ", ".join(map(number, whole["rounds"])) + ")",
                ["signed/s", "received/s", "poster CPU us/row", "server's", "node's", "sends/row"],
                [[number(whole[key], digits) for key, digits in (
                    ("signed_s", 0), ("received_s", 0), ("poster_us_per_row", 0), ("server_us_per_row", 0),
                    ("node_us_per_row", 0), ("sends_per_row", 2))]]) + rows(
        "From the COMMIT of queue_done to the node, ms", ["node latency", "rows", "p50", "p90", "max"], lines)


def queue(results):
    """Ours and the usual loop."""
    lines = [[number(one["ready"]), one["workers"], one["batch"]]
             + [number(one[f"{who}_{key}"], digits) for who in ("ours", "theirs")
                for key, digits in (("per_s", 0), ("p50_ms", 1), ("p99_ms", 1))]
             for one in results["queue"]["cases"]]
    snapshot = results["queue"]["snapshot"]
    return rows("The queue: deliveries claimed and done a second, ms a claim; and a SKIP LOCKED loop",
                ["ready", "workers", "batch", "1/s", "p50 ms", "p99 ms", "loop 1/s", "p50", "p99"],
                lines) + "behind a long snapshot, first and last 5 s of 20: " + ", ".join(
                    f"{who} {number(snapshot[f'{who}_first_per_s'])} -> "
                    f"{number(snapshot[f'{who}_last_per_s'])}/s" for who in ("ours", "theirs")) + "\n"


def queue_rules(results):
    lines = [[one["rules"], number(one["delivered_per_block"], 2), number(one["steady_blocks_s"]),
              f"{one['share']:.0%}"] for one in results["queue_rules"]]
    return rows("Catching up with two rules that have a queue",
                ["rules", "deliveries/block", "blocks/s, steady", "of none"], lines)


def table(results):
    """All of it, as text."""
    place = results["machine"]
    text = [f"{place['date']} UTC, {place['cores']} cores, {place['cpu']}, {place['system']}",
            f"server {results['server']}, "
            + ", ".join(f"{key} {value}" for key, value in results["server_settings"].items()),
            f"{results['chain']}: {results['operations_per_block']:.1f} operations and "
            f"{results['bytes_per_block'] / 1000:.1f} kB a block", ""]
    for part in (end_to_end, closing, proof, proof_cpu, stages, peers, together, second_reader, tail, bot, poster, gap_scan, growth,
                 queue, queue_rules, settings, databases):
        if part.__name__ in results:
            text.append(part(results))
    for part, why in results.get("skipped", {}).items():
        text.append(f"{part} skipped: {why}\n")
    for part, why in results.get("failed", {}).items():
        text.append(f"{part} FAILED: {why}\n")
    return "\n".join(text)


# The plot: blocks a second against latency, on a logarithmic axis.
WIDTH, HEIGHT, LEFT, RIGHT, UP, DOWN = 720, 420, 70, 220, 40, 50
COLOURS = ("#0b6e4f", "#08a045", "#c1121f", "#e07a5f", "#7b5ea7", "#3d5a80")


def series(results):
    lines = {}
    for one in results["end_to_end"]:
        plural = "s" if one["readers"] > 1 else ""
        lines.setdefault(f"steem-reader, {one['readers']} reader{plural}", []).append(
            (one["latency_ms"], one["blocks_s"]))
    for one in results.get("peers", []):
        lines.setdefault(one["peer"], []).append((one["latency_ms"], one["blocks_s"]))
    return lines


def plot(results):
    """An SVG drawing."""
    lines = series(results)
    right = max(x for points in lines.values() for x, _ in points) or 1
    values = [y for points in lines.values() for _, y in points]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def place(x, y):
        return (LEFT + (WIDTH - LEFT - RIGHT) * x / right,
                HEIGHT - DOWN - (HEIGHT - UP - DOWN) * (math.log10(y) - low) / (high - low))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="22" font-size="15">Blocks a second against the latency of the '
           f'node ({results["machine"]["date"][:10]})</text>']
    for power in range(low, high + 1):
        x, y = place(0, 10 ** power)
        out.append(f'<path d="M{x} {y:.1f}H{WIDTH - RIGHT}" stroke="#ccc"/>'
                   f'<text x="{x - 8}" y="{y + 4:.1f}" text-anchor="end">{10 ** power:,}</text>')
    for x_value in sorted({x for points in lines.values() for x, _ in points}):
        x, y = place(x_value, 10 ** low)
        out.append(f'<text x="{x:.1f}" y="{y + 20:.1f}" text-anchor="middle">{x_value} ms</text>')
    for i, (name, points) in enumerate(lines.items()):
        colour = COLOURS[i % len(COLOURS)]
        spots = [place(x, y) for x, y in sorted(points)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
        out.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in spots]
        y = UP + 20 * i + 10
        out.append(f'<path d="M{WIDTH - RIGHT + 20} {y}h20" stroke="{colour}" stroke-width="3"/>'
                   f'<text x="{WIDTH - RIGHT + 46}" y="{y + 4}" font-size="12">{name}</text>')
    return "\n".join([*out, "</svg>", ""])
