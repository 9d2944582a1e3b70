"""Run the service: the `leads` command with a database that is filled with leads."""

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
from benchmarks.processes import Running, free_port, own_environment, run_server
from benchmarks.target import PAGE_SIZE, Target
from leads_adapters.sql.tables import leads
from leads_app.container import Container
from leads_app.settings import Settings

LEADS = (str(Path(sys.executable).with_name("leads")),)
SERVE = (*LEADS, "serve")

_IDS_MAX = 100_000


@dataclass(frozen=True)
class Installation:
    """A folder, the URL of a database, and the shipped settings, with a rate limit that is too high to be reached."""

    folder: Path
    database_url: str

    @classmethod
    def at(cls, folder: Path, database_url: str | None = None) -> "Installation":
        """Create an installation in a new folder, on SQLite or on an empty database at this URL."""
        folder.mkdir()
        return cls(folder, database_url or f"sqlite:///{folder / 'leads.db'}")

    def leads(self, *arguments: str) -> str:
        """Run a `leads` command and return what it prints. Raises `Failed` if it fails."""
        done = subprocess.run(
            [*LEADS, *arguments], cwd=self.folder, env=self.environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Failed(f"leads {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def run_server(
        self, command: Sequence[str] = SERVE, ready: str = "/health/ready"
    ) -> AbstractContextManager[Running]:
        """Run a server on this database until the end of the block."""
        port = free_port()
        environment = self.environment()
        return run_server([*command, "--port", str(port)], self.folder, port=port, ready=ready, environment=environment)

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """Provide the engine that the service uses for the database."""
        engine = Container(settings=Settings(database_url=make_url(self.database_url))).engine()
        yield engine
        engine.dispose()

    def environment(self) -> Mapping[str, str]:
        """Return the environment of its processes."""
        return own_environment() | {
            "LEADS_DATABASE_URL": self.database_url,
            "LEADS_RATE_LIMIT": "100000000/second",
        }


@dataclass(frozen=True)
class Filled:
    """An installation with `stored` leads, a file with some of their ids, and an API key."""

    installation: Installation
    stored: int
    ids: Path
    key: str
    sample_of: Sample = sample.lead

    @classmethod
    def with_leads(cls, installation: Installation, number: int, sample_of: Sample = sample.lead) -> "Filled":
        """Migrate an empty database and fill it."""
        installation.leads("migrate")
        with installation.engine() as engine:
            ids = fill(engine, number, sample_of)
        file = installation.folder / "ids.txt"
        file.write_text("\n".join(ids[:: max(1, number // _IDS_MAX)]))
        key = installation.leads("keys", "create", "--name", "benchmark", "--role", "agent").strip()
        return cls(installation, number, file, key, sample_of)

    def target(self, url: str) -> Target:
        """Return the target of loads if the service runs at `url`."""
        return Target(f"{url}/leads", f"{url}/leads?limit={PAGE_SIZE}", self.ids, {"X-API-Key": self.key})

    @contextmanager
    def serve(self, command: Sequence[str] = SERVE) -> Iterator[tuple[Running, Target]]:
        """Run the service, and check its responses with a new lead before the measurement."""
        with self.installation.run_server(command) as service:
            target = self.target(service.url)
            target.check(sample.lead(self.stored))
            _check_duplicate(target, self.sample_of(0)["email"])
            yield service, target

    def count_leads(self) -> int:
        """Return the number of leads in the database."""
        with self.installation.engine() as engine, engine.connect() as connection:
            return connection.execute(select(func.count()).select_from(leads)).scalar_one()


def _check_duplicate(target: Target, email: str) -> None:
    """Raise `Failed` unless the service refuses a second lead with the e-mail address of an existing lead."""
    again = sample.lead(0) | {"email": email}
    status = httpx.post(target.leads, json=again, headers=target.headers).status_code
    if status != httpx.codes.CONFLICT:
        raise Failed(f"The status of a duplicate lead was {status}, not 409.")
