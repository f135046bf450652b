"""How a node says no, in the two shapes that nodes have had.

    raise Refusal("assert_exception", "Duplicate transaction check failed", test="...")
    refusal.answer(ident, "new")        {"code": -32000, "message": "Assert Exception:...", "data": ...}
    refusal.answer(ident, "old")        {"code": 1, "message": "10 assert_exception: Assert ..."}

The numbers are those of steemit/steem: libraries/fc/include/fc/exception/exception.hpp,
libraries/protocol/include/steem/protocol/exceptions.hpp, libraries/chain/include/steem/chain/
database_exceptions.hpp. The shapes are recorded ones.
"""

import json

KINDS = {
    "assert_exception": (10, "Assert Exception"),
    "bad_cast_exception": (7, "Bad Cast"),
    "N5boost16exception_detail10clone_implINS0_19error_info_injectorISt12out_of_rangeEEEE":
        (13, "unknown key"),
    "tx_missing_active_auth": (3010000, "missing required active authority"),
    "tx_missing_owner_auth": (3020000, "missing required owner authority"),
    "tx_missing_posting_auth": (3030000, "missing required posting authority"),
    "tx_missing_other_auth": (3040000, "missing required other authority"),
    "tx_irrelevant_sig": (3050000, "irrelevant signature included"),
    "tx_duplicate_sig": (3060000, "duplicate signature included"),
    "transaction_expiration_exception": (4030100, "transaction expiration exception"),
    "transaction_tapos_exception": (4030200, "transaction tapos exception"),
    "plugin_exception": (4100000, "plugin exception"),
}
UNKNOWN_KEY = "N5boost16exception_detail10clone_implINS0_19error_info_injectorISt12out_of_rangeEEEE"
SHAPES = {"new": -32000, "newer": -32003, "old": 1}
TIME = "2016-03-24T16:00:00"


class Refusal(Exception):
    """test: the expression that did not hold, as it stands in the node's source."""

    def __init__(self, kind, text, test=None, data=None, file="database.cpp", method="push_transaction"):
        super().__init__(f"{kind}: {test + ': ' if test else ''}{text}")
        self.kind, self.text, self.test, self.data = kind, text, test, data or {}
        self.code, self.what = KINDS[kind]
        self.file, self.method = file, method
        self.trx = None  # the transaction's JSON, once it is known

    @property
    def said(self):
        return f"{self.test}: {self.text}" if self.test else self.text

    def error(self, shape="new"):
        """The error object of an answer."""
        def context(level, file, method):
            made = {"level": level, "file": file, "line": 187, "method": method, "hostname": "",
                    "timestamp": TIME}
            return {**made, "thread_name": "th_a"} if shape == "old" else made

        stack = [{"context": context("error", self.file, self.method), "format": self.said,
                  "data": self.data},
                 {"context": context("warn", "database.cpp", "push_transaction"), "format": "",
                  "data": {"trx": self.trx}}]
        if shape == "old":
            message = (f"{self.code} {self.kind}: {self.what}\n{self.said}\n    "
                       f"{json.dumps(self.data)}\n    th_a  {self.file}:187 {self.method}\n\n    "
                       f"{json.dumps({'trx': self.trx})}\n    th_a  database.cpp:660 push_transaction")
        else:
            message = f"{self.what}:{self.said}"
        return {"code": SHAPES[shape], "message": message,
                "data": {"code": self.code, "name": self.kind, "message": self.what, "stack": stack}}

    def answer(self, ident, shape="new"):
        """The bytes of an answer."""
        head = {"id": ident} if shape == "old" else {"jsonrpc": "2.0"}
        tail = {} if shape == "old" else {"id": ident}
        return json.dumps({**head, "error": self.error(shape), **tail}).encode()


def need(is_so, test, text, **data):
    """FC_ASSERT."""
    if not is_so:
        raise Refusal("assert_exception", text, test, data, "steem_evaluator.cpp", "do_apply")
