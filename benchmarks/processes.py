"""Servers that are measured, each a process of its own."""

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
    """A server that answers, and how long that took from the start of its process."""

    url: str
    pid: int
    start_seconds: float

    def memory_mb(self) -> float:
        """What of the process is in the machine's memory, in millions of bytes."""
        answer = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=True)
        return int(answer.stdout) * 1024 / 1e6


@contextmanager
def running(
    command: Sequence[str], folder: Path, *, port: int, ready: str, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """A server, from its first good answer at `ready` until it is not needed any more; its output goes to a file."""
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
    """The environment of this process, without settings of the service; the benchmark can be imported in it."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("LEADS_")}
    paths = [str(CHECKOUT), *filter(None, [others.get("PYTHONPATH")])]
    return others | {"PYTHONPATH": os.pathsep.join(paths)}


def free_port() -> int:
    """One that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    give_up = time.monotonic() + _START_SECONDS
    with httpx.Client() as client:
        while process.poll() is None and time.monotonic() < give_up:
            try:
                if client.get(url).is_success:
                    return
            except httpx.TransportError:
                pass  # not listening yet
            time.sleep(_POLL_SECONDS)
    raise Failed(f"{url} did not answer:\n{log.read_text()[-2000:]}")
