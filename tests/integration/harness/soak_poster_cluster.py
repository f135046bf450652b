"""Once in effect, on three Galera members: of these one at a time dies, freezes or is cut off.

    python3 -m harness.soak_poster --cluster --seed 7            make soak-poster CLUSTER=1 SEED=7

All that harness/soak_poster.py does, with calendars of the members that differ. Readers, posters and bots begin
with different members.
"""

import contextlib

import pymysql

from . import galera
from .cluster_world import ClusterWorld
from .reader import Database
from .soak_poster import KINDS, UNDO, Soak
from .polling import poll

CLOCKS_S = (0, 2, -2)  # how far the members are ahead
PATIENCE_S = 40  # until a member takes a statement, while one is away


class PatientDatabase(Database):
    """Asks again, and elsewhere, while members come and go; if none answers, the operator must help. What it
    changes may be changed twice."""

    def __init__(self, connect, help_):
        super().__init__(connect)
        self._help = help_

    def rows(self, statement, *args):
        return self._again(lambda: super(PatientDatabase, self).rows(statement, *args))

    def execute(self, statement, *args):
        return self._again(lambda: super(PatientDatabase, self).execute(statement, *args))

    def _again(self, ask):
        def once():
            try:
                return (ask(),)
            except pymysql.MySQLError:
                self.close()
                raise
        def wait():
            return poll(once, timeout=PATIENCE_S, interval=0.2, not_yet=pymysql.MySQLError,
                        otherwise=lambda error: f"no member takes it for {PATIENCE_S} s: {error}")[0]
        try:
            return wait()
        except AssertionError:
            self._help()
            return wait()


class ClusterSoak(Soak):
    """See the module's text."""

    kinds = {**KINDS, "kill_database": 5, "freeze_database": 3, "cut_off_database": 4, "move_calendar": 3}
    undone = {**UNDO, "kill_database": "member_back", "freeze_database": "member_back",
              "cut_off_database": "member_back"}
    asks = (0, 0, 1, 2)  # a member takes seconds to go and to come back
    make_world = ClusterWorld
    make_server = galera.Cluster

    @staticmethod
    def command(seed, actions):
        return f"{Soak.command(seed, actions)} CLUSTER=1"

    def begin(self):
        self.server.move(CLOCKS_S)
        self.world.db = PatientDatabase(self.world.connect, self.restore_majority)
        super().begin()

    def database(self, who):
        return {"hosts": self.server.hosts(who % 3), "user": galera.USER, "name": self.world.database}

    def connect_bot(self, who):
        member = self.server.members[who]
        if member is self.server.shunned:
            return self.world.connect()
        return member.connect(self.world.database)

    # ---- what happens

    def cut_connections(self, share, who=0, **_):
        """Those of readers and posters to one member."""
        member = self.server.members[who % 3]
        with contextlib.suppress(pymysql.MySQLError), contextlib.closing(self.world.at(member)) as tables:
            if member is not self.server.shunned:
                tables.kill_others("user = %s", galera.USER, pick=lambda: self.dice.random() < share)

    def take_away(self, place, how):
        """One at a time: without two of three there is no cluster."""
        if self.server.shunned is None:
            self.server.shunned = self.server.members[place % 3]
            how(self.server.shunned)
            return
        self.done["another is away"] += 1

    def kill_database(self, who, **_):
        self.take_away(who, lambda member: member.kill())

    def freeze_database(self, who, **_):
        self.take_away(who, lambda member: member.freeze())

    def cut_off_database(self, **_):
        self.take_away(0, lambda member: member.isolate())

    def member_back(self, **_):
        """Level with the others again."""
        if self.server.shunned is None:
            return
        self.server.shunned = None
        try:
            self.server.heal()
        except AssertionError as error:  # a second one went by itself: all begin anew, from the newest
            self.say(f"  the cluster begins anew: {str(error):.3000}")
            self.done["cluster began anew"] += 1
            for member in self.server.running():
                member.kill()
            self.server.heal()

    def restore_majority(self):
        """The two that were left do not find each other, as on a machine that is much too busy."""
        self.done["majority lost"] += 1
        self.server.shunned = self.server.shunned or self.server.members[0]
        self.member_back()

    def move_calendar(self, ahead_s, who=0, **_):
        self.server.members[who % 3].clock.move(ahead_s)

    def calendar_back(self, **_):
        self.server.move(CLOCKS_S)

    # ---- the end

    def heal(self):
        self.member_back()
        super().heal()
