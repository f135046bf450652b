"""The auditor: tables against chain, row for row.

    audit(db, chain, [(1, 500)], rules=[...], missing={17})

Nothing missing, nothing twice, nothing extra, links whole, counts right, every column of every
operation as expect.py reads it, and the view `gaps` says exactly what is missing.
"""

from . import expect

MAX_FINDINGS = 12
BLOCKS = ("SELECT block, LOWER(HEX(block_id)), LOWER(HEX(previous)), timestamp, operations,"
          " stored_operations, filter_id, reader_id, committed_at FROM blocks ORDER BY block")
OPERATIONS = ("SELECT block, trx_in_block, op_in_trx, virtual_op, trx_id, timestamp, operation,"
              " account, CAST(payload AS BINARY) FROM blockchain"
              " ORDER BY block, trx_in_block, op_in_trx, virtual_op")


class AuditError(AssertionError):
    """The tables are not what the chain says."""


class Findings(list):
    """What is wrong, in words; counts beyond the first few of them."""

    def note(self, text):
        self.append(text)

    def done(self):
        if self:
            shown = "\n  ".join(self[:MAX_FINDINGS])
            rest = len(self) - MAX_FINDINGS
            more = f"\n  ... and {rest} more" if rest > 0 else ""
            raise AuditError(f"the audit found {len(self)} mistakes:\n  {shown}{more}")


def rows(db, statement, *args):
    with db.cursor() as cursor:
        cursor.execute(statement, args)
        return cursor.fetchall()


def numbers(ranges):
    """[(1, 3), 7] to {1, 2, 3, 7}."""
    found = set()
    for item in ranges:
        first, last = (item, item) if isinstance(item, int) else item
        found.update(range(int(first), int(last) + 1))
    return found


def spans(found):
    """{1, 2, 3, 7} to "1-3, 7"."""
    parts, ordered = [], sorted(found)
    start = None
    for index, number in enumerate(ordered):
        start = number if start is None else start
        if index + 1 == len(ordered) or ordered[index + 1] != number + 1:
            parts.append(f"{start}" if start == number else f"{start}-{number}")
            start = None
    return ", ".join(parts[:10]) + (f" ... ({len(parts)} in all)" if len(parts) > 10 else "")


def audit(db, chain, ranges, rules=None, missing=(), allow_missing=(), gaps=True, rules_at=None):
    """Compare; raises AuditError.

    ranges: what must be there, as (first, last) or numbers; missing: of these, what must not be;
    allow_missing: what may or may not be. gaps=False leaves the view alone. rules_at(n): the
    rules under which block n was stored, where they changed.
    """
    findings = Findings()
    wanted, missing, allowed = numbers(ranges), numbers(missing), numbers(allow_missing)
    stored = {}
    for row in rows(db, BLOCKS):
        if row[0] in stored:
            findings.note(f"block {row[0]} stands in blocks twice")
        stored[row[0]] = row
    lost = wanted - stored.keys() - missing - allowed
    extra = stored.keys() - wanted - allowed
    if lost:
        findings.note(f"missing from blocks: {spans(lost)}")
    if extra:
        findings.note(f"in blocks, but not expected: {spans(extra)}")
    if missing & stored.keys():
        findings.note(f"in blocks, but must be missing: {spans(missing & stored.keys())}")
    expected = {number: chain.block(number) for number in stored}
    for number in stored:
        if expected[number] is None:
            findings.note(f"block {number}: the chain has no such block")
    expected = {number: block for number, block in expected.items() if block}
    _check_operations(db, expected, _rules_of(rules, rules_at), stored, findings)
    _check_links(stored, findings)
    if gaps:
        _check_gaps(db, (wanted | allowed) - stored.keys(), findings)
    findings.done()


def _rules_of(rules, rules_at):
    """A function: block number to its Filter."""
    if rules_at is None:
        everywhere = expect.Filter(rules)
        return lambda number: everywhere
    return lambda number: expect.Filter(rules_at(number))


def _check_blocks(expected, stored, kept, findings):
    for number, block in expected.items():
        _, block_id, previous, timestamp, operations, stored_operations, *rest = stored[number]
        for name, is_so, should in (
                ("block_id", block_id, block.block_id),
                ("previous", previous, block.previous),
                ("timestamp", timestamp, block.timestamp),
                ("operations", operations, len(block.operations)),
                ("stored_operations", stored_operations, len(kept[number]))):
            if is_so != should:
                findings.note(f"blocks.{name} of {number}: {is_so!r}, should be {should!r}")
        for name, value in zip(("filter_id", "reader_id", "committed_at"), rest):
            if value is None:
                findings.note(f"blocks.{name} of {number} is NULL")


def _check_operations(db, expected, rules_of, stored, findings):
    kept = {number: [op for op in block.operations if rules_of(number).wants(op)]
            for number, block in expected.items()}
    _check_blocks(expected, stored, kept, findings)
    should = {op.key: op for ops in kept.values() for op in ops}
    seen = set()
    for row in rows(db, OPERATIONS):
        key, is_so = tuple(row[:4]), row[4:]
        if key in seen:
            findings.note(f"operation {key} stands in blockchain twice")
        seen.add(key)
        if key not in should:
            findings.note(f"operation {key} ({row[6]}) stands in blockchain, but should not")
            continue
        _check_operation(key, is_so, should[key], findings)
    lost = should.keys() - seen
    for key in sorted(lost)[:MAX_FINDINGS]:
        findings.note(f"operation {key} ({should[key].operation}) is missing from blockchain")


def _check_operation(key, is_so, op, findings):
    names = ("trx_id", "timestamp", "operation", "account", "payload")
    for name, value, due in zip(names, is_so, op.columns):
        if name == "payload":
            due = due.encode("utf-8")
        if value != due:
            findings.note(f"{name} of operation {key} ({op.operation}): {differ(value, due)}")


def differ(value, due):
    """Two values; long ones from where they begin to differ."""
    if isinstance(value, bytes) and isinstance(due, bytes):
        at = next((i for i, (a, b) in enumerate(zip(value, due)) if a != b),
                  min(len(value), len(due)))
        start = max(at - 30, 0)
        return (f"differs at byte {at} of {len(value)}/{len(due)}:"
                f" {value[start:at + 40]!r}, should be {due[start:at + 40]!r}")
    return f"{value!r}, should be {due!r}"


def _check_links(stored, findings):
    for number, row in stored.items():
        below = stored.get(number - 1)
        if below and below[1] != row[2]:
            findings.note(f"block {number} does not link to {number - 1}: {row[2]}, {below[1]}")


def gaps(db):
    """The view `gaps` as a set of numbers."""
    found = set()
    for first, last, missing in rows(db, "SELECT first_block, last_block, missing FROM gaps"):
        found.update(range(int(first), int(last) + 1))
        if missing != last - first + 1:
            raise AuditError(f"view gaps: {first}-{last} says {missing} missing")
    return found


def _check_gaps(db, missing, findings):
    shown = gaps(db)
    if shown - missing:
        findings.note(f"the view gaps shows what is not missing: {spans(shown - missing)}")
    if missing - shown:
        findings.note(f"the view gaps hides: {spans(missing - shown)}")
