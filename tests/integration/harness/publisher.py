"""A broadcaster for simulated chains that check no signature: pending comments are published, and
marked as sent.

It works as one that a user wrote: pending rows in their order, one comment of an author every PAUSE_S;
the row is marked with the trx id. Whether the comment is in the chain, a reader says, not this module.
"""

import json
import time
import urllib.request

PENDING = """SELECT comment_id, author, permlink, parent_author, parent_permlink, title, body,
             json_metadata FROM comments WHERE state = 'pending'
             AND (not_before IS NULL OR not_before <= UTC_TIMESTAMP(6)
                  OR sent_at > UTC_TIMESTAMP(6) + INTERVAL 1 MINUTE) ORDER BY comment_id"""
FIELDS = ("author", "permlink", "parent_author", "parent_permlink", "title", "body",
          "json_metadata")
SENT = """UPDATE comments SET state = 'sent', attempts = attempts + 1, trx_id = %s,
          sent_at = UTC_TIMESTAMP(6) WHERE comment_id = %s AND state = 'pending'"""
PAUSE_S = 0.3


def broadcast(url, *ops):
    """Operations, as (name, body), into the next block of a simulated node; the trx id."""
    request = json.dumps({
        "jsonrpc": "2.0", "id": 1, "method": "condenser_api.broadcast_transaction_synchronous",
        "params": [{"operations": [list(op) for op in ops]}]}).encode()
    with urllib.request.urlopen(url, request, timeout=10) as answer:
        return json.load(answer)["result"]["id"]


def comment(author, permlink, body, parent=("", "steem-reader")):
    """A comment operation."""
    return ("comment", {"parent_author": parent[0], "parent_permlink": parent[1],
                        "author": author, "permlink": permlink, "title": "", "body": body,
                        "json_metadata": "{}"})


def publish_pending(connection, url, last_sent):
    """What is due now; last_sent: when something of an author was last sent."""
    with connection.cursor() as cursor:
        cursor.execute(PENDING)
        for comment_id, *values in cursor.fetchall():
            row = dict(zip(FIELDS, values))
            if time.monotonic() - last_sent.get(row["author"], -PAUSE_S) < PAUSE_S:
                continue
            last_sent[row["author"]] = time.monotonic()
            trx_id = broadcast(url, ("comment", row))
            cursor.execute(SENT, (trx_id, comment_id))
