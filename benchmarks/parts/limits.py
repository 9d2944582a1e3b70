"""Compare the service with constant handlers in the same application and a bare function on the same server."""

import sys
from collections.abc import Mapping

import httpx

from benchmarks import constants
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Findings, Goal
from benchmarks.server import LEAD_FILE, PAGE_FILE
from benchmarks.service import Filled
from benchmarks.target import CREATE, PAGE, PAGES, READ, Target
from benchmarks.wrk import Load

SERVICE, CONSTANT, BARE = "service", "constant handler", "bare ASGI function"

_SERVER = (sys.executable, "-m", "benchmarks.server")
_GOALS = {READ: Goal(0.65), PAGE: Goal(0.50), PAGES: Goal(0.2), CREATE: Goal(0.50)}
_TAIL_GOAL = Goal(most=4)


def measure(bench: Bench) -> Findings:
    """Measure the workloads, the tail latency of creates, and the memory after all rounds."""
    filled = bench.fill("filled", bench.leads)
    _save_constants(filled)
    findings, created = [], 0
    with filled.serve(_SERVER) as (service, target), filled.installation.run_server((*_SERVER, "--bare"), "/") as bare:
        for workload in bench.workloads:
            loads = {SERVICE: target.load(workload), **_limits(workload, target, service.url, bare.url)}
            compared = bench.compare(workload, loads, {CONSTANT: _GOALS[workload]})
            findings.append(compared.findings)
            if workload == CREATE:
                created = compared.requests_of(SERVICE)
                tail = [each.p99 / each.p50 for each in compared.rounds[SERVICE]]
                findings.append(Findings([Figure("create: 99th percentile / median latency", tail, _TAIL_GOAL)]))
        findings.append(Findings([Figure("MB of memory after all rounds", [service.memory_mb()])]))
    bench.check_count(filled.count_leads(), filled.stored, created)
    return Findings.merge(findings)


def _limits(workload: str, target: Target, url: str, bare_url: str) -> Mapping[str, Load]:
    bare = Load(f"{bare_url}/", {})
    return {
        READ: {CONSTANT: Load(url + constants.LEAD, target.headers), BARE: bare},
        PAGE: {CONSTANT: Load(url + constants.PAGE, target.headers), BARE: bare},
        PAGES: {CONSTANT: Load(url + constants.PAGE, target.headers), BARE: bare},
        CREATE: {CONSTANT: Load(url + constants.CREATE, target.headers, "create.lua")},
    }[workload]


def _save_constants(filled: Filled) -> None:
    """Save responses of the service, for the constant handlers to send."""
    with filled.installation.run_server() as service:
        target = filled.target(service.url)
        with httpx.Client(headers=target.headers) as client:
            page = client.get(target.page).raise_for_status()
            lead = client.get(f"{target.leads}/{page.json()['items'][0]['id']}").raise_for_status()
    (filled.installation.folder / PAGE_FILE).write_bytes(page.content)
    (filled.installation.folder / LEAD_FILE).write_bytes(lead.content)
