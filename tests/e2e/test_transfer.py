"""Test imports and exports over slow and broken connections."""

import gzip
import json
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from e2e.service import HOST, TIMEOUT_SECONDS, Service, Site, eventually

ROWS = 3_000
SUPERVISOR_SECONDS = 10.0


def a_file(rows: int) -> bytes:
    return b"name,email,note\n" + b"".join(b"Ann,a%d@example.com,=1+1\n" % number for number in range(rows))


@contextmanager
def unfinished_import(service: Service, body: bytes) -> Iterator[socket.socket]:
    """Open a connection that has sent only this part of a file."""
    with socket.create_connection((HOST, service.port), TIMEOUT_SECONDS) as connection:
        connection.sendall(
            f"POST /leads/import HTTP/1.1\r\nHost: {HOST}\r\nX-API-Key: {service.site.key}\r\n"
            f"Content-Type: text/csv\r\nContent-Length: {len(body) + 1}\r\n\r\n".encode()
        )
        connection.sendall(body)
        yield connection


def import_file(service: Service, body: bytes, **headers: str) -> dict[str, object]:
    response = service.client.post("/leads/import", content=body, headers={"Content-Type": "text/csv", **headers})
    assert response.status_code == 200, response.text
    summary: dict[str, object] = response.json()
    return summary


def memory_mb(service: Service) -> float:
    """Return the peak memory of the service in MB."""
    with open(f"/proc/{service.process.pid}/status") as status:  # noqa: PTH123
        peak = next(line.split()[1] for line in status if line.startswith("VmHWM:"))
    return int(peak) * 1024 / 1e6


def test_an_imported_file_can_be_exported(site: Site) -> None:
    with site.serve() as service:
        assert import_file(service, a_file(ROWS))["created"] == ROWS
        exported = service.client.get("/leads/export", headers={"Accept": "application/x-ndjson"})
        leads = [json.loads(line) for line in exported.text.splitlines()]
        assert [lead["email"] for lead in leads] == [f"a{number}@example.com" for number in range(ROWS)]
        assert exported.text == site.leads("export", "--format", "ndjson").expect(0).out
        head = service.client.head("/leads/export")
        assert (head.status_code, head.content) == (200, b"")
        compressed = service.client.post(
            "/leads/import",
            content=gzip.compress(a_file(1)),
            headers={"Content-Type": "text/csv", "Content-Encoding": "gzip"},
        )
        assert compressed.status_code == 415


def test_a_large_body_is_not_held_in_memory(site: Site) -> None:
    """Send rows of one megabyte: each is refused, and none stays in memory."""
    row = b"Ann,a@example.com," + b"x" * 500_000 + b"\n"
    with site.serve() as service:
        before = memory_mb(service)
        summary = import_file(service, b"name,email,note\n" + row * 160)
        assert summary["refused"] == 160
        assert memory_mb(service) < before + 50
        assert service.get("/health/ready").status == 200


def test_complete_batches_are_stored_when_the_client_disconnects(site: Site) -> None:
    with site.serve() as service:
        with unfinished_import(service, a_file(ROWS)):
            eventually(lambda: len(service.items("/leads")) >= 100)
        eventually(lambda: service.log("request")[-1]["route"] == "/leads/import")
        stored = len(service.items("/leads"))
        assert stored % 100 == 0
        summary = import_file(service, a_file(ROWS))
        assert (summary["created"], summary["duplicates"]) == (ROWS - stored, stored)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stalled_import_does_not_prevent_shutdown(site: Site, workers: str) -> None:
    with site.serve("--workers", workers) as service, unfinished_import(service, a_file(ROWS)):
        eventually(lambda: len(service.items("/leads")) >= 100)
        service.process.send_signal(signal.SIGTERM)
        eventually(lambda: service.process.poll() is not None, within=SUPERVISOR_SECONDS + 5)
        eventually(lambda: not service.has_left_processes())


def test_a_client_that_stops_reading_an_export_delays_no_other(site: Site) -> None:
    with site.serve() as service:
        import_file(service, a_file(ROWS * 10))
        with socket.create_connection((HOST, service.port), TIMEOUT_SECONDS) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(
                f"GET /leads/export HTTP/1.1\r\nHost: {HOST}\r\nX-API-Key: {service.site.key}\r\n\r\n".encode()
            )
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
            service.post("/leads", {"name": "Eve", "email": "eve@example.com"}).expect(201)
        eventually(lambda: any(line["route"] == "/leads/export" for line in service.log("request")))
        assert service.client.get("/leads/export").text.count("\n") == ROWS * 10 + 2
