"""Measure imports and exports over HTTP, and the latency of other requests meanwhile."""

import csv
import io
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median

import httpx

from benchmarks import sample, wrk
from benchmarks.bench import Bench, log
from benchmarks.failure import Failed
from benchmarks.figures import Figure, Findings, Goal, Rate
from benchmarks.processes import Running
from benchmarks.service import Filled
from benchmarks.target import CREATE, READ, Target
from benchmarks.wrk import Measured

_MEMORY = Goal(most=150)
_CHUNK = 1_000
_WORKLOADS = (READ, CREATE)
_ONE_CLIENT = 1


@dataclass
class _Client:
    """A client that sends one request at a time, with its measurements and the maximum memory of the service."""

    bench: Bench
    service: Running
    target: Target
    measured: dict[str, list[Measured]] = field(default_factory=lambda: {workload: [] for workload in _WORKLOADS})
    memory: float = 0.0

    def run_once(self) -> None:
        """Run each workload for a few seconds."""
        for workload in _WORKLOADS:
            load = self.target.load(workload)
            self.measured[workload].append(wrk.run(load, seconds=self.bench.seconds, connections=_ONE_CLIENT))
            self.memory = max(self.memory, self.service.memory_mb())


def measure(bench: Bench) -> Findings:
    """Measure memory, rows a second, and the latency of a client's requests beside that on an idle service."""
    filled = bench.fill("transfer", bench.leads)
    key = filled.installation.leads("keys", "create", "--name", "transfer", "--role", "admin").strip()
    with filled.serve() as (service, target), httpx.Client(headers={"X-API-Key": key}, timeout=600) as client:
        idle = _Client(bench, service, target)
        for _ in range(bench.rounds):
            idle.run_once()
        works: dict[str, Callable[[], int]] = {
            "import": lambda: _import(client, target, filled, bench.many),
            "export": lambda: _export(client, target),
        }
        findings = [_during(name, work, idle, _Client(bench, service, target)) for name, work in works.items()]
    return Findings.merge(findings)


def _during(name: str, work: Callable[[], int], idle: _Client, client: _Client) -> Findings:
    """Run the client until the work ends."""
    log(f"Measuring during an {name} ...")
    with ThreadPoolExecutor(1) as thread:
        began = time.perf_counter()
        future = thread.submit(work)
        while not future.done():
            client.run_once()
        rows = future.result()
        seconds = time.perf_counter() - began
    figures = [Figure(f"MB of memory, {name} of {rows:,} leads", [client.memory], _MEMORY)]
    rates = [Rate(f"rows: {name} over HTTP, with a client", rows / seconds)]
    for workload in _WORKLOADS:
        for percentile in ("p50", "p99"):
            before = median(_latencies(idle, workload, percentile))
            ratios = [latency / before for latency in _latencies(client, workload, percentile)]
            figures.append(Figure(f"{workload} during {name} / idle: {percentile}", ratios))
        rates += [_rate(f"{workload}: idle", idle.measured[workload])] if name == "import" else []
        rates.append(_rate(f"{workload}: during {name}", client.measured[workload]))
    return Findings(figures, rates)


def _latencies(client: _Client, workload: str, percentile: str) -> list[float]:
    return [getattr(measured, percentile) for measured in client.measured[workload]]


def _rate(name: str, measured: Sequence[Measured]) -> Rate:
    return Rate(
        name,
        median(each.per_second for each in measured),
        median(each.p50 for each in measured),
        median(each.p99 for each in measured),
    )


def _import(client: httpx.Client, target: Target, filled: Filled, rows: int) -> int:
    body = _csv(filled.stored + 1, rows)
    response = client.post(f"{target.leads}/import", content=body, headers={"Content-Type": "text/csv"})
    if (created := response.raise_for_status().json()["created"]) != rows:
        raise Failed(f"{created} of {rows} rows were imported: {response.text[:1000]}")
    return rows


def _export(client: httpx.Client, target: Target) -> int:
    """Return the number of exported leads. Raises an error of httpx if the body is incomplete."""
    with client.stream("GET", f"{target.leads}/export", headers={"Accept": "text/csv"}) as response:
        return sum(piece.count(b"\n") for piece in response.raise_for_status().iter_bytes()) - 1


def _csv(first: int, rows: int) -> Iterator[bytes]:
    """Yield the pieces of a CSV file with new leads."""
    for start in range(first, first + rows, _CHUNK):
        text = io.StringIO()
        writer = csv.writer(text)
        if start == first:
            writer.writerow(("name", "email", "phone", "source", "owner", "company", "employees"))
        for lead in map(sample.lead, range(start, min(start + _CHUNK, first + rows))):
            attributes = lead.pop("attributes")
            writer.writerow([*lead.values(), *attributes.values()])
        yield text.getvalue().encode()
