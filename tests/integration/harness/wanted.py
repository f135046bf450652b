"""Operations that a bot may want: random ones of each type, as a node takes them.

    transactions(random.Random(7), names)      an endless series of lists of operations

Each list needs one authority only: posting, or active and owner.
"""

from . import operations
from .operations import authority

# No key of an account can sign them.
UNSIGNABLE = {"pow", "pow2", "report_over_production", "recover_account", "witness_set_properties",
              "custom_binary"}
POSTING = {"vote", "comment", "delete_comment", "custom_json", "comment_options",
           "claim_reward_balance"}
TEXTS = {"body", "memo", "json", "json_metadata", "posting_json_metadata", "json_meta", "title",
         "permlink", "parent_permlink", "url", "subject", "id"}
NAMES = {"voter", "author", "parent_author", "from", "to", "account", "owner", "publisher",
         "creator", "new_account_name", "witness", "proxy", "delegator", "delegatee", "agent",
         "who", "receiver", "from_account", "to_account", "reset_account", "account_to_reset",
         "current_reset_account", "recovery_account", "account_to_recover",
         "new_recovery_account", "proposal_owner"}
NUMBERS = {"weight": (-10000, 10000), "orderid": (0, 2 ** 32 - 1), "requestid": (0, 2 ** 32 - 1),
           "request_id": (0, 2 ** 32 - 1), "escrow_id": (0, 2 ** 32 - 1), "percent": (0, 10000),
           "percent_steem_dollars": (0, 10000), "maximum_block_size": (65536, 2 ** 32 - 1),
           "sbd_interest_rate": (0, 10000)}
AMOUNTS = {"amount", "fee", "vesting_shares", "amount_to_sell", "min_to_receive", "sbd_amount",
           "steem_amount", "reward_steem", "reward_sbd", "reward_vests", "delegation", "base",
           "quote", "daily_pay", "max_accepted_payout", "account_creation_fee"}
TIMES = {"expiration", "ratification_deadline", "escrow_expiration", "start_date", "end_date"}
FLAGS = {"approve", "fill_or_kill", "auto_vest", "decline", "allow_curation_rewards"}
# Where another value would ask for another authority, or lead to an operation of another kind.
FIXED = {("account_update2", "json_metadata"), ("custom_json", "id")}
# What an escape, a proxy or another notation may spoil.
PIECES = ("a", "Z", "0", " ", "/", "\\", '"', "'", "\t", "\n", "\r", "\x7f", "\\n", "\\u0041", "<&>",
          "é", "ß", "\u0085", "\u2028", "\ufeff", "\ufffd", "漢", "한", "ก", "\u202e", "😀", "\U0010ffff",
          "{}", "[]", "%s", "${x}")


def text(chance):
    size = chance.choice((0, 1, 3, 10, 40, 126, 127, 128, 129, 300))
    return "".join(chance.choice(PIECES) for _ in range(chance.randint(0, size)))


def name(chance):
    return chance.choice(operations.NAMES)


def amount(chance, like):
    digits, unit = (6, "VESTS") if like.endswith("VESTS") else (3, like.split()[-1])
    number = chance.choice((0, 1, 10 ** digits, chance.randrange(10 ** 6), chance.randrange(10 ** 14)))
    return f"{number // 10 ** digits}.{number % 10 ** digits:0{digits}d} {unit}"


def moment(chance):
    return (f"20{chance.randint(16, 37)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
            f"T{chance.randint(0, 23):02d}:{chance.randint(0, 59):02d}:{chance.randint(0, 59):02d}")


def _value(chance, operation, member, value):
    if (operation, member) in FIXED:
        return value
    if member in TEXTS and isinstance(value, str):
        return text(chance)[:32 if member == "id" else None]
    if member in NAMES and isinstance(value, str):
        return value and name(chance)
    if member in NUMBERS:
        return chance.choice((*NUMBERS[member], chance.randint(*NUMBERS[member])))
    if member in AMOUNTS:
        return amount(chance, value)
    if member in TIMES:
        return moment(chance)
    if member in FLAGS:
        return chance.random() < 0.5
    if member == "proposal_ids":
        # 9 is below the next one, but not as text.
        ids = {9, 10 ** chance.randint(1, 9), *(chance.randrange(2 ** 32) for _ in range(3))}
        return sorted(ids)
    if member in ("required_auths", "required_posting_auths"):
        return value and sorted({name(chance), name(chance)})
    if isinstance(value, dict):
        return {key: _value(chance, operation, key, inner) for key, inner in value.items()}
    return value


def _more(chance, operation, body):
    """What is not in every one of its kind."""
    if operation == "custom_json" and chance.random() < 0.5:
        body["id"] = text(chance).encode()[:32].decode(errors="ignore")
    if operation == "comment" and chance.random() < 0.5:
        body["parent_author"] = name(chance)
    if operation == "comment_options":
        body["extensions"] = chance.choice(([], [[0, {"beneficiaries": [
            {"account": account, "weight": chance.randint(1, 10000)} for account in
            sorted({name(chance) for _ in range(chance.randint(1, 8))})]}]]))
    if operation == "account_update2":
        for member in ("active", "posting"):
            if chance.random() < 0.5:
                body[member] = authority(*sorted({name(chance), name(chance)}))
        # Without one of these it would need the posting authority only.
        body["memo_key"] = operations.KEY
    if operation == "account_update" and chance.random() < 0.5:
        body["owner"] = authority(*sorted({name(chance), name(chance)}))
    return body


def operation(chance, kind):
    body = operations.REAL[kind](operations.Dice(chance.random()))
    return [kind, _more(chance, kind, _value(chance, kind, None, body))]


def transactions(chance, kinds):
    """Of these kinds of operations, each as often as the others."""
    posting = sorted(POSTING & set(kinds))
    active = sorted(set(kinds) - POSTING - UNSIGNABLE)
    while True:
        some = chance.choices((posting, active), (len(posting), len(active)))[0]
        yield [operation(chance, chance.choice(some))
               for _ in range(chance.choice((1, 1, 1, 2, 3)))]
