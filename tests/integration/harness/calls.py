"""What a node is asked: a call, and the request that one or many of them came in."""

import dataclasses


@dataclasses.dataclass
class Call:
    """One JSON-RPC call."""

    ident: object
    api: str
    method: str
    params: list

    @classmethod
    def of(cls, item):
        """The call of one object of a body, whichever way its method is spelt."""
        method, params = item["method"], item.get("params") or []
        if method == "call":
            api, method, params = params
        else:
            api, _, method = method.partition(".")
        return cls(item.get("id"), api, method, params)

    @property
    def block(self):
        if self.method in ("get_block", "get_ops_in_block") and self.params:
            return self.params[0]
        return None


@dataclasses.dataclass
class Request:
    """One line of a node's log."""

    at: float
    calls: list
    is_batch: bool

    @property
    def blocks(self):
        return [call.block for call in self.calls if call.block is not None]
