"""wrk, the load generator: what it is told to send, and what it says of the answers."""

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
    """Requests to one address: GET of it, or what a Lua script makes of it.

    The script's first argument is the number of the round, never the same twice.
    """

    url: str
    headers: Mapping[str, str]
    script: str | None = None
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measured:
    """What one round of a load came to; latencies in milliseconds."""

    requests: int
    per_second: float
    p50: float
    p99: float


def check_installed() -> None:
    """Raises `Failed` if there is no wrk to be run."""
    if shutil.which("wrk") is None:
        raise Failed("wrk is not installed (apt install wrk, brew install wrk; https://github.com/wg/wrk).")


def version() -> str:
    """Which wrk it is."""
    said = subprocess.run(["wrk", "--version"], capture_output=True, text=True, check=False)
    return _found(r"wrk (\S+)", said.stdout)[1]


def run(load: Load, *, seconds: float, connections: int) -> Measured:
    """One round of a load; raises `Failed` if any answer was not a 2xx, or did not come."""
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
    """What wrk printed; raises `Failed` for any answer that was not a 2xx, or did not come."""
    for trouble in ("Non-2xx", "Socket errors"):
        if line := re.search(rf"^ *{trouble}.*$", report, re.MULTILINE):
            raise Failed(f"{url}: {line[0].strip()}")
    measured = Measured(
        requests=int(_found(r"(\d+) requests in", report)[1]),
        per_second=float(_found(r"Requests/sec: +([\d.]+)", report)[1]),
        p50=_latency("50", report),
        p99=_latency("99", report),
    )
    if not measured.requests:
        raise Failed(f"{url}: no answer came.")
    return measured


def _latency(percentile: str, report: str) -> float:
    found = _found(rf"{percentile}% +([\d.]+)(us|ms|s|m)\b", report)
    return float(found[1]) * _MILLISECONDS[found[2]]


def _found(pattern: str, report: str) -> re.Match[str]:
    found = re.search(pattern, report)
    if found is None:
        raise Failed(f"wrk did not say {pattern!r}, but:\n{report}")
    return found
