"""Clients of the endpoint that mean harm, or ask too often: they hold up nobody."""

import contextlib
import socket

import pytest

from harness.exposition import LISTEN, Endpoint, tailing

LAST = 60


def connect(endpoint):
    connection = socket.create_connection((endpoint.host, endpoint.port), timeout=30)
    connection.settimeout(30)
    return connection


def blocks_go_on(world, node, count=10):
    """New blocks are stored as fast as ever."""
    for _ in range(count):
        node.advance()
        world.db.wait_block(node.irreversible, timeout=5)


@pytest.mark.slow
def test_silent_clients_hold_nothing_up(world):
    node = world.node(irreversible=LAST)
    _, endpoint = tailing(world)
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(connect(endpoint)) for _ in range(60)]
        for connection in silent[::2]:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Never-Ends: ")
        blocks_go_on(world, node)
        # Those beyond the limit were sent away, the others have their time.
        for connection in silent:
            with contextlib.suppress(ConnectionError):
                assert connection.recv(1000)[:12] in (b"", b"HTTP/1.1 408")
    endpoint.wait_status("/healthz", 200)
    world.expect(node.chain, (1, node.irreversible))


@pytest.mark.slow
def test_a_dripping_client_has_ten_seconds(world):
    """Each byte begins the library's own timeout anew."""
    node = world.node(irreversible=LAST)
    _, endpoint = tailing(world)
    with connect(endpoint) as connection:
        connection.settimeout(0.5)
        sent = 0
        with contextlib.suppress(ConnectionError):
            connection.sendall(b"GET /metrics HTTP/1.1\r\nX-Drip: ")
            while sent < 60:
                with contextlib.suppress(TimeoutError):
                    if connection.recv(1000) == b"":
                        break
                connection.sendall(b"x")
                sent += 1
    assert 10 <= sent <= 30, "bytes that it could send, two a second"
    assert endpoint.get("/healthz").status == 200
    world.expect(node.chain, (1, LAST))


def test_clients_that_never_read_hold_nothing_up(world):
    node = world.node(irreversible=LAST)
    _, endpoint = tailing(world)
    with contextlib.ExitStack() as stack:
        for _ in range(12):
            deaf = stack.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            deaf.connect((endpoint.host, endpoint.port))
            deaf.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        blocks_go_on(world, node)
        assert endpoint.get("/healthz").status == 200
    world.expect(node.chain, (1, node.irreversible))


BROKEN = (
    b"\x00\xff\xfe garbage \r\n\r\n", b"GET\r\n\r\n", b"GET /metrics\r\n\r\n",
    b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100000 + b"\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\nx",
    b"POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
    b"GET /%00%ff%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n", b"")


def test_broken_requests_break_nothing(world):
    node = world.node(irreversible=LAST)
    reader, endpoint = tailing(world)
    for broken in BROKEN:
        with connect(endpoint) as connection, contextlib.suppress(OSError):
            connection.sendall(broken)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(100000):
                pass
        assert endpoint.get("/healthz").status == 200 and reader.is_running, broken
    world.expect(node.chain, (1, LAST))


def test_stopping_with_clients_still_there(world):
    node = world.node(irreversible=LAST)
    reader, endpoint = tailing(world)
    with connect(endpoint) as idle, connect(endpoint) as half:
        half.sendall(b"GET /metr")
        assert reader.stop() == 0
        assert idle.recv(10) == b""
    world.expect(node.chain, (1, LAST))


def test_many_requests_during_catch_up(world):
    """A monitor that asks often, while the reader catches up: both come to their end."""
    node = world.node(irreversible=3000)
    reader = world.start(metrics=LISTEN)
    endpoint = Endpoint.of(reader)
    pages = 0
    while not reader.events("tail_started"):
        endpoint.metrics()
        pages += 1
    assert pages > 3
    world.db.wait_blocks(3000)
    world.expect(node.chain, (1, 3000))
