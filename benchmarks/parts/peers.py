"""The service, held against others that do the same job."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from benchmarks import sample
from benchmarks.bench import Bench, tell
from benchmarks.failure import Failed
from benchmarks.figures import Findings
from benchmarks.peers import PROGRAMS
from benchmarks.peers.fastapi import FASTAPI
from benchmarks.peers.peer import Peer, Served
from benchmarks.peers.pocketbase import POCKETBASE
from benchmarks.target import QUESTIONS

PEERS = (FASTAPI, POCKETBASE)
SERVICE = "service"


def measure(bench: Bench) -> Findings:
    """Measure the questions. A right answer is asked of everyone before, and a right number of leads after."""
    filled = bench.filled(SERVICE, bench.leads)
    goals = {question: {peer.name: peer.goals[question] for peer in PEERS} for question in QUESTIONS}
    with ExitStack() as servers:
        _, target = servers.enter_context(filled.serving())
        served = {peer.name: servers.enter_context(_serving(bench, peer)) for peer in PEERS}
        targets = {SERVICE: target, **{name: each.target for name, each in served.items()}}
        compared = bench.compare_targets(targets, goals)
        kept = {SERVICE: filled.kept(), **{name: each.kept() for name, each in served.items()}}
    for name, number in kept.items():
        bench.check_kept(number, bench.leads, bench.created(compared, name))
    versions = [Findings(versions=each.versions) for each in served.values()]
    return Findings.together([*(each.findings for each in compared.values()), *versions])


@contextmanager
def _serving(bench: Bench, peer: Peer) -> Iterator[Served]:
    if not PROGRAMS.exists():
        raise Failed("The peers are not installed: run `make bench-peers`.")
    tell(f"Storing {bench.leads:,} leads: {peer.name} ...")
    folder = bench.folder / peer.name
    folder.mkdir()
    with peer.serving(folder, bench.leads) as served:
        served.target.check(sample.lead(bench.leads))
        yield served
