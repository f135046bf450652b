"""A private database server in a temporary folder; no system service, no system database.

DATABASE=mysql in the environment makes it MySQL, as scripts/mysql has unpacked it into the folder
that MYSQL_TOOLS names; else it is MariaDB. A test that asks for what only one of them has says so
with @only_mariadb or @only_mysql. ROOT_BY_SOCKET=1 makes MariaDB believe the operating system who
comes through the socket: no other method is known to MySQL's library from 9.0 on, too.

The template of the data directory is made once per server version and user, then copied.
Commits reach the operating system at once (flush at commit = 2): a kill -9 of the server loses
nothing that was acknowledged.
"""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import pymysql
import pytest

from . import shared
from .polling import poll

# What a server gets that the program must not depend on is among these, on purpose.
OPTIONS = [
    "--skip-name-resolve", "--innodb-autoextend-increment=1", "--innodb-buffer-pool-size=64M",
    "--innodb-flush-log-at-trx-commit=2", "--skip-log-bin", "--key-buffer-size=1M", "--performance-schema=OFF",
    "--max-allowed-packet=64M", "--character-set-server=latin1", "--sql-mode=",
    "--default-time-zone=+05:30", "--transaction-isolation=REPEATABLE-READ",
    "--max-connections=60", "--innodb-buffer-pool-dump-at-shutdown=OFF",
    "--innodb-buffer-pool-load-at-startup=OFF",
]
START_TIMEOUT_S = 30
# util-linux's setpriv: what we start dies with us, also when we are killed
DIES_WITH_US = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


def find(*names):
    """The path of the first program of these names, or None."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/usr/libexec:/usr/local/sbin"
    return next(filter(None, (shutil.which(name, path=path) for name in names)), None)


def _executable(path):
    return path if os.access(path, os.X_OK) else None


def _of_mysql(name):
    """One of those that scripts/mysql makes."""
    return _executable(os.path.join(os.environ.get("MYSQL_TOOLS", ""), "bin", name))


def _user_option():
    return ["--user=root"] if os.getuid() == 0 else []


class MariaDB:
    """How MariaDB's server is found, told and given its first data directory."""

    missing = "no MariaDB server here (package mariadb-server-core)"
    options = ["--innodb-log-file-size=16M"]
    without_tls = ["--skip-ssl"]
    status = "information_schema.global_status"  # the table of SHOW GLOBAL STATUS

    @staticmethod
    def program():
        return find("mariadbd")

    @staticmethod
    def client():
        return find("mariadb", "mysql")

    @staticmethod
    def dump_program():
        """Installed, or unpacked by scripts/test; or None."""
        unpacked = os.path.join(os.environ.get("CLUSTER_TOOLS", ""), "usr/bin/mariadb-dump")
        return find("mariadb-dump", "mysqldump") or _executable(unpacked)

    @classmethod
    def is_there(cls):
        return bool(cls.program() and find("mariadb-install-db"))

    @classmethod
    def initialize(cls, folder):
        return [find("mariadb-install-db"), "--no-defaults", f"--datadir={folder}",
                "--auth-root-authentication-method=normal", "--skip-test-db", *cls.options,
                *_user_option()]


class MySQL:
    """The same for MySQL's server."""

    missing = "no MySQL server here (scripts/mysql fetches it; MYSQL_TOOLS names its folder)"
    options = ["--innodb-redo-log-capacity=32M", "--mysqlx=OFF", "--secure-file-priv="]
    without_tls = ["--tls-version="]
    status = "performance_schema.global_status"

    @staticmethod
    def program():
        return _of_mysql("mysqld")

    @staticmethod
    def client():
        return _of_mysql("mysql")

    @staticmethod
    def dump_program():
        return _of_mysql("mysqldump")

    @classmethod
    def is_there(cls):
        return cls.program() is not None

    @classmethod
    def initialize(cls, folder):
        return [cls.program(), "--no-defaults", "--initialize-insecure", f"--datadir={folder}",
                *cls.options, *_user_option()]


CHOSEN = MySQL if os.environ.get("DATABASE") == "mysql" else MariaDB


def by_tcp(*ports, **more):
    """What a configuration says of the database behind these ports. MySQL's accounts have a method that
    MariaDB's library uses only with reveal_password, where no certificate is judged."""
    reveals = {"reveal_password": True} if CHOSEN is MySQL else {}
    return {"hosts": [f"127.0.0.1:{port}" for port in ports], **reveals, **more}


only_mariadb = pytest.mark.skipif(CHOSEN is not MariaDB, reason="only MariaDB has it")
only_mysql = pytest.mark.skipif(CHOSEN is not MySQL, reason="only MySQL has it")


def numbers(first, last):
    """The numbers first..last as a table of SQL, with the column `seq`."""
    return (f"(SELECT n + {first - 1} AS seq FROM JSON_TABLE(CONCAT('[0', REPEAT(',0', {last - first}), ']'),"
            " '$[*]' COLUMNS (n FOR ORDINALITY)) numbered)")


def available(kind=CHOSEN):
    """Whether a server can be started here."""
    return kind.is_there()


def template(kind=CHOSEN):
    """The folder of a fresh data directory; made once, shared by all processes."""
    version = subprocess.run([kind.program(), "--no-defaults", "--version"], capture_output=True,
                             text=True, check=True).stdout
    key = hashlib.sha256((version + repr(kind.options)).encode()).hexdigest()[:12]
    base = shared.folder()
    ready = base / f"template-{key}"
    with open(base / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.is_dir():
            fresh = base / f"fresh-{key}"
            shutil.rmtree(fresh, ignore_errors=True)
            subprocess.run(kind.initialize(fresh), check=True, capture_output=True)
            fresh.rename(ready)
    return ready


def run(connection, statements):
    """Run statements on a connection, and close it; the rows of the last one."""
    rows = ()
    with contextlib.closing(connection), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            rows = cursor.fetchall()
    return rows


class Service:
    """What a World asks of one server, and of a cluster; connect() is theirs."""

    _serial = 0

    def create_database(self):
        """A fresh name; the database itself is left to --migrate or to the test."""
        self._serial += 1
        return f"steem_{self._serial}"

    def execute(self, *statements):
        """Run statements as root, outside of any database; the rows of the last one."""
        return run(self.connect(), statements)


class Server(Service):
    """One server. start() returns when it answers; `port` is 0 without TCP."""

    def __init__(self, tcp=False, options=(), kind=CHOSEN):
        self.kind = kind
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sr-db-"))
        self.socket = str(self.folder / "s")
        self.data = self.folder / "data"
        self.options = list(options)
        self.environment = {}  # what the server gets beside ours
        self.port = _free_port() if tcp else 0
        self.process = None
        if kind is MariaDB and os.environ.get("ROOT_BY_SOCKET"):
            first = self.folder / "first.sql"
            first.write_text("ALTER USER root@localhost IDENTIFIED VIA unix_socket;\n")
            self.options.append(f"--init-file={first}")
        shutil.copytree(template(kind), self.data)

    def start(self, wait=True):
        network = ([f"--port={self.port}", "--bind-address=127.0.0.1,127.0.0.2"] if self.port
                   else ["--skip-networking"])
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [*DIES_WITH_US, self.kind.program(), "--no-defaults", f"--datadir={self.data}",
                 f"--socket={self.socket}", f"--pid-file={self.folder}/pid",
                 f"--tmpdir={self.folder}", *network, *OPTIONS, *self.kind.options,
                 *self.options, *_user_option()],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env={**os.environ, **self.environment})
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self):
        poll(self.connect, timeout=START_TIMEOUT_S, interval=0.01, not_yet=pymysql.MySQLError,
             is_lost=lambda: self.process.poll() is not None, otherwise=lambda error:
             f"the server does not start: {error}\n{self.log()}").close()

    def log(self):
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    def connect(self, database=None, **options):
        """A pymysql connection as the server's root; autocommit, UTC, utf8mb4."""
        settings = dict(unix_socket=self.socket, user="root", database=database, autocommit=True,
                        charset="utf8mb4", init_command="SET NAMES utf8mb4, time_zone = '+00:00'",
                        connect_timeout=10)
        return pymysql.connect(**{**settings, **options})

    def stop(self):
        """An orderly shutdown."""
        if self.process and self.process.poll() is None:
            self.thaw()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.wait()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def _free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]

