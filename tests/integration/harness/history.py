"""What bots did, and whether it was right: a delivery is with one of them at a time, and ends once.

A history is a list of events by the host's monotonic clock: `claim` (with the rows that it gave),
`renew`, `ending` (sent), `ended` (acknowledged), `lost` (refused: 31001), and of those that kill
`killed`; a command of steem-worker writes `begun` and `over`. A delivery is held with a token from
the return of the claim until the lease ends (counted from before the claim or the renewal was sent),
the end is acknowledged (of a retry: is sent), or the holder is dead, whichever is first.
"""

import collections
import json


def read(paths):
    """All events of all files; a last line that is not whole was never written."""
    found = []
    for path in paths:
        for line in path.read_text(encoding="ascii").splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
    return found


class Hold:
    """One delivery, held with one token."""

    def __init__(self, delivery, token, attempt, begin, end, pid, is_command=False):
        self.delivery, self.token, self.attempt = delivery, token, attempt
        self.begin, self.end, self.pid, self.is_command = begin, end, pid, is_command
        self.claimed = begin  # when the claim was sent
        self.ended = None  # (kind, when acknowledged)
        self.sent = None  # when its end was sent

    def __str__(self):
        return f"{self.delivery} attempt {self.attempt} by {self.pid}: {self.begin:.3f}..{self.end:.3f}"


def holds(events):
    """{(delivery, token): Hold}"""
    made = {}
    for one in events:
        if one["event"] == "claim":
            for delivery, token, attempt in one["rows"]:
                made[delivery, token] = Hold(delivery, token, attempt, one["got"],
                                             one["sent"] + one["lease_s"], one["pid"])
                made[delivery, token].claimed = one["sent"]
        elif one["event"] == "begun":  # a command: held while it runs, which its worker sees to
            made[one["delivery"], one["token"]] = Hold(
                one["delivery"], one["token"], one["attempt"], one["at"], one["at"], one["pid"],
                True)
    for one in events:
        hold = made.get((one.get("delivery"), one.get("token")))
        if hold is None:
            continue
        if one["event"] == "renew":
            hold.end = max(hold.end, one["sent"] + one["lease_s"])
        elif one["event"] == "over":
            hold.end = one["at"]
    for one in events:
        hold = made.get((one.get("delivery"), one.get("token")))
        if one["event"] == "ending":
            hold.sent = one["sent"]
            if one["kind"] == "retry":
                hold.end = min(hold.end, one["sent"])
        elif one["event"] == "ended":
            hold.ended = one["kind"], one["got"]
            hold.end = min(hold.end, one["got"])
        elif one["event"] == "lost":
            hold.end = min(hold.end, one["got"])
        elif one["event"] == "killed":
            for other in made.values():
                if other.pid == one["pid"]:
                    other.end = min(other.end, one["at"])
    return made


def check(events, deliveries, ended, effects):
    """(what is wrong, counts). ended: (delivery, state, attempts, token) rows; effects: (delivery,
    token) rows of what bots did in the transaction of their queue_done."""
    wrong, of = [], collections.defaultdict(list)
    for hold in holds(events).values():
        of[hold.delivery].append(hold)
    final = {row[0]: row for row in ended}
    if len(final) != len(ended):
        wrong.append("a delivery has ended twice")
    wrong += [f"{one} is lost" for one in sorted(set(deliveries) - set(final))]
    for delivery, list_ in of.items():
        wrong += _check_one(sorted(list_, key=lambda hold: hold.begin), final.get(delivery))
    done = {row[0]: row[3] for row in ended if row[1] == "done"}
    wrong += [f"{one}: its effect is another claim's, or was of none that is done"
              for one, token in effects if done.get(one) != token]
    tried = [hold for list_ in of.values() for hold in list_]
    counts = {
        "deliveries": len(deliveries), "holds": len(tried),
        "done": len(done), "failed": sum(row[1] == "failed" for row in ended),
        "effects": len(effects),
        "refused (31001)": sum(one["event"] == "lost" for one in events),
        "renewed": sum(one["event"] == "renew" for one in events),
        "killed": sum(one["event"] == "killed" for one in events),
        "frozen": sum(one["event"] == "frozen" for one in events)}
    return wrong, counts


def _check_one(list_, final):
    """The holds of one delivery, in their order."""
    wrong = []
    # One whose bot was frozen until its lease was over was never held.
    live = [hold for hold in list_ if hold.begin <= hold.end]
    for before, after in zip(live, live[1:]):
        if after.begin < before.end:
            wrong.append(f"held twice at once: {before} and {after}")
        # What a steem-worker gives back without having tried does not count as an attempt.
        if after.attempt < before.attempt + (not before.is_command):
            wrong.append(f"attempts go back: {before} and {after}")
    for place, hold in enumerate(live):
        if hold.ended and any(other.begin < hold.sent for other in live[place + 1:]):
            wrong.append(f"a stale token ended it: {hold}")
    for hold in list_:
        if hold.ended and hold.ended[0] != "retry" and \
                any(other.claimed > hold.ended[1] for other in list_):
            wrong.append(f"claimed again after its end: {hold}")
    ends = [hold for hold in list_ if hold.ended and hold.ended[0] != "retry"]
    if len(ends) > 1:
        wrong.append(f"ended by two: {ends[0]} and {ends[1]}")
    if final is not None and final[2] < max(hold.attempt for hold in list_):
        wrong.append(f"{list_[-1]}: ended with {final[2]} attempts")
    return wrong
