"""Fixtures of attacks: a service to attack on each database, and a table of what was measured."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from attack.target import Target
from e2e.environment import build_wheel, make_environment
from e2e.readme import ROOT
from e2e.service import BIN, Service, Site
from postgres import postgres_url

FORM = '[forms.contact]\nsource = "website"\nrate_limit = "off"\n'
SETTINGS = {"LEADS_RATE_LIMIT": "off", "LEADS_TRUSTED_PROXIES": "127.0.0.1", "LEADS_LOG_FORMAT": "json"}

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.attack)]


@pytest.fixture(scope="session")
def command(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the command `leads`: with `make attack`, of the wheel in an environment of its own."""
    if "ATTACK" not in os.environ:
        return BIN / "leads"
    folder = tmp_path_factory.mktemp("installed")
    return make_environment(folder / "environment", build_wheel(ROOT, folder / "wheel")).with_name("leads")


@pytest.fixture
def site(command: Path, tmp_path: Path) -> Site:
    """Create an empty site for commands."""
    return Site(tmp_path, command)


@pytest.fixture(scope="module", params=DATABASES)
def service(
    request: pytest.FixtureRequest, command: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Run a service without a rate limit, on each database; on SQLite only in `make test`."""
    site = Site(tmp_path_factory.mktemp("site"), command)
    site.write("leads.toml", FORM)
    with ExitStack() as stack:
        if request.param == "postgresql":
            url = stack.enter_context(postgres_url())
            site.configure(LEADS_DATABASE_URL=url.render_as_string(hide_password=False))
        yield stack.enter_context(site.serve(**SETTINGS))


@pytest.fixture
def target(service: Service, record_property: object) -> Target:
    """Return the service as a target of attacks."""
    return Target(service, record_property)  # type: ignore[arg-type]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the worst measurement of each attack on each database in `make attack`."""
    if "ATTACK" not in os.environ:
        return
    worst: dict[tuple[str, str], dict[str, float]] = {}
    for report in (each for name in ("passed", "failed") for each in terminalreporter.stats.get(name, ())):
        attack = report.nodeid.partition("::test_")[2].partition("[")[0].replace("_", " ")
        database = "postgresql" if "postgresql" in report.nodeid else "sqlite"
        for what, measured, bound in (value for name, value in report.user_properties if name == "measured"):
            row = worst.setdefault((attack, what), {"bound": bound})
            row[database] = max(measured, row.get(database, measured))
    terminalreporter.section("the worst that was measured")
    terminalreporter.line(f"{'SQLite':>12} {'PostgreSQL':>12} {'at most':>12}")
    for (attack, what), row in worst.items():
        figures = (f"{row[name]:12,}" if name in row else " " * 12 for name in ("sqlite", "postgresql", "bound"))
        terminalreporter.line(f"{' '.join(figures)}  {what}: {attack}")
