"""A world whose database is a Galera cluster: each program knows all members."""

from . import galera
from .reader import Database
from .world import World


class ClusterWorld(World):
    """Its server is a galera.Cluster."""

    @property
    def cluster(self):
        return self.server

    def settings(self, name="reader", **sections):
        database = {"hosts": self.cluster.hosts(), "user": galera.USER,
                    **sections.pop("database", {})}
        return super().settings(name, database=database, **sections)

    def reader_at(self, place, **options):
        """A daemon whose first host is this member."""
        return self.start(name=f"reader-{place}", database={"hosts": self.cluster.hosts(place)},
                          **options)

    def at(self, member):
        """The tables as one member has them now."""
        return Database(lambda: member.connect(self.database))
