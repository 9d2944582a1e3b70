"""Test how the service stops."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from e2e.service import HOST, TIMEOUT_SECONDS, Service, Site, eventually

A_FEW_SECONDS = 5.0
SUPERVISOR_SECONDS = 10.0
"""The time in seconds after which supervisors commonly kill a process."""

BODY = b'{"name": "John Doe", "email": "john@example.com"}'
SLOW = """
import multiprocessing
import pathlib
import time


def create(options):
    worker = multiprocessing.parent_process() and multiprocessing.current_process()
    if worker:
        pathlib.Path(f"starting-{worker.pid}").touch()
        time.sleep(60)
    from leads_adapters.notifiers.log import create

    return create({})
"""

HOSTILE_SPREADSHEET = """
import pathlib
import sys
import time

if "leads_adapters.files.sheet_process" in sys.orig_argv:
    pathlib.Path("converting").touch()
    time.sleep(60)
"""
"""Makes the conversion of every spreadsheet take a minute, as hostile ones do."""


@pytest.mark.parametrize(("workers", "number"), [("1", signal.SIGTERM), ("1", signal.SIGINT), ("2", signal.SIGTERM)])
def test_a_running_request_gets_its_response_before_the_service_ends(
    site: Site, workers: str, number: signal.Signals
) -> None:
    # The client of the service stays connected and idle, which must not delay shutdown.
    with site.serve("--workers", workers) as service, unfinished_request(service) as connection:
        stopped_at = time.monotonic()
        service.process.send_signal(number)
        eventually(lambda: refuses_connections(service.port))
        connection.sendall(BODY)
        response = read_all(connection)
        assert service.process.wait(TIMEOUT_SECONDS) == 0
        assert time.monotonic() - stopped_at < (A_FEW_SECONDS if workers == "1" else SUPERVISOR_SECONDS)
        eventually(lambda: not service.has_left_processes())
    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 201 "), response
    assert service.log("request")[-1]["status"] == 201
    assert json.loads(body)["id"] in site.leads("export").expect(0).out


@pytest.mark.parametrize(("workers", "to_all"), [("1", False), ("2", False), ("2", True)])
def test_the_service_is_not_ready_for_a_while_before_it_stops(site: Site, workers: str, to_all: bool) -> None:
    with site.serve("--workers", workers, LEADS_STOP_DELAY="2") as service:
        stopped_at = time.monotonic()
        signal_to(service, signal.SIGTERM, to_all)
        eventually(lambda: service.get("/health/ready").status == 503)
        created = service.post("/leads", json.loads(BODY)).expect(201)
        assert service.get(f"/leads/{created.json['id']}").status == 200
        assert service.get("/health/live").status == 200
        assert service.process.poll() is None
        signal_to(service, signal.SIGTERM, to_all)  # a second signal has no effect
        eventually(lambda: refuses_connections(service.port))
        assert time.monotonic() - stopped_at >= 2
        assert service.process.wait(TIMEOUT_SECONDS) == 0
        assert time.monotonic() - stopped_at < 2 + (A_FEW_SECONDS if workers == "1" else SUPERVISOR_SECONDS)
        eventually(lambda: not service.has_left_processes())


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupt_at_a_terminal_stops_the_service_at_once(site: Site, workers: str) -> None:
    with site.serve("--workers", workers, LEADS_STOP_DELAY="600") as service:
        signal_to(service, signal.SIGTERM, to_all=False)
        eventually(lambda: service.get("/health/ready").status == 503)
        signal_to(service, signal.SIGINT, to_all=True)
        eventually(lambda: service.process.poll() is not None, within=SUPERVISOR_SECONDS)
        eventually(lambda: not service.has_left_processes())


def signal_to(service: Service, number: signal.Signals, to_all: bool) -> None:
    """Signal the started process, as Docker does, or all its processes, as systemd and terminals do."""
    (os.killpg if to_all else os.kill)(service.process.pid, number)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_client_that_never_ends_its_request_does_not_prevent_shutdown(site: Site, workers: str) -> None:
    with site.serve("--workers", workers) as service, unfinished_request(service) as connection:
        service.process.send_signal(signal.SIGTERM)
        head, _, body = read_all(connection).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 "), head
        assert (json.loads(body)["type"], json.loads(body)["instance"]) == ("/problems/unavailable", "/leads")
        eventually(lambda: service.process.poll() is not None, within=SUPERVISOR_SECONDS)
        assert service.process.returncode == 0


def test_a_spreadsheet_that_takes_long_to_read_does_not_prevent_shutdown(site: Site) -> None:
    site.install("sitecustomize", HOSTILE_SPREADSHEET, {})
    with site.serve() as service, socket.create_connection((HOST, service.port), TIMEOUT_SECONDS) as connection:
        connection.sendall(
            f"POST /leads/import HTTP/1.1\r\nHost: {HOST}\r\nX-API-Key: {service.site.key}\r\n"
            "Content-Type: application/vnd.ms-excel\r\nContent-Length: 4\r\n\r\nPK\x03\x04".encode()
        )
        eventually((site.folder / "converting").exists)
        service.process.send_signal(signal.SIGTERM)
        eventually(lambda: service.process.poll() is not None, within=SUPERVISOR_SECONDS)
        assert service.process.returncode == 0


def test_several_processes_can_be_stopped_before_they_have_started(site: Site) -> None:
    site.install("slow", SLOW, {"leads.notifiers": {"slow": "slow:create"}})
    site.write("leads.toml", '[channels.slow]\nadapter = "slow"\n')
    with site.starting("--workers", "2") as service:
        eventually(lambda: len(list(site.folder.glob("starting-*"))) == 2)
        service.process.send_signal(signal.SIGTERM)
        eventually(lambda: service.process.poll() is not None, within=SUPERVISOR_SECONDS)
        eventually(lambda: not service.has_left_processes())


@contextmanager
def unfinished_request(service: Service) -> Iterator[socket.socket]:
    """Open a connection with a request that the service has begun to read, without its body."""
    with socket.create_connection((HOST, service.port), TIMEOUT_SECONDS) as connection:
        connection.sendall(
            f"POST /leads HTTP/1.1\r\nHost: {HOST}\r\nX-API-Key: {service.site.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        assert connection.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        yield connection


def refuses_connections(port: int) -> bool:
    """Return whether the port refuses connections."""
    try:
        socket.create_connection((HOST, port), TIMEOUT_SECONDS).close()
    except ConnectionError:
        return True
    return False


def read_all(connection: socket.socket) -> bytes:
    """Read until the server disconnects."""
    return b"".join(iter(lambda: connection.recv(4096), b""))
