"""Test that clients get the 413 for a too large body, also if they read only after sending."""

import socket
from collections.abc import Iterator

import pytest

from e2e.service import HOST, TIMEOUT_SECONDS, Service, Site

MIB = 2**20
BODY_MAX = 2**18


@pytest.fixture
def service(site: Site) -> Iterator[Service]:
    with site.serve("--no-dispatch") as service:
        yield service


def connect(service: Service) -> socket.socket:
    return socket.create_connection((HOST, service.port), timeout=TIMEOUT_SECONDS)


def head(service: Service, *fields: str) -> bytes:
    lines = ["POST /leads HTTP/1.1", "host: leads", f"x-api-key: {service.site.key}", "content-type: application/json"]
    return "\r\n".join([*lines, *fields, "", ""]).encode()


def read_response(connection: socket.socket) -> tuple[int, str]:
    """Read a response and return its status and head."""
    with connection.makefile("rb") as file:
        status = int(file.readline().split()[1])
        lines = list(iter(file.readline, b"\r\n"))
        length = next(int(line.split()[1]) for line in lines if line.startswith(b"content-length"))
        file.read(length)
    return status, b"".join(lines).decode()


def chunk(size: int) -> bytes:
    return f"{size:x}\r\n".encode() + b" " * size + b"\r\n"


@pytest.mark.parametrize("size", [BODY_MAX + 1, 4 * MIB, BODY_MAX + 8 * MIB])
@pytest.mark.parametrize("way", ["with a length", "in chunks"])
def test_a_client_that_sends_the_whole_body_first_gets_the_413_and_can_continue(
    service: Service, size: int, way: str
) -> None:
    with connect(service) as connection:
        if way == "in chunks":
            connection.sendall(head(service, "transfer-encoding: chunked"))
            for _ in range(0, size, 2**16):
                connection.sendall(chunk(2**16))
            connection.sendall(b"0\r\n\r\n")
        else:
            connection.sendall(head(service, f"content-length: {size}") + b" " * size)
        status, fields = read_response(connection)
        assert (status, "connection" in fields) == (413, False)
        connection.sendall(b"GET /health/live HTTP/1.1\r\nhost: leads\r\n\r\n")
        assert read_response(connection)[0] == 200


def test_a_far_too_large_body_is_not_read_to_its_end(service: Service) -> None:
    with connect(service) as connection:
        connection.sendall(head(service, f"content-length: {2**40}"))
        status, fields = read_response(connection)
        assert (status, "connection: close" in fields) == (413, True)
        assert connection.recv(1) == b""


def test_expect_100_continue_gets_the_413_before_the_body(service: Service) -> None:
    with connect(service) as connection:
        connection.sendall(head(service, f"content-length: {2 * MIB}", "expect: 100-continue"))
        assert read_response(connection)[0] == 413


def test_a_slow_client_times_out(service: Service) -> None:
    with connect(service) as connection:
        connection.sendall(head(service, f"content-length: {2 * MIB}") + b" " * MIB)
        status, fields = read_response(connection)
        assert (status, "connection: close" in fields) == (413, True)
        assert service.get("/leads").status == 200
