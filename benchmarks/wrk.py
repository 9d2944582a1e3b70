"""Run wrk, the load generator, and parse its report."""

import itertools
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.failure import Failed

_SCRIPTS = Path(__file__).parent
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_rounds = itertools.count(1)


@dataclass(frozen=True)
class Load:
    """Requests to a URL: GET, or those of a Lua script.

    The first argument of the script is the number of the round, which is never repeated.
    """

    url: str
    headers: Mapping[str, str]
    script: str | None = None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """The result of one round of a load, with latencies in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p99: float


def check_installed() -> None:
    """Raise `Failed` if wrk is not installed."""
    if shutil.which("wrk") is None:
        raise Failed("wrk is not installed (apt install wrk, brew install wrk; https://github.com/wg/wrk).")


def version() -> str:
    """Return the version of wrk."""
    done = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    return _search(r"wrk (\S+)", done.stdout)[1]


def run(load: Load, *, seconds: float, connections: int) -> Measured:
    """Run one round of a load. Raises `Failed` if a response is not 2xx or is missing."""
    command = ["wrk", "--threads=1", f"--connections={connections}", f"--duration={seconds:g}s", "--latency"]
    command += [f"--header={name}: {value}" for name, value in load.headers.items()]
    if load.script is not None:
        command.append(f"--script={_SCRIPTS / load.script}")
    command += [load.url, "--", str(next(_rounds)), *load.arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failed(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return read_report(done.stdout, load.url)


def read_report(report: str, url: str) -> Measured:
    """Parse the report of wrk. Raises `Failed` if a response was not 2xx or is missing."""
    for error in ("Non-2xx", "Socket errors"):
        if line := re.search(rf"^ *{error}.*$", report, re.MULTILINE):
            raise Failed(f"{url}: {line[0].strip()}")
    measured = Measured(
        requests=int(_search(r"(\d+) requests in", report)[1]),
        per_second=float(_search(r"Requests/sec: +([\d.]+)", report)[1]),
        p50=_latency("50", report),
        p99=_latency("99", report),
    )
    if not measured.requests:
        raise Failed(f"{url} did not respond.")
    return measured


def _latency(percentile: str, report: str) -> float:
    found = _search(rf"{percentile}% +([\d.]+)(us|ms|s|m)\b", report)
    return float(found[1]) * _MILLISECONDS[found[2]]


def _search(pattern: str, report: str) -> re.Match[str]:
    found = re.search(pattern, report)
    if found is None:
        raise Failed(f"The report of wrk does not match {pattern!r}:\n{report}")
    return found
