"""Three readers on a Galera cluster of three: whatever becomes of its members, nothing is lost.

All tests of this module share one cluster and run in one worker, one after another.
"""

import contextlib
import re
import subprocess

import pymysql
import pytest
from test_trxs_seen import chain_with, sign, wait_confirmed

from harness import galera, polling, servers, reader as readers_
from harness.chain import TOP, SyntheticChain
from harness.cluster_world import ClusterWorld
from harness.deliveries import LOST, Bot

pytestmark = [pytest.mark.xdist_group("cluster"), pytest.mark.timeout_s(150)]

LAST = 1500
LONG_S = 60  # for what takes a second, on a machine that does much else


class World(ClusterWorld):
    """With three readers, each beginning with another member."""

    def three_readers(self, **options):
        return [self.reader_at(place, **options) for place in range(3)]

    def checksums(self):
        """Of the rows, as each member has them once it has applied everything."""
        found = {}
        for member in self.cluster.members:
            with contextlib.closing(self.at(member)) as tables:
                tables.execute("SET SESSION wsrep_sync_wait = 15")
                found[member.name] = (tables.value("SELECT COUNT(*) FROM blocks"),
                                      tables.rows("CHECKSUM TABLE blocks, blockchain, known_gaps"))
        return found

    def expect_everywhere(self, node):
        """All that the node calls irreversible is stored, once, and no reader stopped; on every
        member the same rows. The auditor looks at them in one place."""
        last = node.still()
        self.db.wait_blocks(last, LONG_S)
        self.cluster.heal()
        for reader in self.readers:
            assert reader.is_running or reader.process.returncode == 0, reader.tail()
            self.allow_errors(*(line.event for line in reader.events()))
        found = self.checksums()
        assert len(set(found.values())) == 1, found
        self.expect(node.chain, (1, last))

    def report(self):
        return "\n".join([super().report(), *(member.report() for member in self.cluster.members)])

    def moves_on(self, node, blocks=10):
        """The tip is stored as it comes."""
        self.db.wait_block(node.irreversible + blocks, LONG_S)


@pytest.fixture(scope="module")
def cluster():
    if galera.missing():
        pytest.skip(f"no Galera cluster here: {galera.missing()} is missing")
    made = galera.Cluster()
    try:
        yield made.start()
    finally:
        made.close()


@pytest.fixture
def bare_cluster_world(request, cluster, tmp_path):
    if readers_.program() is None:
        pytest.skip("steem-reader is not built (STEEM_READER names it)")
    cluster.ready()
    made = World(cluster, tmp_path)
    request.node.world = made
    yield made
    made.close()


@pytest.fixture
def cluster_world(bare_cluster_world):
    return bare_cluster_world.migrate()


def slow(node, seconds=0.03):
    """So that a catch-up lasts some seconds."""
    return node.fault("delay", method="get_block", seconds=seconds)


SMALL = {"fetch": {"batch_size": 10, "connections": 4}, "write": {"batch_rows": 200},
         "log": {"level": "debug"}}


def sample(first_words):
    """The block of doc/high-availability.md that begins so."""
    text = (TOP / "doc" / "high-availability.md").read_text(encoding="utf-8")
    return re.search(rf"^```\w*\n({re.escape(first_words)}.*?)^```", text, re.S | re.M)[1]


def test_the_server_knows_the_settings_of_the_document(tmp_path):
    if not servers.available(servers.MariaDB):
        pytest.skip(servers.MariaDB.missing)
    path = tmp_path / "60-galera.cnf"
    path.write_text(sample("[mariadb]"), encoding="utf-8")
    shown = subprocess.run(
        [servers.MariaDB.program(), f"--defaults-file={path}", "--user=nobody",
         "--verbose", "--help"], capture_output=True, text=True, timeout=20, check=False)
    assert shown.returncode == 0 and "[ERROR]" not in shown.stderr, shown.stderr
    assert re.search(r"^wsrep-provider-options\s+gcache.size=2G", shown.stdout, re.M)


def test_the_reader_takes_the_configuration_of_the_document(bare_world, tmp_path):
    password, text = tmp_path / "password", sample("nodes =")
    password.write_text("open sesame\n", encoding="ascii")
    password.chmod(0o600)
    path = tmp_path / "reader.conf"
    path.write_text(re.sub('"/run/credentials/.*"', f'"{password}"', text), encoding="utf-8")
    bare_world.run("--check-config", config=path)


def test_tables_are_made_through_two_members_at_once(bare_cluster_world):
    """Views that are made so, without anything done about it, make a member hang for good; not
    each time."""
    world = bare_cluster_world
    for turn in range(4):
        world.cluster.execute(f"DROP DATABASE IF EXISTS {world.database}")
        world.cluster.members[1].wait_applied()  # or the tables are made in what is dropped there next
        both = [world.start("--migrate", name=f"migrate-{turn}-{place}",
                            database={"hosts": [world.cluster.members[place].host]})
                for place in (0, 1)]
        assert [reader.wait_exit(LONG_S) for reader in both] == [0, 0]
    seen = set()
    for member in world.cluster.members:
        with contextlib.closing(world.at(member)) as tables:
            tables.execute("SET SESSION wsrep_sync_wait = 15")
            seen.add(tables.rows("SELECT version, name FROM schema_version ORDER BY version"))
            assert tables.value("SELECT COUNT(*) FROM gaps") == 0
            assert tables.value("SELECT COUNT(*) FROM gap_claims") == 0
    assert len(seen) == 1 and seen.pop()


def test_tables_are_made_by_one_program_at_a_time(cluster_world):
    world = cluster_world
    member = world.cluster.members[1]
    world.db.execute("DELETE FROM schema_version")
    world.db.execute("INSERT INTO gap_claims VALUES (4294967295, '--migrate', 'another',"
                     " UTC_TIMESTAMP(6), UTC_TIMESTAMP(6) + INTERVAL 1 MINUTE)")
    second = world.start("--migrate", name="second", database={"hosts": [member.host]})
    wait_query(member, "SLEEP")
    assert world.db.value("SELECT COUNT(*) FROM schema_version") == 0
    # The other one died, and its time is over.
    world.db.execute("UPDATE gap_claims SET expires_at = UTC_TIMESTAMP(6)")
    assert second.wait_exit(LONG_S) == 0
    assert world.db.value("SELECT COUNT(*) FROM schema_version") > 0
    assert world.db.value("SELECT COUNT(*) FROM gap_claims") == 0


def test_three_readers_each_on_a_member_of_its_own(cluster_world):
    world = cluster_world
    node = world.node(irreversible=9000)
    slow(node, 0.1)
    readers = world.three_readers(fetch={"connections": 2}, log={"level": "debug"})
    world.db.wait_blocks(9000, LONG_S)
    for reader in readers:
        reader.wait_for("tail_started", timeout=LONG_S)
    node.heal()
    shares = world.db.rows("SELECT reader_id, COUNT(*) FROM blocks GROUP BY reader_id")
    assert len(shares) == 3 and min(share for _, share in shares) >= 500, shares
    node.live(0.1)
    world.moves_on(node, 20)
    world.expect_everywhere(node)


def test_a_member_is_killed_under_load(cluster_world):
    world = cluster_world
    node = world.node(irreversible=LAST)
    slow(node)
    readers = world.three_readers(**SMALL)
    world.db.wait_blocks(200, LONG_S)
    world.cluster.members[1].kill()
    readers[1].wait_for("database_lost", timeout=LONG_S)
    readers[1].wait_for("database_back", timeout=LONG_S)
    node.heal()
    world.db.wait_blocks(LAST, LONG_S)
    node.live(0.1)
    readers[1].wait_for("tail_started", timeout=LONG_S)
    world.moves_on(node)
    world.cluster.rejoin(world.cluster.members[1])
    world.moves_on(node)
    world.expect_everywhere(node)


def test_a_rewind_through_a_member_whose_bots_are_elsewhere(cluster_world):
    """Small transactions: bots of another member end deliveries meanwhile, and both agree who did."""
    world, rules = cluster_world, [{"queue": "all"}]
    wrong = SyntheticChain(fork=(101, "wrong"), plain=True)
    node = world.node(wrong, irreversible=1500)
    world.run("--once", filter=rules)
    bot = Bot(lambda: world.cluster.members[2].connect(world.database))
    bot.query("SET SESSION wsrep_sync_wait = 15")
    rewound = world.start("--rewind", "100")
    ended = set()
    while rewound.is_running:
        try:
            for row in bot.claim("all", 3, 60):
                bot.done(row)
                ended.add(row["delivery_id"])
        except pymysql.MySQLError as error:  # the rewind was first
            assert error.args[0] in (LOST, 1213, 1205), error
    assert rewound.wait_exit() == 0
    bot.close()
    assert world.db.value("SELECT COUNT(*) FROM deliveries_open WHERE block > 100") == 0
    done = {row[0] for row in world.db.rows("SELECT delivery_id FROM deliveries_ended WHERE state = 'done'")}
    assert done == ended and ended
    assert world.db.value("SELECT COUNT(*) FROM deliveries_ended WHERE block > 100") == 1400
    assert world.db.value("SELECT COUNT(*) FROM orphans") == 1400
    node.chain = SyntheticChain(plain=True)
    world.run("--once", filter=rules)
    assert len(set(world.checksums().values())) == 1
    world.expect(node.chain, (1, 1500), rules=rules, forks=[wrong])


def test_a_member_outside_of_the_majority_is_left(cluster_world):
    world = cluster_world
    alone = world.cluster.members[0]
    node = world.node(irreversible=300)
    readers = world.three_readers(**SMALL)
    for reader in readers:
        reader.wait_for("tail_started", timeout=LONG_S)
    node.live(0.1)
    world.moves_on(node, 3)
    alone.isolate()
    alone.wait_status("wsrep_cluster_status", lambda status: status == "non-Primary")
    with pytest.raises(pymysql.MySQLError, match="1047"):
        world.at(alone).rows("SELECT COUNT(*) FROM blocks")
    readers[0].wait_for("database_back", timeout=LONG_S)
    assert alone.host not in readers[0].events("database_back")[-1].text
    world.moves_on(node)
    # One that is started now does not take it either.
    fresh = world.start("--once", name="fresh", log={"level": "debug"},
                        database={"hosts": world.cluster.hosts(0)})
    assert fresh.wait_exit(LONG_S) == 0
    world.expect_everywhere(node)


def wait_query(member, words):
    """Until a session of a reader waits in a statement with these words."""
    with contextlib.closing(readers_.Database(member.connect)) as tables:
        tables.wait_until("SELECT COUNT(*) FROM information_schema.processlist"
                          " WHERE user = %s AND info LIKE %s", bool, LONG_S,
                          (galera.USER, f"%{words}%"))


def test_no_false_holes_on_a_member_that_is_behind(cluster_world):
    world = cluster_world
    behind = world.cluster.members[2]
    node = world.node(irreversible=200)
    world.run("--once", name="first")
    world.forget_blocks(*range(50, 60))
    with contextlib.closing(world.at(behind)) as tables:
        tables.wait_until("SELECT COUNT(*) FROM blocks", lambda count: count == 190)
        behind.hold()
        world.run("--once", name="second", database={"hosts": world.cluster.hosts(0)[:2]})
        assert tables.value("SELECT COUNT(*) FROM blocks") == 190  # it knows nothing of them
    look = world.start("--gaps", "--check", name="look", database={"hosts": [behind.host]})
    wait_query(behind, "SELECT")
    behind.release()
    assert look.wait_exit(LONG_S) == 0, look.stdout
    world.expect_everywhere(node)


def test_no_wrong_end_on_a_member_that_is_behind(bare_cluster_world):
    """The tables are made, and their member has not heard of it yet: no reason to give up."""
    world = bare_cluster_world
    behind = world.cluster.members[2]
    node = world.node(irreversible=100)
    world.cluster.execute(f"CREATE DATABASE {world.database}")
    behind.wait_status("wsrep_local_recv_queue", lambda length: length == "0")
    behind.hold()
    world.migrate()
    reader = world.start("--once", name="early", database={"hosts": [behind.host]})
    wait_query(behind, "schema_version")
    behind.release()
    assert reader.wait_exit(LONG_S) == 0
    world.expect_everywhere(node)


def test_a_member_that_is_held_up_is_left(cluster_world):
    """As the one that gives its state to another by rsync: it answers, but commits nothing."""
    world = cluster_world
    held = world.cluster.members[1]
    node = world.node(irreversible=300)
    reader = world.reader_at(1, **SMALL)
    reader.wait_for("tail_started", timeout=LONG_S)
    node.live(0.2)
    world.moves_on(node, 3)
    held.hold()
    stored = world.db.value("SELECT MAX(block) FROM blocks")
    world.db.wait_block(stored + 1, LONG_S)
    assert held.status("wsrep_local_state_comment") == "Donor/Desynced"
    held.release()
    world.expect_everywhere(node)


def test_clocks_that_differ(cluster_world):
    """One member's clock is 40 s ahead, another's 40 s behind: claims are taken
    too early, several readers commit the same blocks through different members, all but one learn
    of it at COMMIT, and nothing is wrong."""
    world = cluster_world
    conflicts = ("wsrep_local_cert_failures", "wsrep_local_bf_aborts")
    before = sum(map(world.cluster.status_sum, conflicts))
    node = world.node(irreversible=LAST * 2)
    slow(node)
    readers = []
    with world.cluster.clocks(0, 40, -40):
        for place, event in ((2, "cell_claimed"), (0, "claim_taken_over"), (1, "started")):
            readers.append(world.start(name=f"reader-{place}", **SMALL, database={
                "hosts": [world.cluster.members[place].host]}))
            readers[-1].wait_for(event, timeout=LONG_S)
        for reader in readers:
            reader.wait_for("tail_started", timeout=LONG_S)
        # In a replay they may miss each other; at the tip all three are at the same block.
        node.heal()
        node.live(0.1)
        world.moves_on(node)
        polling.poll(lambda: any("(1213)" in line.text for reader in readers
                                 for line in reader.events("commit_retry", "commit of blocks")),
                     timeout=LONG_S, otherwise=lambda _: "no commit met another one")
        assert sum(map(world.cluster.status_sum, conflicts)) > before
        node.still()
        world.db.wait_blocks(node.irreversible, LONG_S)
        for reader in readers:
            assert reader.stop() == 0
    world.expect_everywhere(node)


def test_one_member_after_another_is_restarted(cluster_world):
    world = cluster_world
    node = world.node(irreversible=LAST)
    slow(node)
    world.three_readers(**SMALL)
    node.live(0.1)
    for member in world.cluster.members:
        member.stop()
        world.moves_on(node, 0)
        world.cluster.rejoin(member)
    world.expect_everywhere(node)


def all_lost(world, readers):
    world.db.close()
    for reader in readers:
        reader.wait_for("database_lost", timeout=LONG_S)


def test_no_signed_transaction_is_missed(cluster_world):
    """A poster signs by one member, at once the block comes, and readers store it by the others, which may not have
    applied the row yet."""
    world = cluster_world
    chain = chain_with(*range(LAST + 2, LAST + 42, 2))
    node = world.node(chain, irreversible=LAST)
    readers = world.three_readers(**SMALL)
    world.db.wait_blocks(LAST, LONG_S)
    for turn, number in enumerate(range(LAST + 2, LAST + 42, 2)):
        with contextlib.closing(world.at(world.cluster.members[turn % 3])) as tables:
            sign(tables, chain, number)
            node.advance(2)
        world.db.wait_block(number, LONG_S)
    wait_confirmed(world.db, chain, *range(LAST + 2, LAST + 42, 2), timeout=LONG_S)
    assert all(reader.is_running for reader in readers)
    world.expect_everywhere(node)


def tell_to_go_on(member):
    """As doc/high-availability.md says."""
    has_plugin = member.execute("SHOW VARIABLES LIKE 'wsrep_provider_pc_bootstrap'")
    member.execute("SET GLOBAL wsrep_provider_pc_bootstrap = ON" if has_plugin else
                   "SET GLOBAL wsrep_provider_options = 'pc.bootstrap=1'")


def test_two_of_three_die_and_the_third_is_told_to_go_on(cluster_world):
    world = cluster_world
    *dead, left = world.cluster.members
    node = world.node(irreversible=LAST)
    slow(node)
    readers = world.three_readers(**SMALL)
    world.db.wait_blocks(300, LONG_S)
    for member in dead:
        member.kill()
    left.wait_status("wsrep_cluster_status", lambda status: status == "non-Primary")
    all_lost(world, readers)
    tell_to_go_on(left)
    world.db.wait_blocks(LAST, LONG_S)
    world.expect_everywhere(node)


def test_the_whole_cluster_crashes(cluster_world):
    """Once all come back as if nothing had been; once one has to be told to begin anew."""
    world = cluster_world
    node = world.node(irreversible=LAST * 2)
    slow(node)
    readers = world.three_readers(**SMALL)
    for blocks, begin in ((300, world.cluster.start_all), (600, world.cluster.bootstrap)):
        world.db.wait_blocks(blocks, LONG_S)
        for member in world.cluster.members:
            member.kill()
        all_lost(world, readers)
        begin()
        for reader in readers:
            reader.wait_for("database_back", timeout=LONG_S)
    node.heal()
    world.db.wait_blocks(LAST * 2, LONG_S)
    world.expect_everywhere(node)
