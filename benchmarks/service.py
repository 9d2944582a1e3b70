"""The service: the `leads` command on a database of its own, filled with leads."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import Engine, func, make_url, select

from benchmarks import sample
from benchmarks.failure import Failed
from benchmarks.fill import Sample, fill
from benchmarks.processes import Running, free_port, own_environment, running
from benchmarks.target import PAGE_SIZE, Target
from leads_adapters.sql.tables import leads
from leads_app.container import Container
from leads_app.settings import Settings

LEADS = (str(Path(sys.executable).with_name("leads")),)
SERVE = (*LEADS, "serve")

_IDS_MAX = 100_000


@dataclass(frozen=True)
class Installation:
    """A folder, the URL of a database, and the settings that everything runs with: those shipped, but for the limit.

    The rate limit is on, and too high to be met.
    """

    folder: Path
    database_url: str

    @classmethod
    def at(cls, folder: Path, database_url: str | None = None) -> "Installation":
        """A new one, in a folder that is not there yet; on the embedded database, or on an empty one at this URL."""
        folder.mkdir()
        return cls(folder, database_url or f"sqlite:///{folder / 'leads.db'}")

    def leads(self, *arguments: str) -> str:
        """What a `leads` command prints; raises `Failed`."""
        done = subprocess.run(
            [*LEADS, *arguments], cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failed(f"leads {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def running(self, command: Sequence[str] = SERVE, ready: str = "/health/ready") -> AbstractContextManager[Running]:
        """A server on this database, for as long as it is needed."""
        port = free_port()
        environment = self.environment()
        return running([*command, "--port", str(port)], self.folder, port=port, ready=ready, environment=environment)

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """The service's own engine for the database."""
        engine = Container(settings=Settings(database_url=make_url(self.database_url))).engine()
        yield engine
        engine.dispose()

    def environment(self) -> Mapping[str, str]:
        """What its processes see."""
        return own_environment() | {
            "LEADS_DATABASE_URL": self.database_url,
            "LEADS_RATE_LIMIT": "100000000/second",
        }


@dataclass(frozen=True)
class Filled:
    """An installation with so many leads, a file with ids of them, and an API key."""

    installation: Installation
    stored: int
    ids: Path
    key: str
    sample_of: Sample = sample.lead

    @classmethod
    def with_leads(cls, installation: Installation, number: int, sample_of: Sample = sample.lead) -> "Filled":
        """Bring an empty database up to date and fill it."""
        installation.leads("migrate")
        with installation.engine() as engine:
            ids = fill(engine, number, sample_of)
        file = installation.folder / "ids.txt"
        file.write_text("\n".join(ids[:: max(1, number // _IDS_MAX)]))
        key = installation.leads("keys", "create", "--name", "benchmark", "--role", "agent").strip()
        return cls(installation, number, file, key, sample_of)

    def target(self, url: str) -> Target:
        """What is asked, if it is served at `url`."""
        return Target(f"{url}/leads", f"{url}/leads?limit={PAGE_SIZE}", self.ids, {"X-API-Key": self.key})

    @contextmanager
    def serving(self, command: Sequence[str] = SERVE) -> Iterator[tuple[Running, Target]]:
        """The service, once it has given right answers; one lead is added."""
        with self.installation.running(command) as service:
            target = self.target(service.url)
            target.check(sample.lead(self.stored))
            _check_duplicate(target, self.sample_of(0)["email"])
            yield service, target

    def kept(self) -> int:
        """How many leads are in the database."""
        with self.installation.engine() as engine, engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(leads)).scalar_one()


def _check_duplicate(target: Target, email: str) -> None:
    """Raises `Failed` unless the service knows by its e-mail address a lead that it has not taken in itself."""
    again = sample.lead(0) | {"email": email}
    status = httpx.post(target.leads, json=again, headers=target.headers).status_code
    if status != httpx.codes.CONFLICT:
        raise Failed(f"A lead that was there was answered with {status}.")
