"""Inject faults one after the other, at steady intervals, while clients send requests."""

import asyncio
import csv
import resource
from collections.abc import Awaitable, Callable, Sequence

from sqlalchemy import make_url

from benchmarks.failure import Failed
from benchmarks.soak.client import SECOND
from benchmarks.soak.deployment import Deployment
from benchmarks.soak.interference import cut_connections, lock_file, lock_leads
from benchmarks.soak.ledger import Ledger
from benchmarks.soak.process import run_leads
from benchmarks.soak.record import INCOMPLETE, NO_RESPONSE, RESET, Record
from leads_domain.testing import Behaviour

CYCLE_SECONDS = 300.0
"""The time in which each fault occurs once; shorter in short runs."""

FAULT_SECONDS = 5.0
IMPORTED_ROWS = 200
FILE_BYTES_MAX = 4096
UNAVAILABLE = "503"
LOST = (NO_RESPONSE, INCOMPLETE, RESET)
GONE = (UNAVAILABLE, INCOMPLETE, RESET)
"""The outcomes without a process, and without a database: an early 503 resets requests that are still being sent."""

Injection = Callable[[], Awaitable[None]]


class Faults:
    """The faults of a deployment. Each method injects one, and ends it."""

    def __init__(self, deployment: Deployment, record: Record, ledger: Ledger) -> None:
        self._deployment = deployment
        self._record = record
        self._ledger = ledger
        self._url = make_url(deployment.installation.database_url)

    def all(self) -> Sequence[Injection]:
        """Return the faults of this database."""
        common = [self.kill_second, self.receivers_fail, self.receivers_hang, self.run_commands]
        if self._deployment.server is None:
            return [*common, self.lock_sqlite, self.fill_disk]
        return [*common, self.lock_postgres, self.cut_connections, self.restart_server]

    async def inject(self, seconds: float) -> None:
        """Inject all faults in turn, for this time."""
        faults = self.all()
        interval = min(CYCLE_SECONDS, seconds * 0.8) / len(faults)
        began, number = self._record.now(), 0
        while (due := (number + 0.5) * interval) < seconds * 0.9:
            await asyncio.sleep(max(0, began + due - self._record.now()))
            await self._inject(faults[number % len(faults)])
            number += 1

    async def _inject(self, fault: Injection) -> None:
        """Inject a fault, and record if the service does not come back."""
        try:
            await fault()
        except (Failed, TimeoutError) as error:
            self._record.wrong.append(f"{fault.__name__}: {error!r}")

    async def kill_second(self) -> None:
        """Kill the second process, and start it again."""
        with self._record.fault("process killed", *LOST, process=SECOND):
            await self._deployment.second.kill()
            await asyncio.sleep(FAULT_SECONDS)
            await self._deployment.second.start()

    async def receivers_fail(self) -> None:
        """Let the mail server and the receiver of webhooks refuse everything for now."""
        await self._receivers("receivers fail", Behaviour.FAILS)

    async def receivers_hang(self) -> None:
        """Let the mail server and the receiver of webhooks not respond."""
        await self._receivers("receivers hang", Behaviour.HANGS)

    async def run_commands(self) -> None:
        """Run other commands on the database: an import, an export, a backup and the doctor."""
        installation = self._deployment.installation
        file = installation.folder / "import.csv"
        emails = [self._ledger.new_email() for _ in range(IMPORTED_ROWS)]
        with file.open("w", encoding="utf-8") as stream:
            csv.writer(stream).writerows([["name", "email"], *(["Ada Muster", email] for email in emails)])
        commands = [("import", file.name), ("export", "export.csv"), ("doctor",)]
        if self._deployment.server is None:
            commands.append(("backup", "--keep", "1", "backups/"))
        with self._record.fault("other commands"):
            for command in commands:
                code, out = await run_leads(installation, *command)
                self._record.expect(code == 0, f"leads {' '.join(command)} ended with {code}: {out}")
        self._ledger.arrived.update(emails)

    async def lock_sqlite(self) -> None:
        """Hold the lock of the file."""
        with self._record.fault("database locked", UNAVAILABLE):
            await asyncio.to_thread(lock_file, self._deployment.file)

    async def fill_disk(self) -> None:
        """Let no file of the main process grow, as on a full disk."""
        pid = self._deployment.main.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        with self._record.fault("disk full", UNAVAILABLE):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, hard))
            await asyncio.sleep(FAULT_SECONDS)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))

    async def lock_postgres(self) -> None:
        """Hold a lock of the table of leads."""
        with self._record.fault("database locked", UNAVAILABLE):
            await asyncio.to_thread(lock_leads, self._url)

    async def cut_connections(self) -> None:
        """Let the server close all connections."""
        with self._record.fault("connections cut", *GONE):
            await asyncio.to_thread(cut_connections, self._url)

    async def restart_server(self) -> None:
        """Stop the server, and start it again."""
        assert self._deployment.server is not None
        with self._record.fault("server restarted", *GONE):
            await asyncio.to_thread(self._deployment.server.stop)
            await asyncio.sleep(FAULT_SECONDS)
            await asyncio.to_thread(self._deployment.server.start)

    async def _receivers(self, name: str, behaviour: Behaviour) -> None:
        receivers = (self._deployment.receiver, self._deployment.mails)
        with self._record.fault(name):
            for receiver in receivers:
                receiver.behaviour = behaviour
            await asyncio.sleep(FAULT_SECONDS)
            for receiver in receivers:
                receiver.behaviour = Behaviour.ACCEPTS
