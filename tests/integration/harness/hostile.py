"""A hostile node: for each call it chooses what to answer.

    node = world.add(Hostile(forged, choose, irreversible=100, name="liar"))

choose(call, is_batch) returns the chain that answers this call, or None: the node's own one. told(properties)
may change what the node says about its head. Both are called by many threads.
"""

import json
import threading

from .node import Node


class Hostile(Node):
    """See the module's text."""

    def __init__(self, choose=None, told=None, **options):
        self.choose, self.told = choose, told
        self._request = threading.local()
        super().__init__(**options)

    def _body(self, calls, is_batch):
        self._request.is_batch = is_batch
        return super()._body(calls, is_batch)

    def _get_block(self, call):
        chain = self.choose and self.choose(call, self._request.is_batch)
        if chain is None:
            return super()._get_block(call)
        self.count["forged"] += 1
        return chain.raw(call.block) or b"null"

    def properties(self, head, irreversible):
        raw = super().properties(head, irreversible)
        return json.dumps(self.told(json.loads(raw))).encode() if self.told else raw
