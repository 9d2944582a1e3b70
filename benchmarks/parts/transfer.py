"""Many leads in and out over HTTP, and what becomes of everybody else's requests meanwhile."""

import csv
import io
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median

import httpx

from benchmarks import sample, wrk
from benchmarks.bench import Bench, tell
from benchmarks.failure import Failed
from benchmarks.figures import Figure, Findings, Goal, Rate
from benchmarks.processes import Running
from benchmarks.service import Filled
from benchmarks.target import CREATE, READ, Target
from benchmarks.wrk import Measured

_MEMORY = Goal(most=150)
_CHUNK = 1_000
_ASKED = (READ, CREATE)
_ONE_CLIENT = 1


@dataclass
class _Asking:
    """One client that asks one thing after the other, what it measured, and the most memory that the service had."""

    bench: Bench
    service: Running
    target: Target
    measured: dict[str, list[Measured]] = field(default_factory=lambda: {question: [] for question in _ASKED})
    memory: float = 0.0

    def once(self) -> None:
        """Ask each question for a while."""
        for question in _ASKED:
            load = self.target.load(question)
            self.measured[question].append(wrk.run(load, seconds=self.bench.seconds, connections=_ONE_CLIENT))
            self.memory = max(self.memory, self.service.memory_mb())


def measure(bench: Bench) -> Findings:
    """Memory, rows a second, and the latency of one client's requests, held against that of an idle service."""
    filled = bench.filled("transfer", bench.leads)
    key = filled.installation.leads("keys", "create", "--name", "transfer", "--role", "admin").strip()
    with filled.serving() as (service, target), httpx.Client(headers={"X-API-Key": key}, timeout=600) as client:
        idle = _Asking(bench, service, target)
        for _ in range(bench.rounds):
            idle.once()
        works: dict[str, Callable[[], int]] = {
            "import": lambda: _import(client, target, filled, bench.many),
            "export": lambda: _export(client, target),
        }
        findings = [_during(name, work, idle, _Asking(bench, service, target)) for name, work in works.items()]
    return Findings.together(findings)


def _during(name: str, work: Callable[[], int], idle: _Asking, asking: _Asking) -> Findings:
    """Ask for as long as the work takes."""
    tell(f"Asking during an {name} ...")
    with ThreadPoolExecutor(1) as thread:
        began = time.perf_counter()
        under_way = thread.submit(work)
        while not under_way.done():
            asking.once()
        rows = under_way.result()
        seconds = time.perf_counter() - began
    figures = [Figure(f"MB of memory, {name} of {rows:,} leads", [asking.memory], _MEMORY)]
    rates = [Rate(f"rows: {name} over HTTP, others asking", rows / seconds)]
    for question in _ASKED:
        for percentile in ("p50", "p99"):
            before = median(_latencies(idle, question, percentile))
            ratios = [latency / before for latency in _latencies(asking, question, percentile)]
            figures.append(Figure(f"{question} during {name} / idle: {percentile}", ratios))
        rates += [_rate(f"{question}: idle", idle.measured[question])] if name == "import" else []
        rates.append(_rate(f"{question}: during {name}", asking.measured[question]))
    return Findings(figures, rates)


def _latencies(asking: _Asking, question: str, percentile: str) -> list[float]:
    return [getattr(measured, percentile) for measured in asking.measured[question]]


def _rate(name: str, measured: Sequence[Measured]) -> Rate:
    return Rate(
        name,
        median(each.per_second for each in measured),
        median(each.p50 for each in measured),
        median(each.p99 for each in measured),
    )


def _import(client: httpx.Client, target: Target, filled: Filled, rows: int) -> int:
    body = _csv(filled.stored + 1, rows)
    answer = client.post(f"{target.leads}/import", content=body, headers={"Content-Type": "text/csv"})
    if (created := answer.raise_for_status().json()["created"]) != rows:
        raise Failed(f"{created} of {rows} rows were taken in: {answer.text[:1000]}")
    return rows


def _export(client: httpx.Client, target: Target) -> int:
    """How many leads come, with a header before them; httpx raises if the body breaks off."""
    with client.stream("GET", f"{target.leads}/export", headers={"Accept": "text/csv"}) as answer:
        return sum(piece.count(b"\n") for piece in answer.raise_for_status().iter_bytes()) - 1


def _csv(first: int, rows: int) -> Iterator[bytes]:
    """A file of leads that are not there yet."""
    for start in range(first, first + rows, _CHUNK):
        written = io.StringIO()
        writer = csv.writer(written)
        if start == first:
            writer.writerow(("name", "email", "phone", "source", "owner", "company", "employees"))
        for given in map(sample.lead, range(start, min(start + _CHUNK, first + rows))):
            attributes = given.pop("attributes")
            writer.writerow([*given.values(), *attributes.values()])
        yield written.getvalue().encode()
