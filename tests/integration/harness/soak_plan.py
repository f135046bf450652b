"""What happens in a crash loop: a list of rounds, made from a seed and from nothing else.

    for steps in plan(seed=7, rounds=200): ...

The list never looks at what the readers do, so the same seed gives the same script. Its one
rule: in every round at least one reader is alive, one node is without a fault, and a node that
tells a false chain stands against two good ones. Places are fractions: which block that is,
is known when the step is taken.
"""

import dataclasses
import random

READERS, NODES = 3, 3
LONG = 14  # rounds: longer than a claim holds

# kind: weight
KINDS = {
    "kill_reader": 7, "freeze_reader": 5, "stop_reader": 2, "double_reader": 2,
    "backfill": 4, "kill_once": 1,
    "refuse_node": 3, "freeze_node": 2, "turn_node_back": 2, "spoil_node": 7,
    "kill_database": 3, "freeze_database": 3, "restart_database": 1, "cut_connections": 4,
    "tear_holes": 5, "expire_claims": 3,
}
# what ends an outage of the database; it begins after the steps that need the tables
OUTAGES = {"kill_database": "start_database", "freeze_database": "thaw_database",
           "restart_database": "start_database"}
NEED_TABLES = ("double_reader", "backfill", "kill_once", "cut_connections", "tear_holes",
               "expire_claims")
# node faults by what they do; "lies" contradict the chain, the others are only unusable
SPOILT = [
    ("reset", {}), ("reset_body", {}), ("html", {}), ("cut", {}), ("empty", {}), ("garbage", {}),
    ("trailing", {}), ("wrong_length", {}), ("status", {"code": 429, "retry_after": 1}),
    ("status", {"code": 500}), ("status", {"code": 502}), ("status", {"code": 503}),
    ("status", {"code": 413}), ("missing", {}), ("doubled", {}), ("reordered", {}), ("extra", {}),
    ("wrong_id", {}), ("error_object", {}), ("refuse_batch", {"above": 3}), ("hang", {}),
    ("delay", {"seconds": 0.4}), ("huge", {"bytes": 1 << 22}), ("rpc_error", {}),
    ("stale", {"by": 150}), ("null", {}), ("other_block", {}), ("no_block_id", {}),
    ("few_ids", {}), ("zero_merkle", {}), ("merkle_without_trx", {}), ("no_operations", {}),
]
LIES = [("broken_previous", {}), ("fork", {}), ("lie", {"kind": "changed"}),
        ("lie", {"kind": "fitting block id"}), ("lie", {"kind": "signed by a stranger"}), ("claims", {})]


@dataclasses.dataclass
class Step:
    """One thing that happens: to reader or node `who`, with these details."""

    kind: str
    who: int = 0
    details: dict = dataclasses.field(default_factory=dict)

    def __str__(self):
        told = " ".join(f"{key}={value}" for key, value in self.details.items())
        return f"{self.kind} {self.who} {told}".strip()


class Plan:
    """Who is disturbed until which round; see plan()."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.readers, self.nodes = {}, {}  # who: (until round, the step that undoes it)
        self.liar = None

    def rounds(self, count):
        """Each round: (steps at its beginning, blocks that pass, steps after them)."""
        for number in range(count):
            back, steps = self.undo(number), []
            for _ in range(self.dice.choice((1, 1, 2, 2, 3))):
                kind = self.dice.choices(list(KINDS), list(KINDS.values()))[0]
                steps += self.take(kind, number)
            outage = [step for step in steps if step.kind in OUTAGES][:1]
            tables = [step for step in steps if step.kind in NEED_TABLES]
            others = [step for step in steps if step.kind not in (*OUTAGES, *NEED_TABLES)]
            end = [Step(OUTAGES[step.kind]) for step in outage]
            yield back + tables + outage + others, self.blocks_to_pass(outage), end

    def blocks_to_pass(self, outage):
        """Up to two seconds; a database is frozen for up to ten."""
        is_frozen = outage and outage[0].kind == "freeze_database"
        return self.dice.choice((5, 20, 60, 60, 170) if is_frozen else (0, 3, 8, 15, 30))

    def undo(self, number):
        """What comes back in this round."""
        steps = []
        for disturbed in (self.readers, self.nodes):
            for who, (until, step) in sorted(disturbed.items()):
                if until <= number:
                    steps.append(step)
                    del disturbed[who]
        if self.liar not in self.nodes:
            self.liar = None
        return steps

    def take(self, kind, number):
        """The steps of a kind, none where it would break the rule."""
        if kind in ("kill_reader", "freeze_reader"):
            return self.take_away(kind, number)
        if kind in ("stop_reader", "double_reader"):
            return [Step(kind, self.dice.choice(self.readers_up()))]
        if kind.endswith("_node"):
            return self.take_node(kind, number)
        return [Step(kind, details=self.details(kind))]

    def readers_up(self):
        return [who for who in range(READERS) if who not in self.readers]

    def take_away(self, kind, number):
        """A reader is killed or frozen for some rounds; the last one alive, for a moment."""
        up = self.readers_up()
        who = self.dice.choice(up)
        back = Step("start_reader" if kind == "kill_reader" else "thaw_reader", who)
        if kind == "freeze_reader" and self.dice.random() < 0.2:
            back = Step("replace_reader", who)  # meanwhile another one of its name was started
        if len(up) == 1:
            return [Step(kind, who), back]
        self.readers[who] = number + self.dice.choice((1, 1, 1, 2, 2, 3, LONG)), back
        return [Step(kind, who)]

    def take_node(self, kind, number):
        up = [who for who in range(NODES) if who not in self.nodes]
        is_lie = kind == "spoil_node" and self.dice.random() < 0.2
        if len(up) < (NODES if is_lie else 2) or self.liar is not None:
            return []
        who = self.dice.choice(up)
        self.nodes[who] = number + self.dice.choice((1, 1, 2, 3)), Step("heal_node", who)
        if kind != "spoil_node":
            return [Step(kind, who)]
        if is_lie:
            self.liar = who
        what, details = self.dice.choice(LIES if is_lie else SPOILT)
        every = self.dice.choice((1, 1, 2, 7, 31))
        return [Step(kind, who, {"what": what, "every": every,
                                 "rest": self.dice.randrange(every), **details})]

    def details(self, kind):
        dice = self.dice
        if kind == "tear_holes":
            return {"at": round(dice.random(), 4), "count": dice.choice((1, 3, 20, 120, 400)),
                    "apart": dice.choice((1, 1, 2, 50)), "leftovers": dice.random() < 0.4}
        if kind == "backfill":
            return {"at": round(dice.random(), 4), "count": dice.choice((20, 150, 400)),
                    "stored": dice.choice((0, 0, 0, 1, 60)), "how": dice.choice(("kill", "kill", "stop"))}
        if kind == "cut_connections":
            return {"share": dice.choice((0.2, 0.5, 1))}
        return {}


def plan(seed, rounds):
    """The whole script."""
    return list(Plan(seed).rounds(rounds))
