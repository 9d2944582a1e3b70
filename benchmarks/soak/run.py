"""Run the traffic and the faults on one database, and check what comes of it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from benchmarks.bench import log
from benchmarks.soak.account import account
from benchmarks.soak.checks import steadiness
from benchmarks.soak.client import MAIN, SECOND, Client, GaveUp
from benchmarks.soak.deployment import Deployment, deployed
from benchmarks.soak.faults import Faults
from benchmarks.soak.ledger import Ledger
from benchmarks.soak.process import run_leads
from benchmarks.soak.reads import follow_events
from benchmarks.soak.record import Record
from benchmarks.soak.results import Check, InjectedFault, Operation, Result, is_none, percentile, points_of
from benchmarks.soak.samples import Sample, sample_process
from benchmarks.soak.traffic import drive

SAMPLES = 360
DRAIN_SECONDS = 300.0
"""The time in which everything that is due is sent: an expired lease takes 60 s, a retry up to 120 s."""


@dataclass(frozen=True)
class Soak:
    """The extent of a run: `rate` operations are started in each second."""

    database: str
    minutes: float
    rate: float
    seed: int

    @property
    def seconds(self) -> float:
        """The duration of the traffic."""
        return self.minutes * 60

    def run(self, folder: Path) -> Result:
        """Deploy the service in a new folder, run everything, and return the result."""
        with deployed(self.database, folder) as deployment:
            return asyncio.run(self._run(deployment))

    async def _run(self, deployment: Deployment) -> Result:
        random = Random(self.seed)
        ledger, key = Ledger(random, deployment.new_key("capture")), deployment.new_key("admin")
        await deployment.main.start()
        await deployment.second.start()
        record = Record()
        urls = {MAIN: deployment.main.url, SECOND: deployment.second.url}
        async with Client(urls, key, record, random) as client:
            samples = await self._with_traffic(client, ledger, deployment)
            log(f"{self.database}: waiting until everything is sent ...")
            accounted = await _account(client, ledger, deployment)
        checks = [
            is_none("errors that no fault explains", record.unexplained()),
            is_none("responses with wrong content", record.wrong),
            *accounted,
            await _end(deployment),
            *steadiness(record, samples, self.seconds),
        ]
        return self._result(record, samples, checks)

    async def _with_traffic(self, client: Client, ledger: Ledger, deployment: Deployment) -> list[Sample]:
        """Send the traffic and inject the faults, and return samples of the main process meanwhile."""
        record, interval = client.record, max(1.0, self.seconds / SAMPLES)
        sampling = asyncio.create_task(sample_process(deployment.main.pid, deployment.wal, record, interval))
        async with asyncio.TaskGroup() as running:
            faults = running.create_task(Faults(deployment, record, ledger).inject(self.seconds))
            running.create_task(drive(client, ledger, self.seconds, self.rate, faults))
        sampling.cancel()
        return [sample for sample in await sampling if sample.at <= self.seconds]

    def _result(self, record: Record, samples: list[Sample], checks: list[Check]) -> Result:
        quiet = record.quiet()
        return Result(
            self.database,
            self.minutes,
            self.rate,
            points_of(quiet, self.seconds),
            samples,
            [
                InjectedFault(
                    fault.name, fault.began, fault.ended, sum(map(fault.explains_outcome_of, record.exchanges))
                )
                for fault in record.faults
            ],
            [*_operations(record)],
            checks,
        )


async def _account(client: Client, ledger: Ledger, deployment: Deployment) -> list[Check]:
    """Wait until everything is sent, and account for it."""
    try:
        await _drain(client)
        await follow_events(client, ledger)
        return await account(client, ledger, deployment)
    except GaveUp:
        return [Check("account", "not possible", ["Errors without an explanation are listed above."])]


async def _drain(client: Client) -> None:
    """Wait until nothing is due and nothing waits to be processed."""
    deadline = client.record.now() + DRAIN_SECONDS
    for path in ("/follow-ups?state=scheduled&due_before=2098-01-01T00:00:00Z", "/submissions?state=received"):
        while (await client.ask("account", "GET", path, 200)).json()["items"]:
            if client.record.now() > deadline:
                return  # the account shows what is missing
            await asyncio.sleep(1)


async def _end(deployment: Deployment) -> Check:
    """Check that the processes stop as they should and have logged no fault, and that the doctor finds nothing."""
    problems = []
    code, out = await run_leads(deployment.installation, "doctor")
    if code:
        problems.append(out)
    for process in (deployment.main, deployment.second):
        if code := await process.stop():
            problems.append(f"A process ended with {code}.")
        problems += process.log.unexpected
    return is_none("faults in the log, findings of the doctor, wrong exit codes", problems)


def _operations(record: Record) -> Iterator[Operation]:
    quiet = record.quiet()
    for name in dict.fromkeys(exchange.operation for exchange in record.exchanges):
        all_of_it = [exchange for exchange in record.exchanges if exchange.operation == name]
        quiet_of_it = [exchange for exchange in quiet if exchange.operation == name]
        failed = sum(not exchange.is_expected for exchange in all_of_it)
        p50, p99 = percentile(quiet_of_it, 0.5), percentile(quiet_of_it, 0.99)
        yield Operation(name, len(all_of_it), failed, p50, p99)
