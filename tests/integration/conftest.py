"""Fixtures of the integration tests: see harness/world.py for what a test gets."""

import sys
import threading
import traceback
import zlib

import pytest

from harness import chain as chains
from harness import deliveries, servers, moved, reader
from harness.manager import Manager
from harness.worker import Desk
from harness.world import World

TEST_TIMEOUT_S = 90


def pytest_configure(config):
    config.addinivalue_line("markers", "timeout_s(seconds): another limit for the whole test")
    config.addinivalue_line("markers", "slow: takes half a minute; begun early")
    config.addinivalue_line("markers", "xdist_group(name): tests for one worker; begun first")


def pytest_collection_modifyitems(items):
    """A mix for every worker: most of the time is waiting.

    pytest-xdist deals out the list from its beginning. There stand the groups, which one worker
    takes whole; the slow ones are spread over the first half of the rest, so that no worker gets
    two of them in a row and nobody waits for one at the end.
    """
    items.sort(key=lambda item: zlib.crc32(item.nodeid.encode()))
    groups = [item for item in items if item.get_closest_marker("xdist_group")]
    slow = [item for item in items if item.get_closest_marker("slow") and item not in groups]
    items[:] = [item for item in items if item not in groups and item not in slow]
    for place, item in enumerate(slow):
        items.insert(place * (len(items) // 2) // max(len(slow), 1), item)
    items[:0] = groups


@pytest.fixture(scope="session")
def server():
    """The private database server of this worker."""
    if not servers.available():
        pytest.skip(servers.CHOSEN.missing)
    made = servers.Server().start()
    yield made
    made.close()


@pytest.fixture
def own_server():
    """A server of one's own, reachable by TCP too, to be killed and frozen."""
    if not servers.available():
        pytest.skip(servers.CHOSEN.missing)
    made = servers.Server(tcp=True).start()
    yield made
    made.close()


def _world(request, server, tmp_path):
    if reader.program() is None:
        pytest.skip("steem-reader is not built (STEEM_READER names it)")
    made = World(server, tmp_path)
    request.node.world = made
    return made


@pytest.fixture
def bare_world(request, server, tmp_path):
    """A world without tables."""
    made = _world(request, server, tmp_path)
    yield made
    made.close()


@pytest.fixture
def world(bare_world):
    """A world with tables, made by --migrate."""
    return bare_world.migrate()


@pytest.fixture
def filled(request, world):
    """A world with blocks 1 to LAST of the test's module, complete."""
    world.node(irreversible=request.module.LAST)
    world.run("--once")
    return world


@pytest.fixture
def lone_world(request, own_server, tmp_path):
    """A world with tables on a server of its own."""
    made = _world(request, own_server, tmp_path)
    yield made.migrate()
    made.close()


@pytest.fixture
def moved_world(request, tmp_path):
    """A world with tables on a server of its own whose calendar can be moved."""
    if not servers.available() or not moved.compiler():
        pytest.skip("no MariaDB server (package mariadb-server-core) or no C compiler here")
    made = moved.MovedServer().start()
    built = _world(request, made, tmp_path)
    yield built.migrate()
    built.close()
    made.close()


@pytest.fixture
def queue(world):
    """A world with the queue `ask` and ten deliveries, in blocks 1 to 10."""
    deliveries.make_queue(world.db)
    world.ids = [deliveries.deliver(world.db, block)[0] for block in range(1, 11)]
    world.bots = []

    def bot(name="bot", session=(), **options):
        world.bots.append(deliveries.Bot(
            lambda: world.server.connect(world.database, **options), name, session))
        return world.bots[-1]
    world.bot = bot
    yield world
    for one in world.bots:
        one.close()


@pytest.fixture
def desk(world):
    """A queue filled by SQL, for steem-worker."""
    return Desk(world)


@pytest.fixture
def manager(tmp_path):
    """What systemd would be told."""
    made = Manager(str(tmp_path / "notify"))
    yield made
    made.close()


@pytest.fixture
def recorded():
    """The folder of the recorded data."""
    if chains.recorded_data() is None:
        pytest.skip(f"no recorded data in {chains.DATA}")
    return chains.recorded_data()


def in_time(function, limit):
    """Call the function in a thread; give up, and show where it stands, after so many seconds.

    Not by SIGALRM: pytest-xdist may run a test beside the main thread.
    """
    raised = []

    def run():
        try:
            function()
        except BaseException as error:  # pylint: disable=broad-except
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit)
    if thread.is_alive():
        frame = sys._current_frames().get(thread.ident)  # pylint: disable=protected-access
        where = "".join(traceback.format_stack(frame)[-4:]) if frame else ""
        raise TimeoutError(f"the test took more than {limit} s:\n{where}")
    if raised:
        raise raised[0]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run the test under its time limit, then what must hold after every test."""
    marker = pyfuncitem.get_closest_marker("timeout_s")
    names = pyfuncitem._fixtureinfo.argnames  # pylint: disable=protected-access

    def run():
        pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names})
        if world := getattr(pyfuncitem, "world", None):
            world.finish()

    in_time(run, marker.args[0] if marker else TEST_TIMEOUT_S)
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """On failure, the logs of all readers."""
    outcome = yield
    report = outcome.get_result()
    world = getattr(item, "world", None)
    if report.failed and world is not None:
        report.sections.append(("what the readers and nodes said", world.report()))
