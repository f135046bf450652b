"""Whose authority an operation needs (steemit/steem, libraries/protocol/include/steem/protocol/
steem_operations.hpp and sps_operations.hpp).

    of(operations)      (posting, active, owner: sets of names; other: a list of authorities)
"""

from .packing import Unshown

POSTING = {"vote": "voter", "comment": "author", "delete_comment": "author",
           "comment_options": "author", "claim_reward_balance": "account"}
ACTIVE = {
    "transfer": "from", "transfer_to_vesting": "from", "withdraw_vesting": "account",
    "limit_order_create": "owner", "limit_order_cancel": "owner", "feed_publish": "publisher",
    "convert": "owner", "account_create": "creator", "witness_update": "owner",
    "account_witness_vote": "account", "account_witness_proxy": "account",
    "set_withdraw_vesting_route": "from_account", "limit_order_create2": "owner",
    "claim_account": "creator", "create_claimed_account": "creator",
    "request_account_recovery": "recovery_account", "escrow_transfer": "from",
    "escrow_dispute": "who", "escrow_release": "who", "escrow_approve": "who",
    "transfer_to_savings": "from", "transfer_from_savings": "from",
    "cancel_transfer_from_savings": "from", "reset_account": "reset_account",
    "delegate_vesting_shares": "delegator", "account_create_with_delegation": "creator",
    "create_proposal": "creator", "update_proposal_votes": "voter",
    "remove_proposal": "proposal_owner",
}
OWNER = {"change_recovery_account": "account_to_recover", "decline_voting_rights": "account"}
NOBODY = {"pow", "report_over_production"}


def _update(body):
    if body.get("owner"):
        return "owner"
    is_active = body.get("active") or body.get("posting") or body.get("memo_key")
    return "active" if is_active or body.get("json_metadata") else "posting"


def of(operations):
    """Of all operations of a transaction together."""
    posting, active, owner, other = set(), set(), set(), []
    sets = {"posting": posting, "active": active, "owner": owner}
    for name, body in operations:
        if name in POSTING:
            posting.add(body[POSTING[name]])
        elif name in ACTIVE:
            active.add(body[ACTIVE[name]])
        elif name in OWNER:
            owner.add(body[OWNER[name]])
        elif name == "custom_json":
            active.update(body["required_auths"])
            posting.update(body["required_posting_auths"])
        elif name == "custom":
            active.update(body["required_auths"])
        elif name == "custom_binary":
            owner.update(body["required_owner_auths"])
            active.update(body["required_active_auths"])
            posting.update(body["required_posting_auths"])
            other += body["required_auths"]
        elif name == "account_update":
            (owner if body.get("owner") else active).add(body["account"])
        elif name == "account_update2":
            sets[_update(body)].add(body["account"])
        elif name == "recover_account":
            other += [body["new_owner_authority"], body["recent_owner_authority"]]
        elif name == "set_reset_account":
            (owner if body["current_reset_account"] else posting).add(body["account"])
        elif name == "witness_set_properties":
            key = dict(body["props"]).get("key")
            other.append({"weight_threshold": 1, "account_auths": [], "key_bytes": key})
        elif name == "pow2":
            if body.get("new_owner_key"):
                other.append({"weight_threshold": 1, "account_auths": [],
                              "key_auths": [[body["new_owner_key"], 1]]})
        elif name not in NOBODY:
            raise Unshown(f"no operation is called {name}")
    return posting, active, owner, other
