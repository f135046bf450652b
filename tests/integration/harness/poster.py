"""steem-poster under test: its keys, its configuration, its process, and the outbox that it empties.

The program is $STEEM_POSTER, else the `steem-poster` beside steem-reader.
"""

import json
import os
import pathlib

from . import wallet
from .reader import Reader, program, write_config

INSERT_ACTION = """INSERT INTO actions (account, action_key, operations, authority, priority, not_before,
    not_after, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6))"""
INSERT_COMMENT = """INSERT INTO comments (author, permlink, parent_author, parent_permlink, title, body,
    json_metadata, options, created_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6))"""


def poster_program():
    """The path of the program, or None."""
    given = os.environ.get("STEEM_POSTER")
    beside = program() and str(pathlib.Path(program()).with_name("steem-poster"))
    return next((os.path.abspath(p) for p in (given, beside) if p and os.access(p, os.X_OK)), None)


class Outbox:
    """What bots ask for, in the tables of a world, and the posters that do it."""

    def __init__(self, world):
        self.world, self.db = world, world.db
        self._serial = 0

    # ---- rows

    def ask(self, account, *ops, authority="posting", key=None, priority=0, not_before=None,
            not_after=None):
        """An action of operations (name, body); its id."""
        return self.text(account, json.dumps([list(op) for op in ops], ensure_ascii=False,
                                             separators=(",", ":")),
                         authority, key, priority, not_before, not_after)

    def text(self, account, text, authority="posting", key=None, priority=0, not_before=None, not_after=None):
        """An action with this text as its operations, whatever it is."""
        self._serial += 1
        self.db.execute(INSERT_ACTION, account, key or f"key-{self._serial}", text, authority, priority,
                        not_before, not_after)
        return self.db.value("SELECT MAX(action_id) FROM actions")

    def custom(self, account="bot-one", text=None, **options):
        self._serial += 1
        return self.ask(account, custom_json(account, text or f'{{"n":{self._serial}}}'), **options)

    def comment(self, author, permlink, body="yes", parent=("alice", "question"), title="",
                metadata="", options=None):
        self.db.execute(INSERT_COMMENT, author, permlink, *parent, title, body, metadata, options)
        return self.db.value("SELECT MAX(comment_id) FROM comments")

    def state(self, ident, table="actions"):
        column = table[:-1] + "_id"
        return self.db.value(f"SELECT state FROM {table} WHERE {column} = %s", ident)

    def error(self, ident, table="actions"):
        column = table[:-1] + "_id"
        return self.db.value(f"SELECT error FROM {table} WHERE {column} = %s", ident)

    def wait_state(self, ident, state, table="actions", timeout=30):
        column = table[:-1] + "_id"
        return self.db.wait_until(f"SELECT state FROM {table} WHERE {column} = %s",
                                  lambda found: found == state, timeout, (ident,))

    def wait_all(self, state="confirmed", table="actions", timeout=40):
        """Until all rows are in this state."""
        return self.db.wait_until(f"SELECT COUNT(*) FROM {table} WHERE state <> %s",
                                  lambda found: found == 0, timeout, (state,))

    def signed(self, ident, table="actions"):
        """trx_id, outcome, answer, sends of each transaction of a row, in their order."""
        column = table[:-1] + "_id"
        return self.db.rows("SELECT trx_id, outcome, answer, sends FROM signed_trxs"
                            f" WHERE {column} = %s ORDER BY created_at", ident)

    # ---- posters

    def key_file(self, account, role="posting", text=None):
        path = self.world.folder / f"{account}.{role}.key"
        path.write_text((text or wallet.wif(account, role)) + "\n", encoding="ascii")
        path.chmod(0o600)
        return str(path)

    def entry(self, name, authority="posting", key_role=None, **rules):
        """An account of the configuration."""
        return {"name": name, "authority": authority,
                "key_file": self.key_file(name, key_role or authority), **rules}

    def config(self, *entries, name="poster", nodes=None, **sections):
        urls = [node.url for node in (self.world.nodes if nodes is None else nodes)]
        settings = {
            "nodes": [{"url": url} for url in urls] or [{"url": "http://127.0.0.1:9"}],
            "database": {"hosts": [self.world.server.socket], "user": "root",
                         "name": self.world.database},
            "poster": {"name": name},
            "accounts": list(entries),
            **sections,
        }
        return write_config(self.world.folder / f"{name}.conf", settings)

    def start(self, *arguments, entries=(), name="poster", config=None, environment=None, **options):
        """Start a poster for these entries."""
        poster = Reader(arguments, config or self.config(*entries, name=name, **options), name,
                        environment, executable=poster_program())
        self.world.readers.append(poster)
        return poster

    def run(self, *arguments, code=0, timeout=40, **options):
        """Run it to its end, which must have this exit code."""
        poster = self.start(*arguments, **options)
        got = poster.wait_exit(timeout)
        assert got == code, f"exit code {got}, should be {code}\n{poster.tail()}\n{poster.stdout}"
        return poster


def custom_json(account, text, ident="test"):
    return ("custom_json", {"required_auths": [], "required_posting_auths": [account], "id": ident,
                            "json": text})


def vote(voter, author="alice", permlink="question", weight=10000):
    return ("vote", {"voter": voter, "author": author, "permlink": permlink, "weight": weight})


def transfer(sender, to, amount="1.000 STEEM", memo=""):
    return ("transfer", {"from": sender, "to": to, "amount": amount, "memo": memo})
