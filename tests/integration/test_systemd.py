"""What systemd is told: READY, STATUS, WATCHDOG, RELOADING, STOPPING, and when."""

import signal
import socket
import threading

import pytest

LAST = 50


class Manager:
    """A made-up systemd: the socket behind NOTIFY_SOCKET, and what came through it."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.messages = []
        self.changed = threading.Condition()
        self.environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"}
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while message := self.socket.recv(4096):
            with self.changed:
                self.messages += message.decode().split("\n")
                self.changed.notify_all()

    def wait_for(self, start, count=1, timeout=20):
        """Wait until so many messages begin so; the index behind the last of them."""
        def found():
            places = [i for i, text in enumerate(self.messages) if text.startswith(start)]
            return len(places) >= count and places[count - 1] + 1

        with self.changed:
            assert self.changed.wait_for(found, timeout), f"no {count} {start}: {self.messages}"
            return found()

    def count(self, start):
        with self.changed:
            return sum(text.startswith(start) for text in self.messages)

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.environment["NOTIFY_SOCKET"])
        self.socket.close()


@pytest.fixture
def manager(tmp_path):
    made = Manager(str(tmp_path / "notify"))
    yield made
    made.close()


def test_ready_when_the_database_is_open(lone_world, manager):
    world = lone_world
    node = world.node(irreversible=LAST)
    world.server.kill()
    reader = world.start(environment=manager.environment)
    manager.wait_for("STATUS=")
    manager.wait_for("EXTEND_TIMEOUT_USEC=")
    reader.wait_for("database_lost")
    assert manager.count("READY=1") == 0
    world.server.start()
    manager.wait_for("READY=1", timeout=40)
    reader.wait_for("tail_started")
    world.db.wait_blocks(LAST)
    world.expect(node.chain, (1, LAST))


@pytest.mark.slow
def test_the_watchdog_is_fed_by_progress_only(world, manager):
    node = world.node(irreversible=LAST)
    reader = world.start(environment=manager.environment)
    reader.wait_for("tail_started")
    node.live()
    manager.wait_for("WATCHDOG=1", manager.count("WATCHDOG=1") + 5)
    last = node.still()
    world.db.wait_block(last)
    node.refuse()
    reader.wait_for("node_failed")
    statuses = manager.count("STATUS=")
    quiet_from = manager.wait_for("STATUS=", statuses + 1)
    quiet_to = manager.wait_for("STATUS=", statuses + 2)
    assert "WATCHDOG=1" not in manager.messages[quiet_from:quiet_to]
    node.accept()
    manager.wait_for("WATCHDOG=1", manager.count("WATCHDOG=1") + 1, timeout=40)
    world.expect(node.chain, (1, last))


def test_reloading_and_stopping(world, manager):
    world.node(irreversible=LAST)
    reader = world.start(environment=manager.environment)
    reader.wait_for("tail_started")
    manager.wait_for("READY=1")
    reader.signal(signal.SIGHUP)
    reloading = manager.wait_for("RELOADING=1")
    assert manager.wait_for("MONOTONIC_USEC=") == reloading + 1
    assert manager.wait_for("READY=1", 2) > reloading
    assert manager.count("STOPPING=1") == 0
    assert reader.stop() == 0
    stopping = manager.wait_for("STOPPING=1")
    assert "READY=1" not in manager.messages[stopping:]


def test_a_status_names_the_work(world, manager):
    world.node(irreversible=LAST)
    world.start(environment=manager.environment)
    manager.wait_for("STATUS=tailing")


def test_no_watchdog_without_its_time(world, manager):
    node = world.node(irreversible=LAST)
    del manager.environment["WATCHDOG_USEC"]
    reader = world.start(environment=manager.environment)
    reader.wait_for("tail_started")
    node.advance()
    world.db.wait_block(LAST + 1)
    assert reader.stop() == 0
    manager.wait_for("STOPPING=1")
    assert manager.count("WATCHDOG") == 0
