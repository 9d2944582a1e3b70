"""Test `leads backup` and `leads restore` on PostgreSQL, with the programs of the tests' server."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from application import Application
from contracts.unsubscribe_token_store import get_or_add
from databases import on_postgres
from leads_adapters.backup_files import BackupFailed
from leads_adapters.sql.migrations import HEAD, downgrade
from leads_adapters.sql.postgres import backup as postgres_backup
from leads_adapters.sql.postgres.engine import postgres_engine
from leads_adapters.sql.tables import metadata
from leads_domain.unsubscribing import UnsubscribeToken
from postgres import PROGRAMS, connect, postgres_url
from terminal import Terminal

OF_VERSION_0_2 = Path(__file__).parents[1] / "data" / "version-0.2.dump"


@pytest.fixture
def url() -> Iterator[URL]:
    """Create an empty, migrated database."""
    with postgres_url() as url:
        yield url


@pytest.fixture
def terminal(url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Return a terminal in an empty folder, configured for the database."""
    terminal = Terminal(tmp_path, monkeypatch, capsys)
    monkeypatch.setenv("LEADS_DATABASE_URL", url.render_as_string(hide_password=False))
    monkeypatch.setenv("PATH", f"{PROGRAMS}:{os.environ['PATH']}")
    return terminal


def names_in(url: URL) -> set[str]:
    with connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM leads").fetchall()}


def change(url: URL, statement: str) -> None:
    with connect(url) as connection:
        connection.execute(statement.encode())


def test_a_backup_is_private_and_a_restore_keeps_the_previous_database(
    terminal: Terminal, url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_postgres(url) as running:
        app = Application(running)
        john = app.register(name="John").lead
        jon = app.register(name="Jon", email="jon@example.com").lead
        jane = app.register(name="Jane", email="jane@example.com").lead
        running.write(get_or_add, {jane.id: UnsubscribeToken("x")})
        made = terminal.leads("backup", "--keep", 1).expect(0)
        app.merge(john, jon)
        app.erase(john)
        with monkeypatch.context() as patch:
            patch.setattr(postgres_backup, "DISCONNECT_SECONDS", 0)
            assert "Stop the service first" in terminal.leads("restore", "backups", "--yes").expect(1).err
    [backup] = (terminal.folder / "backups").iterdir()
    assert backup.name.startswith(f"{url.database}-")
    assert f"{backup.name}: 3 leads of postgresql://" in made.out
    assert backup.stat().st_mode & 0o777 == 0o600

    output = terminal.leads("restore", "backups", "--yes").expect(0).out
    assert names_in(url) == {"John", "Jon", "Jane"}
    previous = output.split("--erasures-of ")[1].strip(".\n")
    assert Path(previous).stat().st_mode & 0o777 == 0o600
    output = terminal.leads("restore", "backups", "--yes", "--erasures-of", previous).expect(0).out
    assert "Leads erased again: 2" in output
    assert names_in(url) == {"Jane"}
    with connect(url) as connection:
        assert connection.execute("SELECT lead_id::text, token FROM unsubscribe_tokens").fetchall() == [(jane.id, "x")]
    terminal.leads("restore", previous, typed="n\n").expect(1)
    terminal.leads("restore", previous, typed="y\n").expect(0)
    assert names_in(url) == {"Jane"}


def test_a_backup_of_version_0_2_is_migrated(terminal: Terminal, url: URL) -> None:
    change(url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert f"its schema 0011 is updated to {HEAD}" in terminal.leads("restore", OF_VERSION_0_2).expect(0).out
    assert "was up to date" in terminal.leads("migrate").expect(0).out
    assert "John Doe" in names_in(url)


def test_a_database_of_version_0_3_is_replaced_completely(terminal: Terminal, url: URL) -> None:
    engine = postgres_engine(url)
    downgrade(engine, "0100")
    engine.dispose()
    shutil.copy(OF_VERSION_0_2, "old.dump")  # the previous database is stored beside it
    terminal.leads("restore", "old.dump", "--yes").expect(0)
    with connect(url) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert {name for (name,) in found} == {*metadata.tables, "alembic_version"}
    assert "John Doe" in names_in(url)


def test_a_backup_of_an_earlier_version_is_refused_before_anything_is_replaced(terminal: Terminal, url: URL) -> None:
    change(url, "UPDATE alembic_version SET version_num = '0006'")
    terminal.leads("backup", "early.dump").expect(0)
    change(url, f"UPDATE alembic_version SET version_num = '{HEAD}'")
    with on_postgres(url) as running:
        Application(running).register(name="Jane")
    output = terminal.leads("restore", "early.dump", "--yes").expect(1).err
    assert "Run `leads migrate` of version 0.2 first" in output
    assert names_in(url) == {"Jane"}


@pytest.mark.parametrize(
    ("file", "output"),
    [
        ("other.dump", "other.dump is not a leads backup."),
        ("newer.dump", "its schema is 9999"),
        ("damaged.dump", "pg_restore failed: pg_restore: error: "),
        ("some.db", "some.db is a SQLite backup, but the database is postgresql://"),
        ("good.dump", "The database has a table more, which this version of leads does not have."),
    ],
)
def test_an_invalid_backup_is_reported_and_changes_nothing(
    terminal: Terminal, url: URL, file: str, output: str
) -> None:
    with on_postgres(url) as running:
        app = Application(running)
        app.register(name="John")
    if file == "some.db":
        (terminal.folder / file).write_bytes(b"SQLite format 3\0")
    elif file == "other.dump":
        with postgres_url(migrated=False) as other:
            change(other, "CREATE TABLE others (id int)")
            os.system(f"pg_dump --format=custom --file={file} '{other.render_as_string(hide_password=False)}'")
    else:
        if file == "newer.dump":
            change(url, "UPDATE alembic_version SET version_num = '9999'")
        terminal.leads("backup", file).expect(0)
        change(url, f"UPDATE alembic_version SET version_num = '{HEAD}'")
    if file == "good.dump":
        change(url, "CREATE TABLE more (id int)")
    elif file == "damaged.dump":
        os.truncate(terminal.folder / file, (terminal.folder / file).stat().st_size // 2)
    before = {*terminal.folder.iterdir()}
    assert output in terminal.leads("restore", file, "--yes").expect(1).err
    assert names_in(url) == {"John"}
    assert {*terminal.folder.iterdir()} == before
    change(url, "DROP TABLE IF EXISTS more")


def test_without_the_programs_of_postgresql_the_error_says_what_to_install(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(terminal.folder))
    assert "The program pg_dump is missing. Install" in terminal.leads("backup").expect(1).err
    assert list((terminal.folder / "backups").iterdir()) == []


def test_a_restore_killed_at_any_step_leaves_the_old_or_the_new_database(terminal: Terminal, url: URL) -> None:
    with on_postgres(url) as running:
        app = Application(running)
        app.register(name="John")
        terminal.leads("backup", "my.dump").expect(0)
        app.register(name="Jane", email="jane@example.com")
    found = [(code, *sorted(names_in(url))) for code in terminal.kill_at_each_step("restore", "my.dump", "--yes")]
    assert found[0] == (-signal.SIGKILL, "Jane", "John")
    assert found[-1] == (0, "John")
    assert {len(names) for _, *names in found} == {1, 2}
    for previous in terminal.folder.glob("*.replaced-*"):
        assert "replaced" in terminal.leads("restore", previous, "--yes").expect(0).out


def test_a_failed_large_restore_ends_with_the_reason(
    terminal: Terminal, url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    with on_postgres(url) as running:
        app = Application(running)
        for number in range(10):  # more than what pipes hold
            attributes = {f"a{place}": "x" * 1000 for place in range(50)}
            app.register(email=f"{number}@example.com", attributes=attributes)
    terminal.leads("backup", "my.dump").expect(0)
    monkeypatch.setattr(postgres_backup, "LOCK_TIMEOUT_SECONDS", 0.1)
    engine = postgres_engine(url)
    with connect(url) as connection, connection.transaction():
        connection.execute("LOCK TABLE leads")
        with pytest.raises(BackupFailed, match=r"psql failed: ERROR: +canceling statement due to lock timeout"):
            postgres_backup.replace(engine, terminal.folder / "my.dump")
    engine.dispose()
    assert names_in(url) != set()
