"""Processes that are measured: the `leads` command on a database of their own, and servers."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.failure import Failed
from benchmarks.server import HOST

LEADS = (str(Path(sys.executable).with_name("leads")),)
SERVE = (*LEADS, "serve")
SERVER = (sys.executable, "-m", "benchmarks.server")

_CHECKOUT = Path(__file__).parents[1]
_START_SECONDS = 30.0
_STOP_SECONDS = 60.0
_POLL_SECONDS = 0.002


@dataclass(frozen=True)
class Running:
    """A server that answers, and how long that took from the start of its process."""

    url: str
    pid: int
    start_seconds: float

    def memory_mib(self) -> float:
        """What of the process is in the machine's memory."""
        answer = subprocess.run(["ps", "-o", "rss=", "-p", str(self.pid)], capture_output=True, text=True, check=True)
        return int(answer.stdout) / 1024


@dataclass(frozen=True)
class Installation:
    """A folder with a database, and the settings that everything runs with: those shipped, but for the rate limit.

    The limit is on, and too high to be met.
    """

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> "Installation":
        """A new one, in a folder that is not there yet."""
        folder.mkdir()
        return cls(folder)

    @property
    def database(self) -> Path:
        """The embedded database."""
        return self.folder / "leads.db"

    def leads(self, *arguments: str) -> str:
        """What a `leads` command prints; raises `Failed`."""
        done = subprocess.run(
            [*LEADS, *arguments], cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failed(f"leads {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    @contextmanager
    def running(self, command: Sequence[str], ready: str = "/health/ready") -> Iterator[Running]:
        """A server, from its first good answer at `ready` until it is not needed any more."""
        port = _free_port()
        log = self.folder / f"{port}.log"
        began = time.perf_counter()
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*command, "--port", str(port)], cwd=self.folder, env=self._environment(), stdout=stream, stderr=stream
            )
        try:
            _wait(f"http://{HOST}:{port}{ready}", process, log)
            yield Running(f"http://{HOST}:{port}", process.pid, time.perf_counter() - began)
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)

    def _environment(self) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith("LEADS_")}
        paths = [str(_CHECKOUT), *filter(None, [others.get("PYTHONPATH")])]
        return others | {"LEADS_RATE_LIMIT": "100000000/second", "PYTHONPATH": os.pathsep.join(paths)}


def _free_port() -> int:
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
