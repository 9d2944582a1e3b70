"""Compare the service with other servers that do the same job."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import sample
from benchmarks.bench import Bench, log
from benchmarks.failure import Failed
from benchmarks.figures import Findings
from benchmarks.peers import PROGRAMS
from benchmarks.peers.fastapi import FASTAPI
from benchmarks.peers.peer import Peer, Served
from benchmarks.peers.pocketbase import POCKETBASE
from benchmarks.target import WORKLOADS

PEERS = (FASTAPI, POCKETBASE)
SERVICE = "service"


def measure(bench: Bench) -> Findings:
    """Measure the workloads. Check the responses of all servers before, and their numbers of leads after."""
    filled = bench.fill(SERVICE, bench.leads)
    goals = {workload: {peer.name: peer.goals[workload] for peer in PEERS} for workload in WORKLOADS}
    with ExitStack() as servers:
        _, target = servers.enter_context(filled.serve())
        served = {peer.name: servers.enter_context(_serve(bench, peer)) for peer in PEERS}
        targets = {SERVICE: target, **{name: each.target for name, each in served.items()}}
        compared = bench.compare_targets(targets, goals)
        counts = {SERVICE: filled.count_leads(), **{name: each.count_leads() for name, each in served.items()}}
    for name, number in counts.items():
        bench.check_count(number, bench.leads, bench.created(compared, name))
    versions = [Findings(versions=each.versions) for each in served.values()]
    return Findings.merge([*(each.findings for each in compared.values()), *versions])


@contextmanager
def _serve(bench: Bench, peer: Peer) -> Iterator[Served]:
    if not PROGRAMS.exists():
        raise Failed("The peers are not installed: run `make bench-peers`.")
    log(f"Storing {bench.leads:,} leads: {peer.name} ...")
    folder = bench.folder / peer.name
    folder.mkdir()
    with peer.serve(folder, bench.leads) as served:
        served.target.check(sample.lead(bench.leads))
        yield served
