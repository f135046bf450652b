"""The configuration and the command line, as people meet them."""

import os
import re

import pytest

from harness import reader
from harness.worker import contain


def test_a_good_file(bare_world):
    bare_world.run("--check-config")


def test_help_fits_a_screen_and_names_everything(bare_world):
    text = bare_world.run("--help").stdout
    assert len(text.splitlines()) <= 24 and max(map(len, text.splitlines())) <= 80
    for option in ("--backfill", "--once", "--gaps", "--status", "--migrate", "--activate-filter",
                   "--forget", "--check-config", "--print-config", "--dry-run", "--json"):
        assert option in text
    assert re.search(r"\d+\.\d+", bare_world.run("--version").stdout)


@pytest.mark.parametrize("arguments", [
    ["--nonsense"], ["stray"], ["--backfill"], ["--once", "--gaps"], ["--log-level", "loud"],
    ["--forget"], ["--status", "--check"], ["--once", "--refilter"], ["--once", "--virtual"],
    ["--backfill", "1-5", "--virtual", "--refilter"]])
def test_usage_mistakes(bare_world, arguments):
    assert "--help" in bare_world.run(*arguments, code=64).stderr


def test_all_mistakes_at_once_with_file_and_line(bare_world, tmp_path):
    path = tmp_path / "bad.conf"
    path.write_text('nodes = ( { url = "ftp://x"; } );\n'
                    'database = { hosts = ( ); user = "u"; name = "n"; colour = 1; };\n'
                    'fetch = { connections = 0; batch_size = "many"; };\n'
                    'write = { batch_rows = 99999999; };\n'
                    'log = { level = "loud"; };\n'
                    'unheard = { of = 1; };\n')
    said = bare_world.run("--check-config", config=path, code=78).stderr
    for line, word in ((2, "colour"), (3, "connections"), (3, "batch_size"), (4, "batch_rows"),
                       (5, "level"), (6, "unheard")):
        assert re.search(rf"bad\.conf:{line}\b.*{word}", said), (line, word, said)
    assert "url" in said and "hosts" in said


def test_a_syntax_mistake_names_the_line(bare_world, tmp_path):
    path = tmp_path / "bad.conf"
    path.write_text('nodes = ( { url = "http://x"; } );\n\ndatabase = { name = ;\n')
    assert re.search(r"bad\.conf:3\b", bare_world.run("--check-config", config=path,
                                                      code=78).stderr)


def test_no_such_file(bare_world, tmp_path):
    said = bare_world.run("--check-config", config=tmp_path / "none.conf", code=78).stderr
    assert "none.conf" in said


@pytest.mark.parametrize("text", ["4294967297", "99999999999", "0x100000001"])
def test_integers_that_libconfig_would_cut_are_refused(bare_world, tmp_path, text):
    path = bare_world.config()
    path.write_text(path.read_text().replace("start_block = 1;", f"start_block = {text};"))
    assert "start_block" in bare_world.run("--check-config", config=path, code=78).stderr


def test_print_config_is_a_configuration(bare_world, tmp_path):
    text = bare_world.run("--print-config", fetch={"batch_size": 17}).stdout
    assert re.search(r"batch_size\s*=\s*17\b", text)
    path = tmp_path / "printed.conf"
    path.write_text(text)
    bare_world.run("--check-config", config=path)
    again = bare_world.run("--print-config", config=path).stdout
    assert again == text


@pytest.mark.parametrize("line, said", [
    ('filter = ( { operation = "coment"; } );', 'did you mean "comment"?'),
    ('filter = ( { account = "Alice"; } );', "capital letters"),
    ('filter = ( { body_prefix = "\\xff"; } );', "no UTF-8"),
    ('filter = ( { operation = "comment"; memo_prefix = "x"; } );', "can never keep"),
    ('nodes = ( { url = "http://host:99999"; } );', "port"),
    ('nodes = ( { url = "http://[::1"; } );', "IPv6"),
    ('nodes = ( { url = "ws://127.0.0.1:8090"; } );', "websocket"),
    ('database = { hosts = ( "[::1" ); };', "no database host")])
def test_what_can_never_work_is_refused(bare_world, tmp_path, line, said):
    path = tmp_path / "bad.conf"
    path.write_text(f"# a line before\n{line}\n")
    assert re.search(rf"bad\.conf:2: .*{re.escape(said)}",
                     bare_world.run("--check-config", config=path, code=78).stderr)


@pytest.mark.parametrize("encoding, said", [("utf-8-sig", "byte-order mark"), ("utf-16", "UTF-16"),
                                            ("utf-16-le", "UTF-16")])
def test_a_file_that_another_system_saved(bare_world, tmp_path, encoding, said):
    path = tmp_path / "bad.conf"
    path.write_text('log = { level = "info"; };\n', encoding=encoding)
    assert said in bare_world.run("--check-config", config=path, code=78).stderr


def test_the_password_of_a_node_is_shown_nowhere(world):
    """Not in the log, not in the tables, not in --print-config."""
    node = world.node(irreversible=30)
    urls = [node.url.replace("http://", "http://user:hush@") + "/?key=hush2",
            "http://user:hush@127.0.0.1:1/?hush"]  # nobody is there
    settings = {"nodes": [{"url": url} for url in urls]}
    printed = world.run("--print-config", **settings).stdout
    assert "hush" not in printed and "http://***@127.0.0.1" in printed and "# ***" in printed
    run = world.run("--once", "--log-level", "debug", **settings)
    assert "127.0.0.1:1" in run.stderr and "hush" not in run.stderr + run.stdout
    for table in ("readers", "known_gaps", "filters"):
        assert "hush" not in str(world.db.rows(f"SELECT * FROM {table}"))


@pytest.mark.parametrize("password, said", [("pass word\r", "carriage return"), ("pass word\n", "one line"),
                                            ("\ufeffpass word", "byte-order mark")])
def test_what_an_editor_left_in_the_password_of_the_administrator(bare_world, password, said):
    """It would only be told that the password is wrong."""
    done = bare_world.run("--migrate", code=64, environment={"STEEM_READER_PASSWORD": password})
    assert "STEEM_READER_PASSWORD" in done.stderr and said in done.stderr
    assert "pass word" not in done.stderr


def test_passwords_come_from_a_file_that_others_may_not_read(bare_world, tmp_path):
    world = bare_world
    world.server.execute("CREATE USER IF NOT EXISTS secretive@localhost IDENTIFIED BY 'pass word'",
                         "GRANT ALL ON *.* TO secretive@localhost WITH GRANT OPTION")
    secret = tmp_path / "password"
    secret.write_text("pass word\n")
    secret.chmod(0o600)
    database = {"user": "secretive", "password_file": str(secret)}
    world.run("--migrate", database=database,
              environment={"STEEM_READER_PASSWORD": "pass word"})
    node = world.node(irreversible=30)
    run = world.run("--once", "--log-level", "debug", database=database)
    assert "pass word" not in run.stderr + run.stdout
    assert "pass word" not in world.run("--print-config", database=database).stdout
    secret.chmod(0o644)
    assert "password" in world.run("--check-config", database=database, code=78).stderr
    secret.chmod(0o600)
    secret.write_text("wrong")
    refused = world.run("--once", database=database, code=None, timeout=80)
    assert refused.process.returncode in (69, 77, 78) and "wrong" not in refused.stderr
    world.allow_errors(*(line.event for line in refused.events()))
    world.expect(node.chain, (1, 30))


def test_the_journal_gets_priorities(world, tmp_path, monkeypatch):
    node = world.node(irreversible=30)
    # That of another stream: systemd sets it for standard output where standard error is a file.
    run = world.run("--once", environment={"JOURNAL_STREAM": "8:1234"})
    assert all(re.match(r"\d{4}-", line.text) for line in run.lines if line.event)
    stream = "s = os.fstat(2); os.environ['JOURNAL_STREAM'] = f'{s.st_dev}:{s.st_ino}'"
    monkeypatch.setenv("STEEM_READER", contain(tmp_path / "journal", reader.program(), stream))
    run = world.run("--once")
    lines = [line for line in run.lines if line.event]
    assert lines and all(re.match(r"<[0-7]>[a-z_]+: ", line.text) for line in lines)
    world.expect(node.chain, (1, 30))


def test_every_line_of_the_log_is_an_event(world):
    node = world.node(irreversible=30)
    run = world.run("--once", "--log-level", "debug")
    assert run.lines and [line.text for line in run.lines if not line.event] == []
    assert not [line for line in world.run("--once", "--log-level", "error").lines]
    world.expect(node.chain, (1, 30))


@pytest.mark.skipif(os.getuid() != 0, reason="a user without rights is made by root")
def test_a_configuration_that_may_not_be_read(bare_world):
    path = bare_world.config()
    path.chmod(0o000)
    run = bare_world.run("--check-config", config=path, code=None)
    assert run.process.returncode in (0, 77, 78)
