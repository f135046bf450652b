"""Libraries for Steem that nobody here wrote, asked through Node.js: dsteem and steem (steem-js).

    libraries = Libraries()                     skips where npm cannot fetch them
    libraries.sign("dsteem", [(trx, wif)])      the transactions with the signatures that it makes
    libraries.read("dsteem", [trx])             [(id, hex of the bytes without signatures, [keys])]
"""

import json
import os
import subprocess

from . import npm
from .chain import TOP

FOLDER = TOP / "tests" / "integration" / "libraries"


class Libraries:
    """See the module's text."""

    def __init__(self):
        self.modules = npm.modules(FOLDER)

    def _ask(self, library, task, trxs, chain_id):
        done = subprocess.run(
            ["node", str(FOLDER / "ask.js")], text=True, capture_output=True, check=False,
            env={**os.environ, "NODE_PATH": str(self.modules)},
            input=json.dumps({"library": library, "task": task, "chain_id": chain_id.hex(),
                              "trxs": trxs}))
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    def sign(self, library, trxs, chain_id=bytes(32)):
        return self._ask(library, "sign", trxs, chain_id)

    def read(self, library, trxs, chain_id=bytes(32)):
        return [tuple(one) for one in self._ask(library, "read", trxs, chain_id)]
