"""Run the servers that are measured, each in a process."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.failure import Failed

HOST = "127.0.0.1"
CHECKOUT = Path(__file__).parents[1]

_START_SECONDS = 30.0
_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.002


@dataclass(frozen=True)
class Running:
    """A server that responds, and the seconds from the start of its process to the first response."""

    url: str
    pid: int
    start_seconds: float

    def memory_mb(self) -> float:
        """Return the resident memory of the process in millions of bytes."""
        done = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=True)
        return int(done.stdout) * 1024 / 1e6


@contextmanager
def run_server(
    command: Sequence[str], folder: Path, *, port: int, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """Run a server, from its first successful response at `ready` to the end of the block; log its output to a file."""
    log = folder / f"{port}.log"
    began = time.perf_counter()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=folder, env=environment or own_environment(), stdout=stream, stderr=stream
        )
    try:
        _wait(f"http://{HOST}:{port}{ready}", process, log)
        yield Running(f"http://{HOST}:{port}", process.pid, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(_STOP_SECONDS)


def own_environment() -> dict[str, str]:
    """Return the environment of this process without settings of the service, and with the benchmark importable."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("LEADS_")}
    paths = [str(CHECKOUT), *filter(None, [others.get("PYTHONPATH")])]
    return others | {"PYTHONPATH": os.pathsep.join(paths)}


def free_port() -> int:
    """Return a port that is not in use."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with httpx.Client() as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                if client.get(url).is_success:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(_POLL_SECONDS)
    raise Failed(f"{url} did not respond:\n{log.read_text()[-2000:]}")
