"""steem-worker and a database that hangs, goes away, loses answers, or locks a row."""

import contextlib
import signal
import time

import pytest

from harness import polling, servers
from harness.proxy import Proxy
from harness.relay import Relay
from harness.worker import Desk, is_alive, wait_gone, worker_program

pytestmark = pytest.mark.skipif(not worker_program(), reason="steem-worker is not built")
STUBBORN = 'echo $$ > $HERE/pid; trap "" TERM; while :; do sleep 1; done'


@pytest.fixture
def desk(lone_world):
    return Desk(lone_world)


@pytest.fixture
def tcp(desk):
    """Options of the configuration for a connection by TCP through this port."""
    desk.world.server.execute("CREATE USER tcp@'127.0.0.1'", "GRANT ALL ON *.* TO tcp@'127.0.0.1'")
    desk.db.execute("INSERT INTO bots VALUES ('tcp', '*', '*')")
    return lambda port: servers.by_tcp(port, user="tcp", tls="off")


def lease_ends_at(desk):
    """The end of the lease, on this process's clock."""
    left = desk.db.value("SELECT TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), available_at)"
                         " FROM deliveries_open")
    return time.monotonic() + left / 1e6


def test_a_frozen_database_does_not_let_a_command_outlive_its_lease(desk):
    bot = desk.shell(STUBBORN)
    delivery, = desk.put()
    worker = desk.start("--lease-s", "3", "--stop-s", "0", command=bot)
    pid = int(desk.wait_file("pid"))
    desk.db.wait_until("SELECT TIMESTAMPDIFF(MICROSECOND, claimed_at, available_at)"
                       " FROM deliveries_open", lambda held: held > 3_500_000)  # renewed
    end = lease_ends_at(desk)
    desk.world.server.freeze()
    wait_gone(pid)
    assert time.monotonic() < end
    worker.wait_for("lease_ending", containing=str(delivery))
    desk.world.server.thaw()
    worker.wait_for("delivery_released", timeout=40)
    # The same worker claims it again, as a first attempt.
    desk.db.wait_until("SELECT attempts FROM deliveries_open WHERE token IS NOT NULL",
                       lambda attempts: attempts == 1)
    assert worker.is_running


def test_a_cut_line_does_not_let_a_command_outlive_its_lease(desk, tcp):
    relay = Relay(desk.world.server.port)
    with contextlib.closing(relay):
        desk.put()
        worker = desk.start("--lease-s", "3", "--concurrency", "2", command=desk.shell(STUBBORN),
                            config=desk.config(**tcp(relay.port)))
        pid = int(desk.wait_file("pid"))
        relay.stop()
        end = lease_ends_at(desk)
        wait_gone(pid)
        assert time.monotonic() < end
        # Meanwhile nobody else is held up by what the cut-off worker may hold.
        other = desk.start(command=desk.shell("exit 0", "next"), name="other")
        desk.wait_ended(1)
        relay.go_on()
        worker.wait_for("lease_lost", timeout=40)
        assert desk.db.rows("SELECT worker, attempts FROM deliveries_ended") == (("other", 2),)
        assert other.is_running


def test_a_frozen_database_when_the_worker_is_to_stop(desk):
    desk.put()
    worker = desk.start("--stop-s", "0", command=desk.shell(STUBBORN))
    pid = int(desk.wait_file("pid"))
    desk.world.server.freeze()
    worker.signal(signal.SIGTERM)
    assert worker.wait_exit(30) == 0
    assert worker.events("results_left") and not is_alive(pid)
    desk.world.server.thaw()


def test_a_result_waits_for_the_database(desk):
    """Lost while the command runs, away when it ends, back in time: the result is taken."""
    bot = desk.shell("echo up > $HERE/up; while [ ! -e $HERE/go ]; do sleep 0.02; done; "
                     "echo x >> $HERE/ran")
    delivery, = desk.put()
    worker = desk.start(command=bot)
    desk.wait_file("up")
    desk.world.server.kill()
    (desk.commands / "go").touch()
    worker.wait_for("database_lost", containing=str(delivery))
    desk.world.server.start()
    worker.wait_for("database_back")
    desk.wait_state(delivery, "done")
    assert desk.row(delivery)[:2] == ("done", 1) and desk.lines("ran") == ["x"]
    more, = desk.put()
    desk.wait_state(more, "done")


def test_a_result_that_another_worker_was_first_with(desk):
    """The database is away for longer than the lease; when it is back, somebody else was faster."""
    bot = desk.shell("echo up > $HERE/up; while [ ! -e $HERE/go ]; do sleep 0.02; done")
    delivery, = desk.put()
    worker = desk.start(command=bot)
    desk.wait_file("up")
    desk.world.server.kill()
    (desk.commands / "go").touch()
    worker.wait_for("database_lost")
    worker.freeze()
    desk.world.server.start()
    desk.db.wait_until("SELECT 1")
    desk.db.execute("UPDATE deliveries_open SET available_at = UTC_TIMESTAMP(6)")
    desk.drain(command=desk.shell("exit 0", "next"), name="other")
    worker.thaw()
    worker.wait_for("lease_lost", containing=str(delivery))
    assert desk.db.rows("SELECT worker, attempts FROM deliveries_ended") == (("other", 2),)


def test_lost_answers_to_commit(desk, tcp):
    """Of every second commit the answer is lost; each record is done once, each reply is there once."""
    proxy = Proxy(desk.world.server.socket)
    with contextlib.closing(proxy):
        ids = desk.put(20)
        worker = desk.start("--reply", "comment", "--author", "the-bot", "--concurrency", "4",
                            command=desk.shell("cat > /dev/null; echo x >> $HERE/ran; echo reply"),
                            config=desk.config(**{**tcp(proxy.port), "user": "root"}))
        worker.wait_for("queue_opened")
        proxy.drop_replies(every=2)
        desk.wait_ended(20)
        proxy.forward_all()
        assert worker.stop() == 0
        assert not worker.events("lease_lost")
    assert desk.db.value("SELECT COUNT(*) FROM comments") == len(ids)
    assert desk.db.rows("SELECT DISTINCT state FROM deliveries_ended") == (("done",),)


def test_a_locked_row_holds_up_nobody_else(desk):
    """Somebody holds a lock on one delivery; the leases of the others are renewed meanwhile."""
    bot = desk.shell('read line; id=${line%%,*}; id=${id#*:}; echo up > $HERE/up.$id; '
                     'while [ ! -e $HERE/go.$id ]; do sleep 0.02; done')
    locked, other = desk.put(2)
    worker = desk.start("--concurrency", "2", "--lease-s", "6", command=bot)
    for delivery in (locked, other):
        desk.wait_file(f"up.{delivery}")
    with desk.world.connect() as holder, holder.cursor() as cursor:
        holder.begin()
        cursor.execute("SELECT * FROM deliveries_open WHERE delivery_id = %s FOR UPDATE", (locked,))
        (desk.commands / f"go.{locked}").touch()
        worker.wait_for("result_delayed", containing=str(locked))
        desk.db.wait_until("SELECT TIMESTAMPDIFF(MICROSECOND, claimed_at, available_at) FROM"
                           " deliveries_open WHERE delivery_id = %s", lambda held: held > 14_000_000,
                           args=(other,))
        holder.rollback()
    desk.wait_state(locked, "done")
    assert not worker.events("lease_ending") and desk.row(other)[:2] == ("claimed", 1)
    (desk.commands / f"go.{other}").touch()
    desk.wait_state(other, "done")


def test_a_database_that_comes_later(desk):
    desk.put()
    desk.world.server.kill()
    worker = desk.start(command=desk.shell("exit 0"))
    worker.wait_for("database_lost")
    desk.world.server.start()
    worker.wait_for("queue_opened")
    desk.wait_ended(1)


@pytest.mark.slow
def test_a_drain_does_not_wait_for_ever(desk):
    """Neither for its first claim, nor to write a result."""
    bot = desk.shell("echo up > $HERE/up; while [ ! -e $HERE/go ]; do sleep 0.02; done")
    desk.put()
    midway = desk.start("--drain", command=bot)
    desk.wait_file("up")
    desk.world.server.kill()
    (desk.commands / "go").touch()
    early = desk.start("--drain", command=bot, name="early")
    for worker in (midway, early):
        assert worker.wait_exit(60) == 69
        assert worker.events("ended")
    assert midway.events("results_left")
    desk.world.server.start()


def test_it_takes_the_next_host(desk, tcp):
    settings = tcp(desk.world.server.port)
    settings["hosts"].insert(0, "127.0.0.1:9")
    delivery, = desk.put()
    desk.drain(command=desk.shell("exit 0"), config=desk.config(**settings))
    assert desk.state(delivery) == "done"


def test_tls_goes_through(desk, tcp):
    """The server has no certificate, or from MariaDB 11.4 on one of its own: no good one."""
    settings = {**tcp(desk.world.server.port), "tls": "verify"}
    worker = desk.start(command=desk.shell("exit 0"), config=desk.config(**settings))
    worker.wait_for("database_lost", containing="database.tls")
    assert not worker.events("queue_opened")


def test_rights_that_are_taken_away(desk):
    """A worker that may not end what it has claimed keeps the result until it may."""
    bot = desk.shell("echo up > $HERE/up; while [ ! -e $HERE/go ]; do sleep 0.02; done")
    desk.db.execute("CREATE USER bot@localhost")
    desk.db.execute(f"GRANT EXECUTE ON {desk.world.database}.* TO bot@localhost")
    desk.db.execute("INSERT INTO bots VALUES ('bot', 'ask', '')")
    delivery, = desk.put()
    worker = desk.start(command=bot, config=desk.config(user="bot"))
    desk.wait_file("up")
    desk.db.execute("DELETE FROM bots WHERE account = 'bot'")
    (desk.commands / "go").touch()
    worker.wait_for("database_lost", containing="sql/bot.sql")
    desk.db.execute("INSERT INTO bots VALUES ('bot', 'ask', '')")
    worker.wait_for("database_back")
    desk.wait_state(delivery, "done")
    assert desk.row(delivery)[1] == 1 and worker.is_running


def test_procedures_that_are_replaced_under_workers(desk):
    """As --migrate does it: dropped, and made again a moment later. No worker ends of it."""
    workers = [desk.start("--poll-ms", "50", command=desk.shell("exit 0"), name=f"w{i}")
               for i in range(3)]
    for worker in workers:
        worker.wait_for("queue_opened")
    text = desk.db.rows("SHOW CREATE PROCEDURE queue_claim")[0][2]
    desk.db.execute("DROP PROCEDURE queue_claim")
    for worker in workers:
        worker.wait_for("database_lost", containing="(1305)")
    desk.db.execute(text.replace("%", "%%"))
    delivery, = desk.put()
    desk.wait_state(delivery, "done")
    for worker in workers:
        worker.wait_for("database_back")
        assert worker.is_running


def test_nothing_is_asked_while_all_are_at_work(desk):
    """No claim without a free place, and no turning round and round."""
    bot = desk.shell("echo up > $HERE/up; while [ ! -e $HERE/go ]; do sleep 0.05; done")
    desk.put()
    worker = desk.start(command=bot)
    desk.wait_file("up")
    count = f"SELECT variable_value + 0 FROM {servers.CHOSEN.status}" \
            " WHERE variable_name = 'COM_CALL_PROCEDURE'"
    before, ticks = desk.db.value(count), cpu_ticks(worker.pid)
    since = time.monotonic()
    polling.poll(time.monotonic, lambda now: now > since + 1, otherwise=str)
    assert desk.db.value(count) == before
    assert cpu_ticks(worker.pid) - ticks < 10
    (desk.commands / "go").touch()


def cpu_ticks(pid):
    """User and system time of a process, in hundredths of a second."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13]))
