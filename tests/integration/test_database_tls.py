"""TLS to the database: the right authority, a wrong one, a wrong name, a server without it."""

import contextlib
import shutil
import subprocess

import pymysql
import pytest

from harness import servers
from harness.impostor import Impostor
from harness.reader import has_mysql_library
from harness.world import World

USER = "tcp"
pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl program")


def openssl(folder, *arguments, text=None):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True,
                   input=text, text=True)


def make_authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    return str(folder / f"{name}.pem")


def make_certificate(folder, authority, name, alternative, days="2"):
    openssl(folder, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", "/CN=a-database", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text(f"subjectAltName={alternative}\n")
    openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey",
            f"{authority}.key", "-CAcreateserial", "-days", days, "-extfile", f"{name}.ext",
            "-out", f"{name}.pem")


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    """Two authorities; certificates of the first for this machine and for another one."""
    folder = tmp_path_factory.mktemp("tls")
    make_authority(folder, "good")
    make_authority(folder, "other")
    make_certificate(folder, "good", "here", "DNS:localhost,IP:127.0.0.1")
    make_certificate(folder, "good", "elsewhere", "DNS:db.example.com,IP:192.0.2.1")
    return folder


def make_server(papers, certificate):
    options = servers.CHOSEN.without_tls
    if certificate:
        options = [f"--ssl-cert={papers}/{certificate}.pem", f"--ssl-key={papers}/{certificate}.key"]
    return servers.Server(tcp=True, options=options).start()


@pytest.fixture(scope="module")
def tls_servers(papers):
    """Servers by the name of their certificate, each started when it is first asked for."""
    made = {}

    def get(certificate):
        if certificate not in made:
            made[certificate] = make_server(papers, certificate)
            made[certificate].execute(f"CREATE USER {USER}@'127.0.0.1'",
                                      f"GRANT ALL ON *.* TO {USER}@'127.0.0.1'")
        return made[certificate]

    if not servers.available():
        pytest.skip(servers.CHOSEN.missing)
    yield get
    for server in made.values():
        server.close()


@pytest.fixture
def tls_world(request, tls_servers, tmp_path):
    """A world with tables on a server with the test's `certificate`.

    The server is started here, not in the test: it dies with the thread that started it.
    """
    parameters = getattr(request.node, "callspec", None)
    made = World(tls_servers(parameters.params["certificate"] if parameters else "here"), tmp_path)
    request.node.world = made
    yield made.migrate()
    made.close()


@pytest.fixture
def elsewhere(tls_servers):
    """A server with a good certificate for another name."""
    return tls_servers("elsewhere")


def by_tcp(world, tls, **more):
    return servers.by_tcp(world.server.port, **{"user": USER, "tls": tls, **more})


def cipher(reader):
    """What the reader says of its connection."""
    text = reader.wait_for("database_connected").message
    assert ("no TLS" in text) != ("TLS TLS_" in text or "TLS ECDHE" in text), text
    return "no TLS" not in text


@pytest.mark.parametrize("tls, certificate, ca, is_encrypted", [
    ("off", "here", None, False),
    ("preferred", "here", None, True),
    ("preferred", None, None, False),
    ("preferred", "elsewhere", None, True),
    ("required", "here", None, True),
    ("required", "elsewhere", None, True),
    ("verify", "here", "good", True),
])
def test_connections_that_are_made(tls_world, papers, tls, certificate, ca, is_encrypted):
    world = tls_world
    node = world.node(irreversible=30)
    settings = by_tcp(world, tls, **({"tls_ca": f"{papers}/{ca}.pem"} if ca else {}))
    reader = world.run("--once", database=settings)
    assert cipher(reader) is is_encrypted
    world.expect(node.chain, (1, 30))


@pytest.mark.parametrize("tls, certificate, ca, said", [
    ("required", None, None, None),
    ("verify", None, "good", None),
    ("verify", "here", "other", "certificate"),
    ("verify", "here", None, "certificate"),
    ("verify", "elsewhere", "good", "certificate"),
])
def test_connections_that_are_refused(tls_world, papers, tls, certificate, ca, said):
    """Nothing is read or written; the message says what is wrong and what to look at."""
    world = tls_world
    world.node(irreversible=30)
    settings = by_tcp(world, tls, **({"tls_ca": f"{papers}/{ca}.pem"} if ca else {}))
    # MariaDB Connector/C 3.4 does not compare the name where the host is 127.0.0.1.
    settings["hosts"] = [f"127.0.0.2:{world.server.port}"]
    reader = world.run("--status", database=settings, code=69)
    line = reader.wait_for("failed")
    if said is None:  # no TLS there; MySQL's library says it in its own words
        said = "SSL is required" if has_mysql_library() else "TLS"
    assert said in line.message and "database.tls" in line.message, line
    assert world.db.value("SELECT COUNT(*) FROM blocks") == 0


def test_knowing_the_password_is_no_certificate(tls_world):
    """For MariaDB Connector/C 3.4 it is as good as one."""
    world = tls_world
    world.node(irreversible=30)
    secret = world.folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    world.server.execute(f"CREATE USER known@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
                         "GRANT ALL ON *.* TO known@'127.0.0.1'")
    for user in ({"user": "known", "password_file": str(secret)}, {}):
        reader = world.run("--status", database={**by_tcp(world, "verify"), **user}, code=69)
        reader.wait_for("failed", containing="certificate")


def test_a_daemon_waits_for_a_good_certificate_and_names_the_cause(tls_world, papers):
    """As with any server that does not let it in: another one may, or this one once it is cured."""
    world = tls_world
    world.node(irreversible=30)
    reader = world.start(database=by_tcp(world, "verify", tls_ca=f"{papers}/other.pem"))
    line = reader.wait_for("database_lost")
    assert "certificate" in line.message and "database.tls_ca" in line.message
    reader.wait_for("database_lost")
    assert reader.is_running
    assert world.db.value("SELECT COUNT(*) FROM blocks") == 0


def test_the_next_host_where_the_first_has_another_certificate(tls_world, elsewhere, papers):
    world = tls_world
    node = world.node(irreversible=30)
    settings = by_tcp(world, "verify", tls_ca=f"{papers}/good.pem")
    settings["hosts"] = [f"127.0.0.2:{elsewhere.port}", *settings["hosts"]]
    reader = world.run("--once", database=settings)
    assert cipher(reader)
    world.expect(node.chain, (1, 30))


def test_an_account_that_needs_it_and_a_server_that_insists(tls_world, papers):
    world = tls_world
    node = world.node(irreversible=30)
    world.server.execute(f"ALTER USER {USER}@'127.0.0.1' REQUIRE SSL")
    try:
        reader = world.run("--status", database=by_tcp(world, "off"), code=77)
        reader.wait_for("failed", containing="database.tls")
        world.run("--once", database=by_tcp(world, "required"))
    finally:
        world.server.execute(f"ALTER USER {USER}@'127.0.0.1' REQUIRE NONE")
    world.server.execute("SET GLOBAL require_secure_transport = ON")
    try:
        reader = world.run("--status", database=by_tcp(world, "off"), code=77)
        reader.wait_for("failed", containing="database.tls")
        world.run("--once", database=by_tcp(world, "preferred"))
    finally:
        world.server.execute("SET GLOBAL require_secure_transport = OFF")
    world.expect(node.chain, (1, 30))


def test_a_socket_needs_none(tls_world):
    world = tls_world
    node = world.node(irreversible=30)
    reader = world.run("--once", database={"tls": "verify"})
    assert not cipher(reader)
    world.expect(node.chain, (1, 30))


# ---- Somebody else answers

PASSWORD = "open sesame"
METHODS = ["mysql_clear_password", "dialog", "caching_sha2_password", "sha256_password",
           "mysql_old_password"]


def impostor_at(papers, method, certificate=None, **more):
    paths = (f"{papers}/{certificate}.pem", f"{papers}/{certificate}.key") if certificate else None
    return contextlib.closing(Impostor(method, paths, **more))


def ask(world, host, code, **more):
    """A reader with a password that takes the impostor for its server."""
    secret = world.folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    return world.run("--status", code=code, database={
        "hosts": [host], "user": USER, "password_file": str(secret), **more})


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("tls, certificate", [
    ("off", None), ("preferred", None), ("preferred", "elsewhere"), ("required", "elsewhere"),
    ("required", None), ("verify", "here"),
])
def test_nobody_gets_the_password_who_is_not_proved(bare_world, papers, method, tls, certificate):
    world = bare_world
    if has_mysql_library() and (method == "sha256_password"
                                or method == "caching_sha2_password" and certificate):
        pytest.skip("MySQL's library cannot refuse this: steem-reader.conf(5), database.reveal_password")
    # MySQL's library breaks off before the method is known.
    without_tls = has_mysql_library() and tls in ("required", "verify") and not certificate
    with impostor_at(papers, method, certificate) as impostor:
        more = {"tls_ca": f"{papers}/good.pem"} if tls == "verify" else {}
        reader = ask(world, f"127.0.0.1:{impostor.port}", 69 if without_tls else 78, tls=tls, **more)
        assert impostor.wait_answer() == b""
    line = reader.wait_for("failed")
    assert without_tls or "reveal_password" in line.message and 'tls = "verify"' in line.message
    assert PASSWORD.encode() not in impostor.heard and (impostor.heard or without_tls)


def test_a_certificate_that_is_not_good_comes_before_the_password(bare_world, papers):
    with impostor_at(papers, "mysql_clear_password", "elsewhere") as impostor:
        ask(bare_world, f"localhost:{impostor.port}", 69, tls="verify", tls_ca=f"{papers}/good.pem")
        assert USER.encode() not in impostor.heard and PASSWORD.encode() not in impostor.heard


@pytest.mark.parametrize("method", METHODS)
def test_without_a_file_of_authorities_the_password_stays_here(bare_world, papers, method):
    """MariaDB Connector/C 3.4 would send it, and judge the certificate after the login."""
    with impostor_at(papers, method, "here") as impostor:
        ask(bare_world, f"localhost:{impostor.port}", None, tls="verify")
        assert PASSWORD.encode() not in impostor.heard and impostor.heard


@pytest.mark.parametrize("more, certificate", [
    ({"tls": "off", "reveal_password": True}, None),
    ({"tls": "required", "reveal_password": True}, "elsewhere"),
    ({"tls": "verify"}, "here"),
], ids=["off", "required", "verify"])
@pytest.mark.parametrize("method", ["mysql_clear_password", "caching_sha2_password"])
def test_who_is_proved_or_allowed_gets_it(bare_world, papers, method, more, certificate):
    """As PAM and MySQL need it. This also shows that the impostor would have heard it above."""
    if more["tls"] == "verify":
        more = {**more, "tls_ca": f"{papers}/good.pem"}
    wants_key = method == "caching_sha2_password" and not certificate
    with impostor_at(papers, method, certificate) as impostor:
        # MySQL's library asks for a key, and finds the connection closed.
        refuses = wants_key and not has_mysql_library()
        ask(bare_world, f"localhost:{impostor.port}", 78 if refuses else 69, **more)
        answer = impostor.wait_answer()
    if wants_key:
        assert answer == b"\2"  # it would be encrypted for whoever answers
    else:
        assert answer == PASSWORD.encode() + b"\0"


@pytest.mark.parametrize("mode, code, answer", [
    (0o777, 78, b""), (0o1777, 78, b""), (0o755, 69, PASSWORD.encode() + b"\0")])
def test_a_socket_in_a_folder_that_all_may_write_to_proves_nothing(bare_world, papers, tmp_path,
                                                                   mode, code, answer):
    folder = tmp_path / "s"
    folder.mkdir()
    folder.chmod(mode)
    path = str(folder / "s")
    with impostor_at(papers, "mysql_clear_password", path=path) as impostor:
        ask(bare_world, path, code)
        assert impostor.wait_answer() == answer


def test_a_server_gets_no_file_of_this_host(bare_world, papers, tmp_path):
    secret = tmp_path / "a-key"
    secret.write_text("the posting key")
    method = "caching_sha2_password" if has_mysql_library() else "mysql_native_password"
    with impostor_at(papers, method, file=str(secret)) as impostor:
        ask(bare_world, f"127.0.0.1:{impostor.port}", 69, tls="off")
        assert impostor.wait_answer() == b""
    assert b"the posting key" not in impostor.heard


def test_the_methods_that_keep_the_password_need_nothing(tls_world):
    """ed25519, as mysql_native_password, tells nobody; the plugin comes with the server."""
    world = tls_world
    world.node(irreversible=30)
    try:
        world.server.execute("INSTALL SONAME 'auth_ed25519'")
    except pymysql.MySQLError:
        pytest.skip("the server has no auth_ed25519")
    world.server.execute(f"CREATE USER quiet@'127.0.0.1' IDENTIFIED VIA ed25519 USING"
                         f" PASSWORD('{PASSWORD}')", "GRANT ALL ON *.* TO quiet@'127.0.0.1'")
    secret = world.folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    world.run("--once", database={**by_tcp(world, "preferred"), "user": "quiet",
                                  "password_file": str(secret)})
    world.expect(world.nodes[0].chain, (1, 30))


@servers.only_mysql
@pytest.mark.parametrize("reveals", [True, False])
def test_a_restart_forgets_who_has_logged_in(lone_world, reveals):
    """caching_sha2_password without TLS: after a restart the server wants the password itself once more.

    With reveal_password it gets it, encrypted. Without, the reader says what to do, and waits.
    """
    world, server = lone_world, lone_world.server
    server.execute(f"CREATE USER cached IDENTIFIED WITH caching_sha2_password BY '{PASSWORD}'",
                   "GRANT ALL ON *.* TO cached")

    def log_in():
        server.connect(user="cached", password=PASSWORD).close()
    secret = world.folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    node = world.node(irreversible=30)
    settings = by_tcp(world, "off", user="cached", password_file=str(secret), reveal_password=reveals)
    if not reveals:
        line = world.run("--status", database=settings, code=78).wait_for("failed")
        assert "reveal_password" in line.message
        if not has_mysql_library():
            return  # MariaDB's library never uses the method then
        log_in()
    reader = world.start(database=settings)
    reader.wait_for("tail_started")
    server.stop()
    reader.wait_for("database_lost")
    server.start()
    node.advance(5)
    if not reveals:
        reader.wait_line(lambda line: line.event in ("database_lost", "commit_retry")
                         and "reveal_password" in line.text)
        log_in()
    world.db.wait_until("SELECT MAX(block) FROM blocks", lambda top: top == 35, 60)
    world.allow_errors(*(line.event for line in reader.events()))
    world.expect(node.chain, (1, 35))
