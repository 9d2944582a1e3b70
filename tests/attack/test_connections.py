"""Attack the service with connections: silent, slow, unread, of another protocol."""

import resource
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from attack.target import MIB, Target
from e2e.service import eventually

pytestmark = pytest.mark.parametrize("service", ["sqlite"], indirect=True)  # they do not reach the database

HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"
HELD_MS = 60
MANY = 1000
IDLE_SECONDS = 10
UNREAD_SECONDS = 30
BODY_SECONDS = 60
GRACE_SECONDS = 5


@contextmanager
def connections(target: Target, number: int, receive_buffer: int | None = None) -> Iterator[list[socket.socket]]:
    """Open connections, and close them at the end of the block."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, number + 500)), hard))
    with ExitStack() as stack:
        yield [stack.enter_context(target.connect(receive_buffer)) for _ in range(number)]


def is_closed(connection: socket.socket) -> bool:
    """Return whether the server has closed the connection, whatever it has sent before."""
    connection.settimeout(0)
    try:
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def seconds_until_closed(opened: list[socket.socket], within: float) -> float:
    started = time.monotonic()
    eventually(lambda: all(map(is_closed, opened)), within)
    return time.monotonic() - started


def test_http2_is_refused(target: Target) -> None:
    with target.under_attack() as cost, connections(target, 10) as opened:
        for connection in opened:
            connection.sendall(HTTP2)
        eventually(lambda: all(map(is_closed, opened)))
    target.check("MB of memory", cost.memory_mb, at_most=10)
    target.check_others(cost, held_ms=HELD_MS)


def test_an_upgrade_to_http2_or_websockets_is_not_made(target: Target) -> None:
    for protocol in ("h2c", "websocket"):
        fields = [f"upgrade: {protocol}", "connection: upgrade, http2-settings", "http2-settings: AAMAAABkAAQAoAAAAAIA"]
        fields += ["sec-websocket-version: 13", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="]
        assert target.exchange(target.head("GET /health/live", *fields)).status in {200, 400}


@pytest.mark.attack
@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"])
def test_silent_and_slow_connections_delay_nobody_and_are_closed(target: Target, sent: bytes) -> None:
    with target.under_attack() as cost, connections(target, MANY) as opened:
        for connection in opened:
            connection.sendall(sent)
        seconds = seconds_until_closed(opened, IDLE_SECONDS + 2 * GRACE_SECONDS)
    target.check("seconds until they are closed", seconds, at_most=IDLE_SECONDS + GRACE_SECONDS)
    target.check("MB of memory", cost.memory_mb, at_most=60)
    target.check_others(cost, held_ms=MANY / 4)  # it waits for a request of each, sent at once


@pytest.mark.attack
def test_a_head_that_arrives_byte_by_byte_is_given_up(target: Target) -> None:
    with target.connect() as connection:
        started = time.monotonic()
        connection.sendall(b"GET /health/live HTTP/1.1\r\nx: ")
        while not is_closed(connection):
            connection.send(b"a")
            time.sleep(0.5)
        target.check("seconds", time.monotonic() - started, at_most=IDLE_SECONDS + GRACE_SECONDS)


@pytest.mark.attack
def test_clients_that_read_no_response_cost_little_and_are_closed(target: Target) -> None:
    scripts = [line.split('"')[1] for line in target.service.get("/docs").text.split("src=")[1:]]
    path = max(scripts, key=lambda each: len(target.service.get(each).text))
    files = target.open_files()
    with target.under_attack() as cost, connections(target, 300, receive_buffer=4096) as opened:
        for connection in opened:
            connection.sendall(target.head(f"GET {path}", key=False))
        eventually(lambda: target.open_files() >= files + 300)
        started = time.monotonic()
        eventually(lambda: target.open_files() <= files + 10, UNREAD_SECONDS + 4 * GRACE_SECONDS)
        target.check("seconds", time.monotonic() - started, at_most=UNREAD_SECONDS + 2 * GRACE_SECONDS)
    target.check("MB of memory", cost.memory_mb, at_most=150)
    target.check_others(cost, held_ms=300 * 2)  # it waits for the start of each response


@pytest.mark.attack
def test_endless_bodies_are_given_up(target: Target) -> None:
    head = target.head("POST /leads", "content-type: application/json", f"content-length: {MIB // 8}")
    with target.under_attack() as cost, connections(target, 300) as opened:
        for connection in opened:
            connection.sendall(head)
        started = time.monotonic()
        waiting = list(opened)
        while waiting and time.monotonic() < started + BODY_SECONDS + 4 * GRACE_SECONDS:
            time.sleep(1)
            waiting = [connection for connection in waiting if not is_closed(connection) and sent(connection)]
        target.check("seconds", time.monotonic() - started, at_most=BODY_SECONDS + 2 * GRACE_SECONDS)
    statuses = [line["status"] for line in target.service.log("request") if line["route"] == "/leads"]
    assert set(statuses) == {408, 429}
    target.check("bodies read at once", statuses.count(408), at_most=256)
    target.check("MB of memory", cost.memory_mb, at_most=60)
    assert cost.held_ms < HELD_MS


def sent(connection: socket.socket) -> bool:
    """Send the next byte of an endless body."""
    try:
        connection.send(b" ")
    except OSError:
        return False
    return True


def test_pipelined_requests_are_served_one_after_another(target: Target) -> None:
    number = 2000
    with target.under_attack() as cost, target.connect() as connection, ThreadPoolExecutor(1) as sender:
        sender.submit(connection.sendall, target.head("GET /health/live", key=False) * number)
        received = 0
        while received < number:
            received += connection.recv(65536).count(b"HTTP/1.1 200 ")
    target.check("MB of memory", cost.memory_mb, at_most=20)
    target.check_others(cost, held_ms=HELD_MS)


def test_a_compressed_body_is_refused_unread(target: Target) -> None:
    for coding in ("gzip", "br", "deflate", "gzip, gzip"):
        fields = ["content-type: application/json", f"content-encoding: {coding}", "content-length: 9"]
        assert target.exchange(target.head("POST /leads", *fields) + b"\x1f\x8b\x08\0\0\0\0\0\0").status == 415


def test_tiny_chunks_cost_little(target: Target) -> None:
    head = target.head("POST /leads", "content-type: application/json", "transfer-encoding: chunked")
    with target.under_attack() as cost:
        for chunk in (b"1\r\n \r\n", b"1;" + b"x" * 100 + b"\r\n \r\n"):
            assert target.exchange(head + chunk * 10_000 + b"0\r\n\r\n").status in {0, 400, 413}
    target.check("processor ms", cost.cpu_ms, at_most=1000)
    target.check("MB of memory", cost.memory_mb, at_most=20)
    target.check_others(cost, held_ms=HELD_MS)
