"""The auditor: tables against chain, row for row.

    audit(db, chain, [(1, 500)], rules=[...], missing={17})

Nothing missing, nothing twice, nothing extra, links whole, counts right, every column of every
operation as expect.py reads it, and the view `gaps` says exactly what is missing.

Reversible rows (is_irreversible = 0) count as missing; they are allowed above the irreversible
blocks, and must be whole blocks of the chain or of one of its forks, as must all in `orphans`.
"""

from . import expect, packing, prover
from . import virtual as virtuals

MAX_FINDINGS = 12
ZERO_ID = "0" * 40
BLOCKS = ("SELECT block, LOWER(HEX(block_id)), LOWER(HEX(previous)), timestamp, operations,"
          " stored_operations, filter_id, reader_id, committed_at, virtual_operations,"
          " stored_virtual_operations, virtual_state, is_irreversible FROM blocks ORDER BY block")
OPERATIONS = ("SELECT block, trx_in_block, op_in_trx, virtual_op, trx_id, timestamp, operation,"
              " account, CAST(payload AS BINARY) FROM blockchain"
              " ORDER BY block, trx_in_block, op_in_trx, virtual_op")
ORPHANS = ("SELECT block, LOWER(HEX(block_id)), trx_in_block, op_in_trx, virtual_op, trx_id,"
           " timestamp, operation, account, CAST(payload AS BINARY), LOWER(HEX(replaced_by)),"
           " orphaned_at FROM orphans")
# Facts about blocks that stand there, and facts without exactly one delivery.
DELIVERED = ("SELECT d.block, d.trx_in_block, d.op_in_trx, d.virtual_op, d.queue FROM delivered d"
             " JOIN blocks b ON b.block = d.block AND CRC32(b.block_id) = d.block_crc")
DELIVERIES = ("SELECT d.delivery_id, (SELECT COUNT(*) FROM deliveries_open o WHERE"
              " o.delivery_id = d.delivery_id AND o.queue = d.queue AND o.block = d.block"
              " AND o.trx_in_block = d.trx_in_block AND o.op_in_trx = d.op_in_trx) +"
              " (SELECT COUNT(*) FROM deliveries_ended e WHERE e.delivery_id = d.delivery_id"
              " AND e.queue = d.queue) AS count FROM delivered d HAVING count <> 1")


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


def audit(db, chain, ranges, rules=None, missing=(), allow_missing=(), gaps=True, rules_at=None,
          forks=(), reversible=(), virtual=virtuals.unasked, undelivered=(), purged=False,
          gone=lambda key: False, proves=None):
    """Compare; raises AuditError.

    ranges: what must be there, as (first, last) or numbers; missing: of these, what must not be;
    allow_missing: what may or may not be. gaps=False leaves the view alone. rules_at(n): the
    rules under which block n was stored, where they changed. reversible: which blocks may be
    reversible; forks: chains that nodes were on for a while. virtual(chain, n): the state and the
    list of virtual operations that block n must have once it is irreversible (see virtual.py).
    undelivered: blocks whose operations must not be in queues (history); purged: finished
    deliveries may be gone. gone(key): this operation must have been removed by retention.
    proves: the values of a chain (packing.STEEM) whose stored blocks must prove themselves.
    """
    findings = Findings()
    wanted, missing, allowed = numbers(ranges), numbers(missing), numbers(allow_missing)
    everything, stored = {}, {}
    for row in rows(db, BLOCKS):
        if row[0] in everything:
            findings.note(f"block {row[0]} stands in blocks twice")
        everything[row[0]] = row
        if row[-1]:
            stored[row[0]] = row
    unconfirmed = everything.keys() - stored.keys() - numbers(reversible)
    if unconfirmed:
        findings.note(f"reversible in blocks, but should not be: {spans(unconfirmed)}")
    lost = wanted - stored.keys() - missing - allowed
    extra = stored.keys() - wanted - allowed
    if lost:
        findings.note(f"missing from blocks: {spans(lost)}")
    if extra:
        findings.note(f"in blocks, but not expected: {spans(extra)}")
    if missing & stored.keys():
        findings.note(f"in blocks, but must be missing: {spans(missing & stored.keys())}")
    expected = {number: _block_of(chain, forks, row) for number, row in everything.items()}
    for number in everything:
        if expected[number] is None:
            findings.note(f"block {number}: the chain has no such block")
    expected = {number: block for number, block in expected.items() if block}
    lists = {number: (virtual if number in stored else virtuals.unasked)(chain, number)
             for number in expected}
    _check_operations(db, expected, lists, _rules_of(rules, rules_at), everything, gone, findings)
    _check_orphans(db, chain, forks, _rules_of(rules, rules_at), findings)
    _check_deliveries(db, {number: (block.operations + virtuals.read(lists[number][1], block))
                           for number, block in expected.items()
                           if number not in numbers(undelivered)},
                      _rules_of(rules, rules_at), purged, findings)
    _check_links(stored, findings)
    if proves:
        _check_proofs(chain, stored.keys() & expected.keys(), proves, findings)
    if gaps:
        _check_gaps(db, (wanted | allowed) - stored.keys(), findings)
    findings.done()


def _block_of(chain, forks, row):
    """What a row should be; a reversible one may be of a fork."""
    number, block_id, is_irreversible = row[0], row[1], row[-1]
    for branch in (() if is_irreversible else (chain, *forks)):
        if branch.block_id(number) == block_id:
            return branch.block(number)
    return chain.block(number)


def _rules_of(rules, rules_at):
    """A function: block number to its Filter."""
    if rules_at is None:
        everywhere = expect.Filter(rules)
        return lambda number: everywhere
    return lambda number: expect.Filter(rules_at(number))


def _check_blocks(expected, lists, stored, kept, findings):
    for number, block in expected.items():
        _, block_id, previous, timestamp, operations, stored_operations, *rest = stored[number]
        *rest, virtual_count, virtual_stored, state, _ = rest
        of_trx = [op for op in kept[number] if op.virtual_op == 0]
        state_due, ops_due = lists[number]
        for name, is_so, should in (
                ("block_id", block_id, block.block_id),
                ("previous", previous, block.previous),
                ("timestamp", timestamp, block.timestamp),
                ("operations", operations, len(block.operations)),
                ("stored_operations", stored_operations, len(of_trx)),
                ("virtual_state", state, state_due),
                ("virtual_operations", virtual_count, len(ops_due)),
                ("stored_virtual_operations", virtual_stored, len(kept[number]) - len(of_trx))):
            if is_so != should:
                findings.note(f"blocks.{name} of {number}: {is_so!r}, should be {should!r}")
        for name, value in zip(("filter_id", "reader_id", "committed_at"), rest):
            if value is None:
                findings.note(f"blocks.{name} of {number} is NULL")


def _check_operations(db, expected, lists, rules_of, stored, gone, findings):
    lists = {number: (state, virtuals.read(raw, expected[number]))
             for number, (state, raw) in lists.items()}
    kept = {number: [op for op in block.operations + lists[number][1]
                     if rules_of(number).wants(op)]
            for number, block in expected.items()}
    _check_blocks(expected, lists, stored, kept, findings)
    should = {op.key: op for ops in kept.values() for op in ops if not gone(op.key)}
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


def _check_deliveries(db, operations, rules_of, purged, findings):
    """Each operation of a block that stands there is in each of its queues, once, and in no other."""
    due = {op.key + (queue,) for number, ops in operations.items() for op in ops
           for queue in rules_of(number).queues(op)}
    facts = rows(db, DELIVERED)
    found = set(facts)
    if len(found) < len(facts):
        findings.note(f"{len(facts) - len(found)} operations were delivered twice")
    for key in sorted(due - found)[:MAX_FINDINGS]:
        findings.note(f"operation {key[:4]} was not delivered to {key[4]}")
    for key in sorted(found - due)[:MAX_FINDINGS]:
        findings.note(f"operation {key[:4]} was delivered to {key[4]}, but should not have been")
    if not purged:
        for number, count in rows(db, DELIVERIES)[:MAX_FINDINGS]:
            findings.note(f"there are {count} deliveries {number}, should be one")


def _check_orphans(db, chain, forks, rules_of, findings):
    """Every orphaned block has all its operations, and is none of the chain's."""
    found = {}
    for block, block_id, *row in rows(db, ORPHANS):
        found.setdefault((block, block_id), []).append(row)
    for (number, block_id), orphans in found.items():
        branches = [fork for fork in forks if fork.block_id(number) == block_id]
        if not branches or block_id == chain.block_id(number):
            findings.note(f"orphans: {number} {block_id} is of no fork")
            continue
        should = {op.key[1:]: op for op in branches[0].block(number).operations
                  if rules_of(number).wants(op)}
        if should.keys() != {tuple(row[:3]) for row in orphans} or len(should) != len(orphans):
            findings.note(f"orphans: {number} {block_id} has {len(orphans)} operations, should"
                          f" have {len(should)}")
            continue
        for row in orphans:
            _check_operation(("orphan", number, *row[:3]), row[3:8], should[tuple(row[:3])],
                             findings)
            # Nothing stands in the place of what --rewind took back.
            if row[8] not in (chain.block_id(number), ZERO_ID) or row[9] is None:
                findings.note(f"orphans: {number} {block_id} was replaced by {row[8]}")


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


def _check_proofs(chain, numbers_, values, findings):
    """What the chain gives; that the rows are the same was compared above."""
    for number in sorted(numbers_):
        verdict, reason, _ = prover.prove_block(chain.raw(number), values)
        if verdict != "content":
            findings.note(f"block {number} does not prove: {verdict}, {reason}")


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
