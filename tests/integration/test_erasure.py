"""Test that no text of an erased person remains in SQLite's files or PostgreSQL's tables.

The tests search for marks, which are texts that occur only in the data of one person.
"""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from sqlalchemy import URL, func, select

from application import Application
from builders import NOON, a_task, an_email
from databases import DATABASES, TIMEOUT_SECONDS, sqlite_file
from leads_adapters.database import Database
from leads_adapters.sql.sqlite import secure_delete
from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.tables import timeline
from leads_adapters.sql.unit_of_work import SqlUnitOfWork
from leads_domain.lead import LeadId
from leads_domain.notifier import TryAgain
from leads_domain.paging import LeadQuery
from leads_domain.ports import UnitOfWork
from leads_domain.task import TaskId, TaskState
from leads_domain.unsubscribing import UnsubscribeToken
from postgres import connect, postgres_url
from rest import Api, Service, a_service
from sqlite_parts import LongRead

MARK = re.compile(rb"mark(\d+)[a-z]+")
KINDS = [
    *("name", "firstname", "email", "firstemail", "source", "owner", "attribute", "value", "reason"),
    *("note", "message", "reworded", "error", "enquiry", "enquirer", "campaign"),
    *("task", "assignee", "outcome", "duplicatetask"),
    *("submission", "submissionname", "address", "duplicatesubmission"),
    *("duplicatename", "duplicateemail", "duplicatesource", "duplicatevalue", "duplicatenote", "duplicatemessage"),
    *("token", "duplicatetoken"),
]
PHONE = "+4930{:07}"


def mark(person: int, kind: str) -> str:
    """Return a person's mark of this kind."""
    return f"mark{person:04}{kind}"


def fill_lead(service: Service, admin: Api, person: int) -> str:
    """Create a lead with a mark in every column that stores text, and return its path.

    Most marks replace earlier ones.
    """
    marks = {kind: mark(person, kind) for kind in KINDS}
    first = {"name": marks["firstname"], "email": f"{marks['firstemail']}@Example.com", "attributes": {"a": "x" * 200}}
    path = admin.post("/leads", first).expect(201).headers["location"]
    change = {
        "name": marks["name"] * 3,
        "email": f"{marks['email']}@Example.com",
        "phone": PHONE.format(person),
        "owner": f"{marks['owner']}@example.com",
        "attributes": {marks["attribute"]: marks["value"] * 40},
    }
    admin.patch(path, change).expect(200)
    admin.post(f"{path}/notes", {"text": marks["note"] * 50}).expect(201)
    enquiry = {"email": change["email"], "name": marks["enquirer"], "message": marks["enquiry"] * 30}
    admin.post("/enquiries", {**enquiry, "attributes": {"c": marks["campaign"]}}).expect(200)
    later = admin.post(f"{path}/follow-up", {"message": marks["message"] * 20, "due_at": "2027-01-01T00:00:00Z"})
    admin.patch(later.headers["location"], {"message": marks["reworded"]}).expect(200)
    service.channels["log"].fail_with(TryAgain(marks["error"]))
    admin.post(f"{path}/follow-up").expect(202)
    service.dispatch()
    admin.patch(path, {"status": "lost", "status_reason": marks["reason"]}).expect(200)
    content = {"email": f"{marks['email']}@example.com", marks["submissionname"]: marks["submission"] * 20}
    add_task(service, path, text=marks["task"] * 9, assignee=an_email(f"{marks['assignee']}@example.com"))
    ended = {"state": TaskState.DONE, "outcome": marks["outcome"] * 9, "done_at": NOON}
    add_task(service, path, **ended)
    submission = service.receive(content=content, remote_address=marks["address"])
    service.process(submission)
    duplicate = {
        "name": marks["duplicatename"],
        "email": f"{marks['duplicateemail']}@example.com",
        "source": marks["duplicatesource"],
        "attributes": {"b": marks["duplicatevalue"] * 30},
    }
    other = admin.post("/leads", duplicate).expect(201).headers["location"]
    admin.post(f"{other}/notes", {"text": marks["duplicatenote"]}).expect(201)
    content = {"email": f"{marks['duplicateemail']}@example.com", "a": marks["duplicatesubmission"]}
    service.process(service.receive(content=content))
    admin.post(f"{other}/follow-up", {"message": marks["duplicatemessage"], "due_at": "2027-01-01T00:00:00Z"})
    add_task(service, other, text=marks["duplicatetask"])
    add_token(service, path, marks["token"])
    add_token(service, other, marks["duplicatetoken"])
    admin.post(f"{other}/distinct", {"lead_id": path.rpartition("/")[2]}).expect(200)
    admin.post(f"{path}/merge", {"duplicate_id": other.rpartition("/")[2]}).expect(200)
    admin.patch(path, {"source": marks["source"]}).expect(200)
    return path


def add_task(service: Service, path: str, **fields: Any) -> None:
    """Store a task of the lead with this path."""
    id, lead_id = service.container.ids().new(), LeadId(path.rpartition("/")[2])
    task = a_task(id=TaskId(id), lead_id=lead_id, **fields)
    service.run(service.container.database().write(lambda work: work.tasks.add(task)))


def add_token(service: Service, path: str, text: str) -> None:
    """Store the unsubscribe token of the lead with this path."""
    tokens = {LeadId(path.rpartition("/")[2]): UnsubscribeToken(text)}
    service.run(service.container.database().write(lambda work: work.unsubscribe_tokens.get_or_add(tokens)))


def found(content: bytes) -> set[int]:
    """Return the persons whose marks are found. Marks are in lower case, as keys of e-mail addresses are."""
    people = {int(match[1]) for match in MARK.finditer(content)}
    return people | {int(match[1]) for match in re.finditer(rb"\+4930(\d{7})", content)}


def files(file: Path) -> bytes:
    """Return the bytes of a SQLite file and of the files beside it.

    Another process reads them: closing the file in this process would release SQLite's locks.
    """
    return subprocess.run(["cat", *sorted(file.parent.glob(f"{file.name}*"))], capture_output=True, check=True).stdout


def wait_until(service: Service, condition: Callable[[], bool]) -> None:
    """Run the service until a condition is true."""

    async def wait() -> None:
        while not condition():
            await asyncio.sleep(0.02)

    service.run(asyncio.wait_for(wait(), TIMEOUT_SECONDS))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leads_adapters.sql.sqlite.secure_delete.RETRY_SECONDS", 0.1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Create a migrated SQLite file."""
    return sqlite_file(tmp_path)


@contextmanager
def served(file: Path) -> Iterator[tuple[Service, Api]]:
    """Run a service on the file; yield it with a client with the role `admin`."""
    with a_service(URL.create("sqlite", database=str(file))) as service:
        yield service, service.client("admin")


@contextmanager
def open_reader(file: Path) -> Iterator[None]:
    """Keep a read transaction of another program open."""
    with closing(driver.connect(str(file), isolation_level=None)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM leads").fetchone()
        yield


@pytest.mark.wal
def test_every_kind_of_mark_is_stored(file: Path) -> None:
    with served(file) as (service, admin):
        fill_lead(service, admin, 1)
        content = files(file)
        assert {kind for kind in KINDS if mark(1, kind).encode() not in content} == set()
        assert PHONE.format(1).encode() in content


@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_the_files_of_sqlite_have_no_byte_of_an_erased_lead(
    file: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    monkeypatch.setattr("leads_adapters.sql.sqlite.engine.journal_mode", lambda: mode)
    with served(file) as (service, admin):
        paths = [fill_lead(service, admin, person) for person in range(8)]
        assert found(files(file)) == {*range(8)}
        for path in paths[::2]:
            admin.request("DELETE", path).expect(204)
        wait_until(service, lambda: found(files(file)) == {1, 3, 5, 7})
        for path in paths[1::2]:
            admin.get(path).expect(200)


def test_copies_of_rows_in_split_pages_are_removed(file: Path) -> None:
    """SQLite leaves copies of some rows when it splits pages."""
    with closing(driver.connect(str(file), isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("CREATE TABLE people (id INTEGER PRIMARY KEY, key TEXT UNIQUE, said TEXT) STRICT")
        chance, born, alive = Random(1), 0, list[int]()
        while not found(files(file)) - {*alive}:
            assert born < 50_000
            connection.execute("BEGIN")
            for _ in range(1000):  # two come, one has more said of him, and one goes
                for _ in range(2):
                    born += 1
                    alive.append(born)
                    marks = mark(born, "said")
                    connection.execute(
                        "INSERT INTO people VALUES (?, ?, ?)", (born, f"{chance.random()}{marks}", marks)
                    )
                grows, goes = chance.choice(alive[-200:]), chance.choice(alive[-300:])
                connection.execute(
                    "UPDATE people SET said = ? WHERE id = ?", (mark(grows, "said") * chance.randrange(100), grows)
                )
                connection.execute("DELETE FROM people WHERE id = ?", (goes,))
                alive.remove(goes)
            connection.execute("COMMIT")
            assert secure_delete.empty_log(connection)

        assert secure_delete.remove_copies(connection)
        assert found(files(file)) == {*alive}


@pytest.mark.wal
def test_secure_delete_waits_for_readers_and_delays_no_request(file: Path) -> None:
    with served(file) as (service, admin):
        path = fill_lead(service, admin, 1)
        with open_reader(file):
            admin.request("DELETE", path).expect(204)
            for person in range(2, 5):
                fill_lead(service, admin, person)
            assert found(files(file)) == {1, 2, 3, 4}
        wait_until(service, lambda: found(files(file)) == {2, 3, 4})


@pytest.mark.wal
def test_constant_long_reads_do_not_prevent_secure_delete(file: Path) -> None:
    async def erase(database: Database, admin: Api, path: str) -> None:
        first = LongRead(database)
        await first.has_begun()
        await admin.send("DELETE", path)
        second = LongRead(database)
        await database.read(lambda work: work.leads.count(LeadQuery()))
        assert not second.begun.is_set()
        await first.end()
        await second.has_begun()
        assert not found(files(file))
        await second.end()

    with served(file) as (service, admin):
        path = fill_lead(service, admin, 1)
        service.run(asyncio.wait_for(erase(service.container.database(), admin, path), TIMEOUT_SECONDS))


@pytest.mark.wal
def test_remaining_copies_are_removed_on_shutdown(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secure_delete, "RETRY_SECONDS", 60)
    with closing(driver.connect(str(file))) as other:
        with served(file) as (service, admin):
            path = fill_lead(service, admin, 1)
            other.execute("SELECT count(*) FROM leads").fetchone()  # else SQLite would remove the log itself
            with open_reader(file):
                admin.request("DELETE", path).expect(204)
                fill_lead(service, admin, 2)
            assert found(files(file)) == {1, 2}
        assert found(files(file)) == {2}


@pytest.mark.wal
def test_copies_left_by_a_killed_process_are_removed_at_the_next_start(file: Path, tmp_path: Path) -> None:
    left = tmp_path / "left"
    left.mkdir()
    with served(file) as (service, admin):
        path = fill_lead(service, admin, 1)
        fill_lead(service, admin, 2)
        with open_reader(file):
            admin.request("DELETE", path).expect(204)
            for each in (file, file.with_name(f"{file.name}-wal")):
                shutil.copy(each, left)
    assert found(files(left / file.name)) == {1, 2}
    with served(left / file.name) as (_, admin):
        assert found(files(left / file.name)) == {2}


@pytest.mark.wal  # a rollback journal comes and goes while its bytes are searched
def test_a_large_file_is_not_rewritten(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secure_delete, "REWRITE_MAX_BYTES", 0)
    with served(file) as (service, admin):
        paths = [fill_lead(service, admin, person) for person in range(8)]
        pages = _pages(file)
        for path in paths[::2]:
            admin.request("DELETE", path).expect(204)
        wait_until(service, lambda: found(files(file)) == {1, 3, 5, 7})
        assert _pages(file) >= pages  # the entries of the erasures can need a page


def _pages(file: Path) -> Any:
    with closing(driver.connect(str(file))) as connection:
        return connection.execute("PRAGMA page_count").fetchone()


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_timeline_numbers_are_never_reused(store: str, tmp_path: Path) -> None:
    """Readers of the feed would miss an entry with the number of an earlier one."""

    def last(work: UnitOfWork) -> Any:
        return cast(SqlUnitOfWork, work).runner.first(select(func.max(timeline.c.seq)))

    with DATABASES[store](tmp_path) as database:
        app = Application(database)
        lead = app.register().lead
        app.note(lead, "He moved.")
        seen = database.read(last)
        app.erase(lead)
        assert database.read(last) > seen


def test_the_tables_of_postgresql_have_no_text_of_an_erased_lead() -> None:
    with postgres_url() as url, a_service(url) as service:
        admin = service.client("admin")
        paths = [fill_lead(service, admin, person) for person in range(4)]
        content = _rows(url)
        assert {kind for kind in KINDS if mark(0, kind).encode() not in content} == {"message"}  # it was reworded
        for path in paths[::2]:
            admin.request("DELETE", path).expect(204)
        assert found(_rows(url)) == {1, 3}


def _rows(url: URL) -> bytes:
    """Return every row of every table as text."""
    with connect(url) as connection:
        tables: Sequence[tuple[str]] = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert len(tables) > 4
        texts = [
            text
            for (table,) in tables
            for (text,) in connection.execute(f"SELECT whole::text FROM {table} AS whole").fetchall()
        ]
    return "\n".join(texts).encode()
