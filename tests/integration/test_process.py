"""The programs in odd surroundings: streams that are closed, full or unread, signals that
come twice, memory that is not shown, folders that others prepared."""

import fcntl
import os
import pathlib
import select
import signal
import stat
import subprocess
import tempfile
import time

import pytest

from harness import polling, reader, shared
from harness.worker import children, contain, worker_program

LAST = 30
OUTPUT_LOST = 74
BAD_CONFIG = 78
DEADLINE_S = 20

COMMANDS = [
    ["--help"], ["--version"], ["--check-config"], ["--print-config"], ["--status"],
    ["--status", "--json"], ["--status", "--queues"], ["--gaps"], ["--gaps", "--json"],
    [f"--verify=1-{LAST}"], [f"--verify=1-{LAST}", "--json"], [f"--verify=1-{LAST}", "--offline"],
    ["--once", "--dry-run"], [f"--backfill=1-{LAST}", "--refilter", "--dry-run"],
    ["--purge=2", "--dry-run"], ["--migrate"], ["--migrate", "--dry-run"], ["--activate-filter"],
    ["--forget=nobody", "--dry-run"],
]


def shell(redirection, *command):
    """Run a command with its standard streams changed by the shell."""
    return subprocess.run(["sh", "-c", f'exec "$@" {redirection}', "sh", *map(str, command)],
                          capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("redirection", [">&-", "> /dev/full", "<&- >&-"])
def test_a_command_whose_output_is_lost_fails(filled, redirection):
    config = filled.config("closed")
    filled.audits.clear()
    for arguments in COMMANDS:
        done = shell(redirection, reader.program(), "-c", config, *arguments)
        assert done.returncode == OUTPUT_LOST, (arguments, done)
        assert "output_lost" in done.stderr, arguments
    # No report went into a connection.
    assert "nothing is missing" in filled.run("--gaps").stdout
    filled.expect(filled.nodes[0].chain, (1, LAST))


def test_a_file_that_may_not_grow(filled):
    """A log that reached its limit (`ulimit -f`) is like one on a full disk; so is a report."""
    if reader.is_sanitized():
        pytest.skip("ThreadSanitizer keeps memory in a file, which may not grow either")
    config, folder = filled.config("limited"), filled.folder
    limited = 'ulimit -f 1; out=$1; shift; exec "$@"'
    for stream, arguments, code in (("2", ["--once", "--log-level", "debug"], 0),
                                    ("1", ["--print-config"], OUTPUT_LOST)):
        out = folder / f"limited-{stream}"
        out.write_bytes(b"#" * 1000)  # a block has 512 bytes, or 1024
        done = subprocess.run(["sh", "-c", f'{limited} {stream}>>"$out"', "sh", str(out), reader.program(),
                               "-c", config, *arguments], stdin=subprocess.DEVNULL, timeout=60,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        assert done.returncode == code, (arguments, done)
        assert out.stat().st_size <= 1024


def test_a_reader_of_the_output_that_goes_away(filled):
    config = filled.config("piped")
    for arguments in (["--help"], ["--print-config"], ["--status"], ["--gaps"]):
        ends = os.pipe()
        os.close(ends[0])
        done = subprocess.run([reader.program(), "-c", config, *arguments], stdout=ends[1],
                              stderr=subprocess.PIPE, text=True, timeout=60, check=False)
        os.close(ends[1])
        assert done.returncode == OUTPUT_LOST and "output_lost" in done.stderr, (arguments, done)


def test_the_exit_code_that_tells_more_stays(filled):
    filled.forget_blocks(7)
    done = shell(">&-", reader.program(), "-c", filled.config("gap"), "--gaps", "--check")
    assert done.returncode == 1 and "output_lost" in done.stderr
    filled.run("--once")


def test_without_standard_streams_the_work_is_done(world):
    node = world.node(irreversible=LAST)
    done = shell("<&- >&- 2>&-", reader.program(), "-c", world.config(), "--once")
    assert done.returncode == 0
    world.expect(node.chain, (1, LAST))


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_the_worker_says_that_its_output_is_lost(argument):
    if worker_program() is None:
        pytest.skip("steem-worker is not built")
    for redirection in (">&-", "> /dev/full"):
        done = shell(redirection, worker_program(), argument)
        assert done.returncode == OUTPUT_LOST and "output_lost" in done.stderr


def signals_of(pid, which):
    """A set of signals of a process: SigBlk, SigCgt."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith(which))


class UnreadPipe:
    """A pipe as full as it gets, until it is emptied."""

    def __init__(self):
        self.read_end, self.write_end = os.pipe()
        os.set_blocking(self.read_end, False)
        fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, 4096)
        # The filler has a description of its own: the program's stays as a shell would make it.
        self.filler = os.open(f"/proc/self/fd/{self.write_end}", os.O_WRONLY | os.O_NONBLOCK)
        self.fill()

    def fill(self):
        for size in (4096, 1):
            try:
                while True:
                    os.write(self.filler, b"#" * size)
            except BlockingIOError:
                pass

    def empty(self):
        text = b""
        try:
            while piece := os.read(self.read_end, 65536):
                text += piece
        except BlockingIOError:
            pass
        return text.replace(b"#", b"").decode()

    def read_until(self, text):
        said, until = "", time.monotonic() + DEADLINE_S
        while text not in said:
            assert time.monotonic() < until, f"{text} did not come: {said}"
            said += self.empty()
        return said

    def close(self):
        for end in (self.read_end, self.write_end, self.filler):
            os.close(end)


def test_a_log_that_nobody_reads_stops_nothing(world):
    """The tail goes on, a signal is heard, and whoever reads later learns how much is missing."""
    node = world.node(irreversible=LAST)
    pipe = UnreadPipe()
    process = subprocess.Popen([reader.program(), "-c", world.config(), "--log-level", "debug"],
                               stderr=pipe.write_end, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)
    try:
        world.db.wait_blocks(LAST)
        node.advance(5)
        world.db.wait_blocks(LAST + 5)
        pipe.empty()
        process.send_signal(signal.SIGHUP)
        said = pipe.read_until("log_lost")
        assert "lines could not be written" in said
        pipe.fill()
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    finally:
        process.kill()
        process.wait()
        pipe.close()
    world.expect(node.chain, (1, LAST + 5))


def test_a_report_that_nobody_reads_can_be_ended(filled):
    """A pipe that stays full holds up what is printed; not the signal that ends it."""
    filled.db.execute("UPDATE blocks SET timestamp = timestamp + INTERVAL 1 HOUR")
    filled.audits.clear()
    pipe = UnreadPipe()
    process = subprocess.Popen([reader.program(), "-c", filled.config("unread"), f"--verify=1-{LAST}"],
                               stdin=subprocess.DEVNULL, stdout=pipe.write_end,
                               stderr=subprocess.PIPE, text=True)
    try:
        assert any(" started: " in line for line in process.stderr)  # it blocks the signal now
        polling.poll(lambda: signals_of(process.pid, "SigBlk") & 1 << signal.SIGTERM - 1,
                     lambda blocked: not blocked, timeout=DEADLINE_S,
                     otherwise=lambda _: "it does not wait for its reader")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == -signal.SIGTERM
    finally:
        process.kill()
        process.communicate()
        pipe.close()
    filled.db.execute("UPDATE blocks SET timestamp = timestamp - INTERVAL 1 HOUR")


def test_a_program_without_output_waits_for_no_reader():
    """The pipe is full of what another program wrote."""
    commands = [[reader.program(), "-c", "/nonexistent", "--status"]]
    if worker_program() is not None:
        commands.append([worker_program(), "-c", "/nonexistent", "--queue", "a", "--", "true"])
    pipe = UnreadPipe()
    try:
        for command in commands:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=pipe.write_end,
                                  stderr=subprocess.DEVNULL, timeout=DEADLINE_S, check=False)
            assert done.returncode == BAD_CONFIG, command
    finally:
        pipe.close()


def test_timeout_sends_its_signal_twice(world):
    """To its command and to the process group: that counts as one signal to stop."""
    node = world.node(irreversible=2000)
    node.fault("delay", method="get_block", seconds=0.05)
    config = world.config(fetch={"batch_size": 10})
    process = subprocess.Popen(["timeout", "60", reader.program(), "-c", config],
                               stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                               start_new_session=True)
    try:
        world.db.wait_blocks(50)
        process.send_signal(signal.SIGTERM)  # timeout hands it on, and to its group
        _, said = process.communicate(timeout=DEADLINE_S)
    finally:
        process.kill()
        process.wait()
    assert "exit code 0" in said and "stopped_at_once" not in said
    world.audit(node.chain, allow_missing=[(1, 2000)], gaps=False)


def test_the_reader_as_the_first_process_leaves_no_zombies(world, tmp_path, monkeypatch):
    """As process 1 of a container it gets the orphans of what others run there."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    command = f"read line < {gate}; /bin/true & /usr/bin/setsid /bin/sleep 0.01 & exit 0"
    before = f"import subprocess; subprocess.Popen(['/bin/sh', '-c', {command!r}])"
    monkeypatch.setenv("STEEM_READER", contain(tmp_path / "container", reader.program(), before))
    node = world.node(irreversible=LAST)
    process = world.start()
    process.wait_for("tail_started")
    assert [name for _, name in children(process.pid)] == ["sh"]
    gate.write_text("go\n", encoding="ascii")
    polling.poll(lambda: children(process.pid), lambda found: found == [], timeout=DEADLINE_S,
                 otherwise=lambda found: f"still {found}")
    assert process.stop() == 0
    world.expect(node.chain, (1, LAST))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_command_as_the_first_process_can_be_ended(tmp_path, number):
    """As `docker stop` and Ctrl-C do; process 1 gets no signal that has its default action."""
    if reader.program() is None:
        pytest.skip("no program")
    container = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*container, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no name space of processes can be made")
    config = tmp_path / "config"
    os.mkfifo(config)
    held = os.open(config, os.O_RDWR)  # nothing comes out of it, and it does not end
    # A shell starts what it runs in the background with SIGINT ignored, and the program keeps that.
    process = subprocess.Popen([*container, reader.program(), "--check-config", "-c", config],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def heard():
        """The first process, and the signals that it has handlers for."""
        first = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return (int(first[0]), signals_of(first[0], "SigCgt")) if first else (0, 0)

    try:
        first, _ = polling.poll(heard, lambda found: found[1] & 1 << number - 1, timeout=DEADLINE_S,
                                otherwise=lambda found: f"{number} is not heard: {found}")
        os.kill(first, number)
        assert process.wait(DEADLINE_S) == 128 + number
    finally:
        process.kill()
        process.wait()
        os.close(held)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a process as another user")
def test_the_memory_is_not_shown():
    """/proc/PID belongs to the user while the process may be dumped and traced, else to root."""
    # A sanitizer reads its own process, so that must be allowed.
    if reader.program() is None or reader.is_sanitized():
        pytest.skip("no program, or one with sanitizers")
    started = subprocess.Popen([reader.program(), "--check-config", "-c", "/dev/stdin"],
                               stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL, user=65534, group=65534,
                               extra_groups=[])
    try:
        until = time.monotonic() + DEADLINE_S
        while os.stat(f"/proc/{started.pid}/environ").st_uid != 0:
            assert time.monotonic() < until, "its memory belongs to its user"
            assert started.poll() is None, "it ended before it could be looked at"
            time.sleep(0.005)
    finally:
        started.kill()
        started.communicate()


@pytest.mark.parametrize("mode, user, query, is_warned", [
    (0o644, "user:hush@", "", True), (0o604, "user@", "", True), (0o640, "user:hush@", "", False),
    (0o644, "", "?key=hush", True), (0o640, "", "?key=hush", False), (0o644, "", "", False)])
def test_a_configuration_with_a_password_is_not_for_everybody(tmp_path, mode, user, query, is_warned):
    path = tmp_path / "reader.conf"
    path.write_text(f'nodes = ( {{ url = "http://{user}127.0.0.1:1/a@b{query}"; }} );\n')
    path.chmod(mode)
    done = subprocess.run([reader.program(), "--check-config", "-c", path], capture_output=True,
                          text=True, timeout=60, check=True)
    assert ("config_readable" in done.stderr) == is_warned
    assert "hush" not in done.stderr


def test_a_configuration_from_a_pipe_of_the_shell():
    text = 'reader = { name = "piped"; };'
    done = subprocess.run(["bash", "-c", 'exec "$0" --print-config -c <(sleep 0.1; echo "$1")',
                           reader.program(), text], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0 and 'name = "piped"' in done.stdout, done
    for what, why in (("/dev/zero", "larger than"),
                      ("/", "is not a file"), ("/nonexistent", "cannot open")):
        done = subprocess.run([reader.program(), "--check-config", "-c", what],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 78 and why in done.stderr, done


def test_a_hangup_does_not_wait_for_a_pipe(world, tmp_path):
    """Somebody may hold it open, and say nothing; the work goes on."""
    node = world.node(irreversible=LAST)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR)
    os.write(held, world.config().read_bytes())
    process = world.start(config=pipe)
    polling.poll(lambda: select.select([held], [], [], 0)[0], lambda full: not full,
                 timeout=DEADLINE_S, otherwise=lambda _: "the configuration is not read")
    os.close(held)
    process.wait_for("tail_started")
    held = os.open(pipe, os.O_RDWR)
    try:
        world.allow_errors("config_mistake", "reload_refused")
        process.process.send_signal(signal.SIGHUP)
        process.wait_for("reload_refused", timeout=10)
        assert process.events("config_mistake", containing="is a pipe")
        assert process.stop() == 0
    finally:
        os.close(held)
    world.expect(node.chain, (1, LAST))


def test_an_installation_can_be_entered(tmp_path):
    """Whatever the umask of the installing user is."""
    build = pathlib.Path(reader.program()).parent
    if not (build / "Makefile").exists() or not os.access(build, os.W_OK):
        pytest.skip(f"no build folder to install from: {build}")
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith("MAKE") and name != "MFLAGS"}
    subprocess.run(["sh", "-c", "umask 077; exec make -s install DESTDIR=\"$1\"", "sh",
                    str(tmp_path / "there")], cwd=build, env=environment, check=True,
                   capture_output=True, timeout=80)
    found = list((tmp_path / "there").rglob("*"))
    assert any(path.name == "steem-reader.conf" for path in found)
    for path in found:
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = 0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644
        assert mode & wanted == wanted, f"{path}: {mode:o}"


def test_the_shared_folder_of_the_tests_is_our_own(tmp_path, monkeypatch):
    """Another user may have put a symlink in its place, or a folder that he can write."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    name = f"steem-reader-tests-{os.getuid()}"
    victim = tmp_path / "victim"
    victim.mkdir(mode=0o700)
    (tmp_path / name).symlink_to(victim)
    folder = shared.folder()
    assert folder != tmp_path / name and not folder.is_symlink()
    assert list(victim.iterdir()) == []
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    (tmp_path / name).chmod(0o777)
    assert shared.folder() != tmp_path / name
    (tmp_path / name).rmdir()
    assert shared.folder() == tmp_path / name == shared.folder()
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700
