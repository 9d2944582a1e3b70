"""Check what the service does while its disk is full, or its file damaged, deleted or replaced."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from databases import engine_of, sqlite_file
from leads_adapters.sql import outages
from leads_adapters.sql.migrations import upgrade
from leads_adapters.sql.sqlite.files import readable_by_others
from leads_domain.errors import Unavailable
from leads_domain.ports import UnitOfWork
from rest import JOHN, Api, Service, a_service


@pytest.fixture
def logged() -> list[str]:
    """Collect the lines that are logged."""
    return []


@pytest.fixture
def service(tmp_path: Path, logged: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Run a service that checks its database for each health check."""
    monkeypatch.setattr(outages, "PROBE_SECONDS", 0)
    with a_service(URL.create("sqlite", database=str(sqlite_file(tmp_path)))) as service:
        service.container.readiness.add_kwargs(cached_seconds=0)
        database(service)._outages._log = logged.append
        yield service


def database(service: Service) -> Any:
    """Return the service's database."""
    return service.container.database()


def writer(service: Service) -> Any:
    """Return the connection that writes."""
    return database(service)._writing.connection


def is_ready(service: Service) -> bool:
    return service.anonymous().get("/health/ready").status == 200


def refuse_all(agent: Api, *numbers: int) -> None:
    """Expect that writes are refused."""
    for number in numbers:
        agent.post("/leads", {**JOHN, "email": f"{number}@example.com"}).expect_problem(503, "unavailable")


def test_a_full_disk_is_logged_once_and_unready_until_a_lead_fits(service: Service, logged: list[str]) -> None:
    agent = service.client("agent")
    assert is_ready(service)
    (pages,) = writer(service).execute("PRAGMA page_count").fetchone()
    writer(service).execute(f"PRAGMA max_page_count = {pages}")
    attributes = {f"n{number}": "x" * 1000 for number in range(40)}
    for number in range(2):
        body = {"name": "Ann", "email": f"{number}@example.com", "attributes": attributes}
        agent.post("/leads", body).expect_problem(503, "unavailable")
    assert not is_ready(service)
    assert ["full" in line for line in logged] == [True]

    writer(service).execute("PRAGMA max_page_count = 1000000")
    assert is_ready(service), "only the probe has written"
    assert writer(service).execute("SELECT count(*) FROM idempotency_records").fetchone() == (0,), (
        "the probe leaves no row"
    )
    agent.post("/leads", JOHN).expect(201)


def test_an_error_in_a_use_case_is_no_outage(service: Service, logged: list[str]) -> None:
    def deadline(_: UnitOfWork) -> None:
        raise Unavailable("Try again.")

    with pytest.raises(Unavailable, match="Try again"):
        service.run(database(service).write(deadline))
    assert is_ready(service)
    assert logged == []


def test_writes_to_a_deleted_file_are_refused(service: Service, logged: list[str], tmp_path: Path) -> None:
    agent = service.client("agent")
    john = agent.post("/leads", JOHN).expect(201).headers["location"]
    for file in tmp_path.glob("leads.db*"):
        file.unlink()
    assert not is_ready(service)
    refuse_all(agent, 1, 2)
    agent.get(john).expect(200)
    assert [("leads.db was deleted" in line, "leads restore" in line) for line in logged] == [(True, True)]


def test_reads_do_not_recreate_a_deleted_file(service: Service, logged: list[str], tmp_path: Path) -> None:
    agent = service.client("agent")
    for file in tmp_path.glob("leads.db*"):
        file.unlink()
    for path in ("/statistics", "/leads?count=true"):
        agent.get(path).expect_problem(503, "unavailable")
    assert list(tmp_path.glob("leads.db*")) == []
    assert ["leads.db was deleted" in line for line in logged] == [True]


def test_writes_continue_after_the_file_is_put_back(service: Service, tmp_path: Path) -> None:
    agent = service.client("agent")
    aside = tmp_path / "aside.db"
    (tmp_path / "leads.db").rename(aside)
    refuse_all(agent, 1)
    assert not is_ready(service)
    aside.rename(tmp_path / "leads.db")
    assert is_ready(service)
    agent.post("/leads", JOHN).expect(201)


@pytest.mark.wal
def test_a_damaged_file_is_a_503_and_the_service_stays_unready(
    tmp_path: Path, service: Service, logged: list[str]
) -> None:
    agent = service.client("agent")
    for number in range(50):
        agent.post("/leads", {**JOHN, "email": f"{number}@example.com", "attributes": {"a": "x" * 900}}).expect(201)
    writer(service).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file = tmp_path / "leads.db"
    size = file.stat().st_size
    with file.open("r+b") as stream:
        stream.seek(4096)
        stream.write(b"\xff" * (size - 4096))
    for connection in (writer(service), database(service)._reading):
        connection.execute("PRAGMA shrink_memory")
    statuses = {agent.post("/leads", {**JOHN, "email": f"x{number}@example.com"}).status for number in range(5)}
    statuses |= {agent.get(path).status for path in ("/leads", "/leads?q=john", "/follow-ups", "/statistics")}
    assert statuses == {503}
    assert not is_ready(service)
    assert [("malformed" in line or "not a database" in line) for line in logged] == [True]


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_every_file_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        engine = engine_of(tmp_path / "leads.db")
        upgrade(engine)
        connection: Any = engine.raw_connection()
        connection.driver_connection.execute("BEGIN IMMEDIATE")
        connection.driver_connection.execute("CREATE TABLE journalled (x)")
        files = [*tmp_path.iterdir()]
        assert len(files) >= 2
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        connection.close()
    finally:
        os.umask(before)


def test_files_readable_by_others_are_reported_unless_their_folder_is_private(tmp_path: Path) -> None:
    file = sqlite_file(tmp_path)
    tmp_path.chmod(0o755)
    file.chmod(0o644)
    assert readable_by_others(file) == [file]
    tmp_path.chmod(0o700)
    assert readable_by_others(file) == []
    tmp_path.chmod(0o755)
    file.chmod(0o640)
    assert readable_by_others(file) == []
