"""What must stand in the tables: a block's raw text (condenser_api.get_block) to rows.

This is the auditor's reading of the protocol and of the contract, made without the C code.
"""

import datetime
from dataclasses import dataclass, field

from . import jsontext

# Accounts that an operation names, in the order in which they count. A star: the node itself
# calls the account affected; the first starred one that is not empty is the acting account.
# `a.b` goes into an object, `a[]` through a list, `a[1]` to one element.
AUTHORITIES = (
    "owner.account_auths[][0] active.account_auths[][0] posting.account_auths[][0]"
)
ACCOUNTS = {
    "vote": "voter* author*",
    "comment": "author* parent_author*",
    "transfer": "from* to*",
    "transfer_to_vesting": "from* to*",
    "withdraw_vesting": "account*",
    "limit_order_create": "owner*",
    "limit_order_cancel": "owner*",
    "feed_publish": "publisher*",
    "convert": "owner*",
    "account_create": "creator* new_account_name* " + AUTHORITIES,
    "account_update": "account* " + AUTHORITIES,
    "witness_update": "owner*",
    "account_witness_vote": "account* witness*",
    "account_witness_proxy": "account* proxy*",
    "pow": "worker_account*",
    "custom": "required_auths[]*",
    "report_over_production": "reporter",
    "delete_comment": "author*",
    "custom_json": "required_auths[]* required_posting_auths[]*",
    "comment_options": "author* extensions[][1].beneficiaries[].account",
    "set_withdraw_vesting_route": "from_account* to_account*",
    "limit_order_create2": "owner*",
    "claim_account": "creator*",
    "create_claimed_account": "creator* new_account_name* " + AUTHORITIES,
    "request_account_recovery": "recovery_account* account_to_recover*",
    "recover_account": "account_to_recover*",
    "change_recovery_account": "account_to_recover* new_recovery_account",
    "escrow_transfer": "from* to* agent*",
    "escrow_dispute": "from* to* agent* who",
    "escrow_release": "from* to* agent* who receiver",
    "pow2": "work[1].input.worker_account*",
    "escrow_approve": "from* to* agent* who",
    "transfer_to_savings": "from* to*",
    "transfer_from_savings": "from* to*",
    "cancel_transfer_from_savings": "from*",
    "custom_binary": "required_owner_auths[]* required_active_auths[]* required_posting_auths[]*"
                     " required_auths[].account_auths[][0]",
    "decline_voting_rights": "account*",
    "reset_account": "reset_account* account_to_reset",
    "set_reset_account": "account* current_reset_account reset_account",
    "claim_reward_balance": "account*",
    "delegate_vesting_shares": "delegator* delegatee*",
    "account_create_with_delegation": "creator* new_account_name* " + AUTHORITIES,
    "witness_set_properties": "owner*",
    "account_update2": "account* " + AUTHORITIES,
    "create_proposal": "creator* receiver*",
    "update_proposal_votes": "voter*",
    "remove_proposal": "proposal_owner*",
}
ACCOUNT_MAX_BYTES = 16


@dataclass
class Operation:
    """One row of `blockchain`."""

    block: int
    trx_in_block: int
    op_in_trx: int
    virtual_op: int
    trx_id: str
    timestamp: datetime.datetime
    operation: str
    account: str
    payload: str
    body: jsontext.Node = field(repr=False, compare=False, default=None)

    @property
    def key(self):
        return (self.block, self.trx_in_block, self.op_in_trx, self.virtual_op)

    @property
    def columns(self):
        return (self.trx_id, self.timestamp, self.operation, self.account, self.payload)


@dataclass
class Block:
    """One row of `blocks`, with its operations."""

    number: int
    block_id: str
    previous: str
    timestamp: datetime.datetime
    operations: list = field(default_factory=list)


def decode(raw):
    """The raw text of a block to a Block. Raises JsonError or ValueError on anything odd."""
    root = jsontext.parse(raw)
    block_id = root.get("block_id").text()
    block = Block(
        number=int(block_id[:8], 16),
        block_id=block_id,
        previous=root.get("previous").text(),
        timestamp=datetime.datetime.fromisoformat(root.get("timestamp").text()),
    )
    trx_ids = [node.text() for node in root.get("transaction_ids").items()]
    transactions = root.get("transactions").items()
    if len(trx_ids) != len(transactions):
        raise ValueError(f"block {block.number}: {len(trx_ids)} ids, {len(transactions)} trx")
    for trx_in_block, trx in enumerate(transactions):
        for op_in_trx, pair in enumerate(trx.get("operations").items()):
            name, body = pair.items()
            block.operations.append(Operation(
                block.number, trx_in_block, op_in_trx, 0, trx_ids[trx_in_block].lower(),
                block.timestamp, name.text(), acting_account(name.text(), body),
                body.canonical(), body))
    return block


def walk(node, path):
    """All string values that a path of ACCOUNTS leads to, in order."""
    nodes = [node]
    for step in path.replace("[", ".[").split("."):
        found = []
        for at in nodes:
            if step == "[]":
                found.extend(at.items())
            elif step.startswith("["):
                found.extend(at.items()[int(step[1:-1]):int(step[1:-1]) + 1])
            else:
                found.extend(filter(None, [at.get(step)]))
        nodes = found
    return [at.text() for at in nodes if at.text()]


def storable_account(name):
    """The name if the column can hold it, else None."""
    return name if name.isascii() and len(name) <= ACCOUNT_MAX_BYTES else None


def acting_account(operation, body):
    """The first starred account that is not empty, None for an unknown operation."""
    for path in ACCOUNTS.get(operation, "").split():
        if path.endswith("*"):
            if path.startswith("="):
                return path[1:-1]
            for name in walk(body, path[:-1]):
                return storable_account(name)
    return None


def all_accounts(operation, body):
    """Every account that the operation names."""
    names = set()
    for path in ACCOUNTS.get(operation, "").split():
        path = path.rstrip("*")
        names.update([path[1:]] if path.startswith("=") else walk(body, path))
    return names


class Filter:
    """The active filter: a list of rules (dicts as in the configuration); no rule: everything.

    A rule may name a queue: what it keeps is delivered there.
    """

    CONDITIONS = ("operation", "account", "body_prefix", "body_contains", "memo_prefix", "id")

    def __init__(self, rules=None):
        self.rules = list(rules or [])
        for rule in self.rules:
            unknown = set(rule) - set(self.CONDITIONS) - {"name", "queue"}
            if unknown:
                raise ValueError(f"the filter has no {unknown}")

    def wants(self, operation):
        """Whether an expect.Operation is stored."""
        return not self.rules or any(self._matches(rule, operation) for rule in self.rules)

    def queues(self, operation):
        """The names of the queues that an expect.Operation is delivered to."""
        return {rule["queue"] for rule in self.rules
                if "queue" in rule and self._matches(rule, operation)}

    def _matches(self, rule, op):
        if "operation" in rule:
            wanted = rule["operation"]
            if op.operation not in ([wanted] if isinstance(wanted, str) else wanted):
                return False
        if "account" in rule and rule["account"] not in all_accounts(op.operation, op.body):
            return False
        body, memo = _string(op.body, "body"), _string(op.body, "memo")
        if "body_prefix" in rule and not (body or "").startswith(rule["body_prefix"]):
            return False
        if "body_contains" in rule and rule["body_contains"] not in (body or ""):
            return False
        if "memo_prefix" in rule and not (memo or "").startswith(rule["memo_prefix"]):
            return False
        if "id" in rule:
            return op.operation == "custom_json" and _string(op.body, "id") == rule["id"]
        return True


def _string(body, name):
    node = body.get(name)
    return node.text() if node is not None else None
