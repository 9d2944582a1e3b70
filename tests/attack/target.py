"""Attack a service, and measure what the attack costs it and its other clients.

with target.under_attack() as cost:
    target.exchange(hostile_bytes)
target.check("processor ms", cost.cpu_ms, at_most=50)
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import Any

from attack.witness import cpu_seconds
from e2e.service import HOST, TIMEOUT_SECONDS, Service

WITNESS = Path(__file__).with_name("witness.py")
MIB = 2**20
SLACK = 1 if "ATTACK" in os.environ else 5
"""The factor of all bounds: in `make test`, other tests run beside an attack."""


@dataclass
class Cost:
    """Cost of an attack for the service and another client.

    `cpu_ms` is processor time of the service, `held_ms` the most of it during one request of another client, which is
    steadier than time on the clock of a busy machine. `memory_mb` is the peak above the memory before,
    `log_line` the length of the longest line in the log.
    """

    cpu_ms: float = 0
    memory_mb: float = 0
    log_line: int = 0
    held_ms: float = 0
    median_ms: float = 0
    slowest_ms: float = 0
    requests: int = 0
    failed: int = 0


@dataclass
class Target:
    """A service under attack. `record` stores what was measured beside its bound, for the table at the end."""

    service: Service
    record: Callable[[str, object], None] = field(default=lambda *_: None)

    @contextmanager
    def under_attack(self) -> Iterator[Cost]:
        """Measure what the block costs the service, while another client sends requests."""
        cost, pid = Cost(), self.service.process.pid
        command = [sys.executable, str(WITNESS), str(self.service.port), self.service.site.key, str(pid)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as witness:
            Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")  # reset the peak of the memory
            memory, log, cpu = self.memory_mb("VmRSS"), len(self.service.err), cpu_seconds(pid)
            try:
                yield cost
            finally:
                cost.cpu_ms = (cpu_seconds(pid) - cpu) * 1000
                cost.memory_mb = self.memory_mb("VmHWM") - memory
                seen = json.loads(witness.communicate()[0])
        cost.log_line = max(map(len, self.service.err[log:].splitlines()), default=0)
        for name, value in seen.items():
            setattr(cost, name, value)

    def check(self, what: str, measured: float, *, at_most: float) -> None:
        """Record a measurement and fail if it is above its bound."""
        self.record("measured", (what, round(measured, 1), at_most))
        assert measured <= SLACK * at_most, f"{what}: {measured:.1f}, more than {at_most}"

    def check_others(self, cost: Cost, *, held_ms: float) -> None:
        """Check that another client was served during the attack, and that no request of it waited for long."""
        self.check("failed requests of another client", cost.failed, at_most=0)
        self.check("processor ms that held up another client", cost.held_ms, at_most=held_ms)

    def memory_mb(self, name: str) -> float:
        """Return a figure of proc_pid_status(5), such as VmRSS or VmHWM, in MB."""
        status = Path(f"/proc/{self.service.process.pid}/status").read_text("ascii")
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith(name)) * 1024 / 1e6

    def open_files(self) -> int:
        """Return the number of files and connections that the service has open."""
        return len(list(Path(f"/proc/{self.service.process.pid}/fd").iterdir()))

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        """Open a connection."""
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(TIMEOUT_SECONDS)
        connection.connect((HOST, self.service.port))
        return connection

    def head(self, line: str, *fields: str, key: bool = True) -> bytes:
        """Return the head of a request."""
        lines = [f"{line} HTTP/1.1", "host: leads", *fields]
        if key:
            lines.append(f"x-api-key: {self.service.site.key}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def exchange(self, request: bytes) -> "Reply":
        """Send bytes on a connection of their own and return the first response."""
        with self.connect() as connection:
            return exchange(connection, request)

    def exchange_at_once(self, requests: Sequence[bytes], within: float = 150) -> "list[Reply]":
        """Send each request on a connection of its own, and return the start of each response and its time."""
        replies = []
        with ExitStack() as stack, DefaultSelector() as selector:
            for request in requests:
                connection = stack.enter_context(self.connect())
                connection.sendall(request)
                selector.register(connection, EVENT_READ)
            started = time.monotonic()
            while selector.get_map() and (seconds := time.monotonic() - started) < within:
                for key, _ in selector.select(1):
                    selector.unregister(key.fileobj)
                    head = key.fileobj.recv(4096).decode("latin-1")  # type: ignore[union-attr]
                    replies.append(Reply(int(head[9:12] or 0), head, b"", seconds))
        assert len(replies) == len(requests), f"{len(requests) - len(replies)} requests have no response in {within} s"
        return replies


@dataclass(frozen=True)
class Reply:
    """The first response on a connection: status 0 if the server closed it without one."""

    status: int
    head: str
    body: bytes
    seconds: float = 0

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.body)


def exchange(connection: socket.socket, request: bytes) -> Reply:
    """Send bytes, as far as the server takes them, and return the first response."""
    with suppress(BrokenPipeError, ConnectionResetError):  # refused before the end: the response may be there
        connection.sendall(request)
    try:
        with connection.makefile("rb") as file:
            lines = list(iter(file.readline, b"\r\n")) if (first := file.readline()) else []
            length = next((int(line.split()[1]) for line in lines if line.lower().startswith(b"content-length")), 0)
            status = int(first.split()[1]) if first else 0
            return Reply(status, b"".join(lines).decode("latin-1"), file.read(length))
    except ConnectionResetError:
        return Reply(0, "", b"")
