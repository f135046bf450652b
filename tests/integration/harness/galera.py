"""A real MariaDB Galera Cluster of three servers on the loopback interface.

A server of the cluster is called a member here: a node is one of the chain. Each member has four
ports of its own (clients, group, both kinds of state transfer), a small write-set cache and short
time-outs of the group. As root the state transfer by rsync fails, so members run as `nobody` then.

Of the package mariadb-server only the scripts of the state transfer are needed. scripts/packages
unpacks them into a folder, which $CLUSTER_TOOLS names, and installs nothing; where the package
is installed, that folder is not needed.
"""

import concurrent.futures
import contextlib
import os
import pathlib
import pwd
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile

import pymysql
import pytest

from . import servers, moved
from .polling import poll

PROVIDERS = ("/usr/lib/galera/libgalera_smm.so", "/usr/lib/libgalera_smm.so",
             "/usr/lib64/galera-4/libgalera_smm.so", "/usr/lib64/galera/libgalera_smm.so")
PROVIDER_OPTIONS = {
    "gcache.size": "24M", "gcache.page_size": "8M",
    # dead after some seconds instead of fifteen; a reader's patience is measured, not Galera's
    "evs.keepalive_period": "PT0.5S", "evs.suspect_timeout": "PT3S",
    "evs.inactive_timeout": "PT5S", "evs.inactive_check_period": "PT0.5S",
    "evs.install_timeout": "PT4S", "pc.announce_timeout": "PT1S",
    "repl.causal_read_timeout": "PT3S",
}
OPTIONS = [
    *servers.OPTIONS, *servers.MariaDB.options, "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2",
    "--default-storage-engine=InnoDB", "--wsrep-on=ON", "--wsrep-cluster-name=steem-reader-test",
    "--wsrep-node-address=127.0.0.1", "--wsrep-sst-method=rsync", "--wsrep-slave-threads=2",
]
USER = "cluster"  # may do everything, by TCP
START_TIMEOUT_S = 60
REPAIR_TIMEOUT_S = 20  # for a member that is up, until it is level with the others
# Members die with the thread that started them: not with that of a test, but with this one.
LAUNCHER = concurrent.futures.ThreadPoolExecutor(1)


def provider():
    """The library of Galera, or None."""
    return next(filter(os.path.exists, PROVIDERS), None)


def _tools_path():
    tools = os.environ.get("CLUSTER_TOOLS")
    return os.pathsep.join([*([f"{tools}/usr/bin"] if tools else []), os.environ.get("PATH", ""),
                            "/usr/bin", "/usr/sbin", "/usr/local/sbin"])


def _copy_tools(folder):
    """To where the members may read them, whoever they run as."""
    transfer = shutil.which("wsrep_sst_rsync", path=_tools_path())
    folder.mkdir(mode=0o755)
    for script in pathlib.Path(transfer).parent.glob("wsrep_sst_*"):
        shutil.copy(script, folder)


def missing():
    """What is missing for a cluster, in words; "" where one can be started."""
    if servers.CHOSEN is not servers.MariaDB:
        return "MariaDB, to which Galera belongs,"
    needs = {"galera-4": provider(), "mariadb-server-core": servers.available(servers.MariaDB),
             **{package: shutil.which(program, path=_tools_path()) for package, program in (
                 ("mariadb-server (unpacked: CLUSTER_TOOLS)", "wsrep_sst_rsync"),
                 ("rsync", "rsync"), ("lsof", "lsof"), ("util-linux", "setpriv"))}}
    return ", ".join(package for package, there in needs.items() if not there)


def _owner():
    """(uid, gid) of the members' processes, or None: ourselves."""
    if os.getuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _as_owner():
    owner = _owner()
    if owner is None:
        return list(servers.DIES_WITH_US)
    uid, gid = owner
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups",
            "--pdeathsig", "KILL"]


def _give_away(folder):
    owner = _owner()
    if owner is None:
        return
    for path, _, names in os.walk(folder):
        for name in [path, *(os.path.join(path, name) for name in names)]:
            os.chown(name, *owner, follow_symlinks=False)


def _free_ports(count):
    """Ports below those that the system gives to outgoing connections: a member that is
    down for a while finds its own again."""
    while True:
        first = random.randrange(12000, 32000)
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    sock = stack.enter_context(socket.socket())
                    sock.bind(("127.0.0.1", port))
            except OSError:
                continue
            return list(range(first, first + count))


class Member:
    """One server of the cluster."""

    def __init__(self, folder, name, can_be_isolated):
        self.name, self.folder = name, pathlib.Path(folder) / name
        self.can_be_isolated = can_be_isolated
        self.folder.mkdir()
        self.data, self.socket = self.folder / "data", str(self.folder / "s")
        self.port, self.group, self.ist, self.sst = _free_ports(4)
        self.process = None
        self._holder = self._position = None
        self.is_isolated = False
        # Its calendar can be moved, where there is a C compiler.
        self.clock = moved.Clock(self.folder) if moved.compiler() else None
        shutil.copytree(servers.template(servers.MariaDB), self.data)
        _give_away(self.folder)

    @property
    def host(self):
        """As database.hosts names it."""
        return f"127.0.0.1:{self.port}"

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    # ---- its life

    def start(self, peers, bootstrap=False, wait=True):
        """Start and, unless bootstrap, join the peers."""
        known = [] if bootstrap else [f"127.0.0.1:{peer.group}" for peer in peers]
        options = dict(PROVIDER_OPTIONS)
        options["gmcast.listen_addr"] = f"tcp://127.0.0.1:{self.group}"
        options["ist.recv_addr"] = f"127.0.0.1:{self.ist}"
        position = self.recovered() if (self.data / "grastate.dat").exists() else None
        self._position = None
        self.is_isolated = False
        self._run([
            f"--port={self.port}", "--bind-address=127.0.0.1",
            f"--wsrep-cluster-address=gcomm://{','.join(known)}",
            f"--wsrep-node-name={self.name}",
            *(["--loose-plugin-wsrep-provider=OFF"] if self.can_be_isolated else []),
            f"--wsrep-sst-receive-address=127.0.0.1:{self.sst}",
            "--wsrep-provider-options=" + ";".join(f"{k}={v}" for k, v in options.items()),
            *([f"--wsrep-start-position={position}"] if position else []),
            *(["--wsrep-new-cluster"] if bootstrap else [])])
        if wait:
            self.wait_synced()
        return self

    def _run(self, arguments):
        log = open(self.folder / "log", "ab")  # pylint: disable=consider-using-with
        with log:
            self.process = LAUNCHER.submit(
                subprocess.Popen, [*_as_owner(), servers.MariaDB.program(), "--no-defaults",
                 f"--datadir={self.data}", f"--socket={self.socket}",
                 f"--pid-file={self.folder}/pid", f"--tmpdir={self.folder}", *OPTIONS,
                 f"--wsrep-provider={provider()}", *arguments],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                env={**os.environ, "PATH": f"{self.folder.parent}/bin:{_tools_path()}",
                     "TMPDIR": str(self.folder), **(self.clock.environment if self.clock else {})},
                start_new_session=True).result()

    def recovered(self):
        """The last write-set in its data directory, "uuid:number"; it must be down."""
        if self._position is None:
            self._position = self._recover()
        return self._position

    def _recover(self):
        noted = re.search(r"^uuid: *(\S+)\nseqno: *(\d+)$",
                          (self.data / "grastate.dat").read_text(encoding="ascii"), re.M)
        if noted:  # after an orderly shutdown
            return f"{noted[1]}:{noted[2]}"
        place = (self.folder / "log").stat().st_size
        self._run(["--wsrep-recover", "--skip-networking", "--wsrep-cluster-address=gcomm://"])
        self.process.wait(START_TIMEOUT_S)
        with open(self.folder / "log", encoding="utf-8", errors="replace") as log:
            log.seek(place)
            found = re.search(r"Recovered position: (\S+)", log.read())
        return found[1] if found else None

    def wait_synced(self, timeout=START_TIMEOUT_S):
        self.wait_status("wsrep_local_state_comment", lambda value: value == "Synced", timeout)
        return self

    def wait_status(self, name, predicate, timeout=START_TIMEOUT_S):
        """Poll a status variable until the predicate holds for it."""
        return self._poll(lambda: self.status(name), predicate, name, timeout)

    def wait_applied(self, timeout=START_TIMEOUT_S):
        """Until it has applied all that the group has committed before."""
        self._poll(lambda: self.execute("SET SESSION wsrep_sync_wait = 15", "SELECT 1"), bool,
                   "a read that waits for all before it", timeout)

    def _poll(self, ask, predicate, name, timeout):
        return poll(ask, predicate, timeout=timeout, interval=0.03,
                    not_yet=pymysql.MySQLError, is_lost=lambda: not self.is_running,
                    otherwise=lambda value: f"{self.name}: {name}: {value!r}\n{self.report()}\n"
                                            f"{self.log()}")

    def stop(self):
        """An orderly shutdown: it says good-bye to the group."""
        self.release()
        if self.is_running:
            self.thaw()
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(START_TIMEOUT_S)

    def kill(self):
        """kill -9, also what it started for a state transfer."""
        self._holder = None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def isolate(self, cut_off=True):
        """Cut off from the group, as by a broken cable; clients still reach it."""
        assert self.can_be_isolated
        self.is_isolated = cut_off
        self.execute(f"SET GLOBAL wsrep_provider_options = 'gmcast.isolate={int(cut_off)}'")

    def hold(self):
        """Nothing that the group sends is applied, until release(). Reads are answered."""
        self._holder = self.connect()
        with self._holder.cursor() as cursor:
            cursor.execute("FLUSH TABLES WITH READ LOCK")

    def release(self):
        if self._holder is not None:
            with contextlib.suppress(pymysql.MySQLError):
                self._holder.close()
        self._holder = None

    # ---- talking to it

    def connect(self, database=None, **options):
        """As root, by its socket; what it answers may be old, see Cluster.connect()."""
        settings = dict(unix_socket=self.socket, user="root", database=database, autocommit=True,
                        read_timeout=30,
                        charset="utf8mb4", init_command="SET time_zone = '+00:00'",
                        connect_timeout=10)
        return pymysql.connect(**{**settings, **options})

    def execute(self, *statements):
        """Also where it is not part of the group: then it takes SHOW and SET GLOBAL, no more."""
        return servers.run(self.connect(autocommit=None, init_command=None), statements)

    def status(self, name):
        rows = self.execute(f"SHOW STATUS LIKE '{name}'")
        return rows[0][1] if rows else None

    def report(self):
        """For a failure's report: how it is, and how the group has been."""
        try:
            state = [f"{name} = {self.status(name)}" for name in (
                "wsrep_cluster_status", "wsrep_cluster_size", "wsrep_local_state_comment",
                "wsrep_flow_control_paused", "wsrep_local_recv_queue")]
            busy = [str(row) for row in self.execute("SHOW FULL PROCESSLIST")
                    if row[4] != "Sleep"]
        except (AttributeError, pymysql.MySQLError) as error:
            state, busy = [str(error)], []
        text = (self.folder / "log").read_text(errors="replace").splitlines()
        views = [line for line in text if re.search(
            r"suspecting|New COMPONENT|Shifting|inactive check|ERROR|ready for connections", line)]
        return "\n".join([f"--- {self.name}: {', '.join(state)}", *busy, *views[-20:]])

    def log(self):
        return (self.folder / "log").read_text(errors="replace")[-6000:]


class Cluster(servers.Service):
    """Three members; for a World it stands in the place of a server.

    Only the first can be isolated: for that a server from MariaDB 11.8 on must run without its plugin
    wsrep_provider. The others have the plugin, as those of operators have.
    """

    def __init__(self, size=3):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sr-cl-"))
        if _owner():
            os.chmod(self.folder, 0o711)
        _copy_tools(self.folder / "bin")
        self.members = [Member(self.folder, f"m{i}", can_be_isolated=i == 0) for i in range(size)]
        self.shunned = None  # connect() does not try this member

    def start(self):
        first, *rest = self.members
        first.start(self.members, bootstrap=True)
        first.execute(f"CREATE USER {USER}@'127.0.0.1'",
                      f"GRANT ALL ON *.* TO {USER}@'127.0.0.1' WITH GRANT OPTION")
        for member in rest:
            member.start(self.members)
        return self

    @contextlib.contextmanager
    def clocks(self, *ahead_s):
        """Meanwhile each member's calendar is so many seconds ahead of this host's."""
        if not moved.compiler():
            pytest.skip("no C compiler here, so no clock can be moved")
        try:
            self.move(ahead_s)
            yield
        finally:
            self.move([0] * len(self.members))

    def move(self, ahead_s):
        """Set each member's calendar so many seconds ahead."""
        for member, seconds in zip(self.members, ahead_s):
            member.clock.move(seconds)

    def ready(self):
        """Before a test: what is left of the last one, be it a member in which something hangs,
        is not this one's trouble. Then all begin anew."""
        try:
            self.heal(REPAIR_TIMEOUT_S)
            self._try_tables()
        except (AssertionError, pymysql.MySQLError) as error:
            print(f"the cluster begins anew: {error}")
            for member in self.running():
                member.kill()
            self.heal()
            self._try_tables()

    def _try_tables(self):
        """Each member makes a table, which waits for all sessions and all appliers; each must
        get what the others made."""
        for member in self.members:
            member.execute("CREATE OR REPLACE DATABASE probe",
                           "CREATE TABLE probe.probe (id INT PRIMARY KEY)",
                           "INSERT INTO probe.probe VALUES (1)", "DROP DATABASE probe")
        for member in self.members:
            member.wait_applied(REPAIR_TIMEOUT_S)

    def heal(self, timeout=START_TIMEOUT_S):
        """All members up, in one group and level with each other, whatever a test did."""
        for member in self.members:
            if member.is_running:
                member.thaw()
                member.release()
        if not any(self._is_primary(member) for member in self.members):
            self.bootstrap()
        for member in self.members:
            self._bring_back(member)
        self.wait_level(timeout)

    @staticmethod
    def _is_primary(member):
        try:
            return member.is_running and member.status("wsrep_cluster_status") == "Primary"
        except pymysql.MySQLError:
            return False

    def _bring_back(self, member):
        if member.is_running:
            with contextlib.suppress(pymysql.MySQLError):
                member.status("wsrep_cluster_status")
                if member.is_isolated:
                    member.isolate(False)
                return
            member.kill()
        self.rejoin(member, wait=False)

    def rejoin(self, member, wait=True):
        """Start a member that is down. The group must have noticed that it was: else it takes the
        new one for the old one, and some seconds longer."""
        count = len(self.running())
        if self.running():
            self.running()[0].wait_status("wsrep_cluster_size", lambda size: int(size) <= count)
        member.start(self.members, wait=wait)

    def start_all(self):
        """After a crash of all of them at once: they find each other again, once all are back."""
        self._recover_all()
        for member in self.members:
            member.start(self.members, wait=False)
        for member in self.members:
            member.wait_synced()

    def _recover_all(self):
        """Each member that is down finds out how far it is; that takes a second or more."""
        down = [member for member in self.members if not member.is_running]
        with concurrent.futures.ThreadPoolExecutor(len(down)) as pool:
            list(pool.map(Member.recovered, down))

    def bootstrap(self):
        """The whole cluster is down, or none is primary: the most advanced begins anew."""
        for member in self.members:
            if member.is_running:
                member.kill()
        self._recover_all()
        newest = max(self.members, key=lambda member: int(member.recovered().rsplit(":", 1)[1]))
        state = newest.data / "grastate.dat"
        state.write_text(re.sub(r"safe_to_bootstrap: \d", "safe_to_bootstrap: 1",
                                state.read_text(encoding="ascii")), encoding="ascii")
        newest.start(self.members, bootstrap=True)
        return newest

    def wait_level(self, timeout=START_TIMEOUT_S):
        """Every running member is in the group and level with it."""
        running = self.running()
        for member in running:
            member.wait_status("wsrep_cluster_size", lambda size: int(size) == len(running),
                               timeout)
            member.wait_synced(timeout)
        for member in running:
            member.wait_applied(timeout)

    def running(self):
        return [member for member in self.members if member.is_running]

    def hosts(self, first=0):
        """database.hosts, beginning with one of them."""
        names = [member.host for member in self.members]
        return names[first:] + names[:first]

    # ---- what a World asks of a server

    @property
    def socket(self):
        return self.members[0].host

    def connect(self, database=None, **options):
        """To the first member that is part of the group; reads what is committed anywhere."""
        error = None
        for member in self.running():
            if member is self.shunned:
                continue
            with contextlib.suppress(pymysql.MySQLError):
                connection = member.connect(database, **options)
                with connection.cursor() as cursor:
                    cursor.execute("SHOW STATUS LIKE 'wsrep_local_state_comment'")
                    if cursor.fetchone()[1] == "Synced":
                        cursor.execute("SET SESSION wsrep_sync_wait = 15")
                        return connection
                connection.close()
        raise error or pymysql.OperationalError(2003, "no member of the cluster is there")

    def status_sum(self, name):
        """A counter, added up over the running members."""
        return sum(int(member.status(name)) for member in self.running())

    def close(self):
        for member in self.members:
            if member.is_running:
                member.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
