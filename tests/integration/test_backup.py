"""Test `leads backup` and `leads restore` on SQLite."""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from application import Application
from contracts.unsubscribe_token_store import get_or_add
from databases import sqlite_database
from leads_adapters.sql.migrations import HEAD
from leads_adapters.sql.word_index import SECURE_DELETE
from leads_domain.unsubscribing import UnsubscribeToken
from terminal import Terminal

OF_VERSION_0_2 = Path(__file__).parents[1] / "data" / "version-0.2.db"


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    """Return a terminal in an empty folder."""
    return Terminal(tmp_path, monkeypatch, capsys)


@contextmanager
def an_application(folder: Path) -> Iterator[Application]:
    """Open the application on a new database in the folder."""
    with sqlite_database(folder) as running:
        yield Application(running)


def fill(folder: Path, *names: str) -> Path:
    """Create a database with these leads and close it."""
    with an_application(folder) as app:
        for name in names:
            app.register(name=name, email=f"{name}@example.com")
    return folder / "leads.db"


def names_in(file: Path) -> set[str]:
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
        return {name for (name,) in database.execute("SELECT name FROM leads")}


def change(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement)


def test_a_backup_during_writes_is_complete_private_and_compact(terminal: Terminal) -> None:
    with an_application(terminal.folder) as app:
        john = app.register(name="mark-of-john").lead
        for number in range(20):
            app.note(john, f"mark-of-john {number}" * 20)
        app.register(name="Jane", email="jane@example.com")
        app.erase(john)
        made = terminal.leads("backup").expect(0)
        app.register(name="Jim", email="jim@example.com")
    [backup] = (terminal.folder / "backups").iterdir()
    assert made.out.startswith(f"backups/{backup.name}: 1 lead of {terminal.folder / 'leads.db'}, ")
    assert names_in(backup) == {"Jane"}
    assert b"mark-of-john" not in backup.read_bytes()
    assert backup.stat().st_mode & 0o777 == 0o600
    assert backup.parent.stat().st_mode & 0o777 == 0o700
    assert (backup.read_bytes()[18], len(list(backup.parent.iterdir()))) == (1, 1), "one file, without a log"


def test_keep_deletes_only_the_oldest_backups(terminal: Terminal) -> None:
    fill(terminal.folder, "John")
    for _ in range(3):
        terminal.leads("backup", "here/").expect(0)
    first, second, third = sorted((terminal.folder / "here").iterdir())
    others = {
        "leads-20200101-000000-000000.db": "not a database",
        "leads-20200101.db": "named by hand",
        "crm-20200101-000000-000000.db": first.read_bytes().decode("latin-1"),
        "leads-20200101-000000-000000.db.bak": "",
    }
    for name, text in others.items():
        (first.parent / name).write_text(text, "latin-1")
    (first.parent / "leads-20200101-000001-000000.db").symlink_to(third)
    (first.parent / "leads-20200101-000002-000000.db").mkdir()
    before = {*first.parent.iterdir()}
    output = terminal.leads("backup", "here", "--keep", 2).expect(0).out
    assert before - {*first.parent.iterdir()} == {first, second}
    assert len({*first.parent.iterdir()} - before) == 1
    assert f"here/{first.name}: deleted." in output


def test_a_backup_overwrites_nothing(terminal: Terminal) -> None:
    fill(terminal.folder, "John")
    terminal.leads("backup", "my.db").expect(0)
    before = (terminal.folder / "my.db").read_bytes()
    assert "my.db exists already" in terminal.leads("backup", "my.db").expect(1).err
    assert (terminal.folder / "my.db").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "output"),
    [
        (["backup", "my.db", "--keep", "3"], 2, "--keep needs a directory"),
        (["backup", "here", "--keep", "0"], 2, "'--keep'"),
        (["backup", "nowhere/my.db"], 1, "There is no folder nowhere."),
        (["restore", "nowhere.db"], 2, "'nowhere.db' does not exist"),
        (["restore", "leads.db", "--yes"], 1, "leads.db is the database itself"),
        (["restore", "empty"], 1, "There is no backup of leads in empty. `leads backup empty` creates one."),
        (["restore", "list.csv"], 1, "list.csv is not a backup"),
        (
            ["restore", "server.dump"],
            1,
            "server.dump is a PostgreSQL backup, but the database is /",
        ),
        (["restore", "other.db"], 1, "other.db is not a leads backup"),
        (["restore", "damaged.db"], 1, "damaged.db "),
        (["restore", "newer.db"], 1, "created by a newer version of leads: its schema is 9999"),
        (["restore", "good.db"], 1, "Pass --yes"),
        (["restore", "good.db", "--yes", "--erasures-of", "list.csv"], 1, "list.csv is neither a SQLite database nor"),
        (["restore", "good.db", "--yes", "--erasures-of", "other.db"], 1, "other.db cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_impossible_backup_or_restore_is_explained_and_changes_nothing(
    terminal: Terminal, arguments: list[str], code: int, output: str
) -> None:
    database = fill(terminal.folder, "John")
    for name in ("good", "damaged", "newer"):
        terminal.leads("backup", f"{name}.db").expect(0)
    damage(terminal.folder / "damaged.db")
    change(terminal.folder / "newer.db", "UPDATE alembic_version SET version_num = '9999'")
    change(terminal.folder / "other.db", "CREATE TABLE leads_of_others (id)")
    (terminal.folder / "list.csv").write_text("name,email\n", "utf-8")
    (terminal.folder / "server.dump").write_bytes(b"PGDMP...")
    (terminal.folder / "empty").mkdir()
    before = {*terminal.folder.iterdir()}, database.read_bytes()
    ended = terminal.leads(*arguments).expect(code)
    assert output in ended.err.replace("│ ", "")
    assert ({*terminal.folder.iterdir()}, database.read_bytes()) == before


def damage(file: Path) -> None:
    """Overwrite the second half of each page except the first."""
    content = bytearray(file.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page + 2048 : page + 4096] = os.urandom(2048)
    file.write_bytes(content)


def test_a_backup_without_a_database_is_refused(terminal: Terminal) -> None:
    assert f"There is no database {terminal.folder / 'leads.db'}" in terminal.leads("backup").expect(1).err
    assert list(terminal.folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"Buy milk!" * 1000, b""])
def test_a_file_that_is_no_database_is_not_backed_up(terminal: Terminal, content: bytes) -> None:
    (terminal.folder / "leads.db").write_bytes(content)
    assert "leads.db" in terminal.leads("backup", "my.db").expect(1).err
    assert not (terminal.folder / "my.db").exists()


def test_a_damaged_database_replaces_no_good_backup(terminal: Terminal) -> None:
    damage(fill(terminal.folder, *(f"lead-{number}" for number in range(50))))
    assert terminal.leads("backup", "here/", "--keep", 1).expect(1).err.startswith("leads: The ")
    assert list((terminal.folder / "here").iterdir()) == []


def test_a_restore_asks_for_confirmation_and_keeps_the_previous_database(terminal: Terminal) -> None:
    database = fill(terminal.folder, "John")
    terminal.leads("backup").expect(0)
    fill(terminal.folder, "Jane")
    terminal.leads("restore", "backups", typed="n\n").expect(1)
    assert names_in(database) == {"Jane"}
    output = terminal.leads("restore", "backups", typed="y\n").expect(0).out
    assert names_in(database) == {"John"}
    assert database.stat().st_mode & 0o777 == 0o600
    [previous] = terminal.folder.glob("leads.db.*")
    assert f"The previous database is kept as {previous}." in output
    assert names_in(previous) == {"Jane"}
    terminal.leads("restore", previous, "--yes").expect(0)
    assert names_in(database) == {"Jane"}


def leave_write_ahead_log(folder: Path) -> None:
    """Leave a database with Jane, as a killed service does: only in the write-ahead log, if there is one."""
    with an_application(folder) as app:
        app.register(name="Jane")
        for path in [*folder.glob("leads.db"), *folder.glob("leads.db-wal")]:
            shutil.copy(path, folder / f"{path.name}.copy")
    for copy in folder.glob("*.copy"):
        copy.rename(copy.with_suffix(""))


def test_a_restore_keeps_the_write_ahead_log_of_a_killed_service(terminal: Terminal) -> None:
    backup = fill(terminal.folder, "John").rename(terminal.folder / "my.db")
    leave_write_ahead_log(terminal.folder)
    terminal.leads("restore", backup, "--yes").expect(0)
    assert names_in(terminal.folder / "leads.db") == {"John"}
    [previous] = terminal.folder.glob("leads.db.*")
    assert names_in(previous) == {"Jane"}


def test_a_restore_ignores_the_write_ahead_log_of_a_lost_database(terminal: Terminal) -> None:
    backup = fill(terminal.folder, "John").rename(terminal.folder / "my.db")
    leave_write_ahead_log(terminal.folder)
    (terminal.folder / "leads.db").unlink()
    terminal.leads("restore", backup).expect(0)
    assert names_in(terminal.folder / "leads.db") == {"John"}


def test_a_restore_replaces_and_keeps_a_damaged_database(terminal: Terminal) -> None:
    backup = fill(terminal.folder, "John").rename(terminal.folder / "my.db")
    (terminal.folder / "leads.db").write_bytes(b"damaged" * 2_000)
    terminal.leads("restore", backup, "--yes").expect(0)
    assert names_in(terminal.folder / "leads.db") == {"John"}
    [previous] = terminal.folder.glob("leads.db.*")
    assert previous.read_bytes() == b"damaged" * 2_000


def test_a_restore_into_an_empty_folder_needs_no_confirmation(terminal: Terminal) -> None:
    backup = fill(terminal.folder, "John").rename(terminal.folder / "my.db")
    assert "kept" not in terminal.leads("restore", backup).expect(0).out
    assert names_in(terminal.folder / "leads.db") == {"John"}


def test_a_backup_of_version_0_2_is_migrated(terminal: Terminal) -> None:
    before = OF_VERSION_0_2.read_bytes()
    output = terminal.leads("restore", OF_VERSION_0_2).expect(0).out
    assert f"its schema 0011 is updated to {HEAD}" in output
    assert OF_VERSION_0_2.read_bytes() == before
    assert "was up to date" in terminal.leads("migrate").expect(0).out
    assert "John Doe" in terminal.leads("export").expect(0).out


def test_a_backup_of_an_earlier_version_is_refused_before_anything_is_replaced(terminal: Terminal) -> None:
    fill(terminal.folder, "Jane")
    backup = Path(shutil.copy(OF_VERSION_0_2, terminal.folder / "my.db"))
    change(backup, "UPDATE alembic_version SET version_num = '0006'")
    assert "Run `leads migrate` of version 0.2 first" in terminal.leads("restore", backup, "--yes").expect(1).err
    assert names_in(terminal.folder / "leads.db") == {"Jane"}


def test_a_restore_rebuilds_the_word_index_for_this_version_of_sqlite(terminal: Terminal) -> None:
    backup = fill(terminal.folder, "John").rename(terminal.folder / "my.db")
    other = "DELETE FROM lead_words_config WHERE k = 'secure-delete'"
    if not SECURE_DELETE:
        other = "INSERT INTO lead_words_config VALUES ('secure-delete', 1)"
    change(backup, other)
    terminal.leads("restore", backup).expect(0)
    with closing(sqlite3.connect(terminal.folder / "leads.db")) as database:
        [[switched]] = database.execute("SELECT count(*) FROM lead_words_config WHERE k = 'secure-delete' AND v = 1")
    assert bool(switched) is SECURE_DELETE


def test_a_restore_is_refused_while_any_process_has_the_database_open(terminal: Terminal) -> None:
    backup = fill(terminal.folder, "John").rename(terminal.folder / "my.db")
    with an_application(terminal.folder) as app:
        app.register(name="Jane")
        assert "Stop the service first" in terminal.leads("restore", backup, "--yes").expect(1).err
    assert names_in(terminal.folder / "leads.db") == {"Jane"}
    terminal.leads("restore", backup, "--yes").expect(0)


def test_a_restore_is_refused_while_another_program_has_the_database_open(terminal: Terminal) -> None:
    backup = fill(terminal.folder, "John").rename(terminal.folder / "my.db")
    database = fill(terminal.folder, "Jane")
    script = """
import sqlite3, sys
database = sqlite3.connect("leads.db")
database.execute("PRAGMA journal_mode = WAL")
database.execute("SELECT count(*) FROM leads").fetchall()
print(flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, cwd=terminal.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other_process:
        assert other_process.stdout
        other_process.stdout.readline()
        assert "Another program has" in terminal.leads("restore", backup, "--yes").expect(1).err
    assert names_in(database) == {"Jane"}


def test_a_restore_repeats_later_erasures(terminal: Terminal) -> None:
    with an_application(terminal.folder) as app:
        john = app.register(name="mark-of-john").lead
        jon = app.register(name="mark-of-jon", email="jon@example.com").lead
        jane = app.register(name="Jane", email="jane@example.com").lead
        for lead in (john, jon, jane):
            app.database.write(get_or_add, {lead.id: UnsubscribeToken(f"token-of-{lead.name}")})
        for lead in (john, jon):
            app.create_task(lead, text="Call mark-of-john", assignee="mark-of-john@example.com")
        terminal.leads("backup").expect(0)
        app.merge(john, jon)
        app.erase(john)
        app.erase(app.register(name="Jim", email="jim@example.com").lead)
    output = terminal.leads("restore", "backups", "--erasures-of", "leads.db", "--yes").expect(0).out
    assert "Leads erased again: 2." in output
    database = terminal.folder / "leads.db"
    assert names_in(database) == {"Jane"}
    content = database.read_bytes()
    assert (b"mark-of-jo" in content, b"token-of-Jane" in content) == (False, True)

    output = terminal.leads("restore", "backups", "--yes").expect(0).out
    previous = output.split("--erasures-of ")[1].strip(".\n")
    assert len(names_in(database)) == 3
    terminal.leads("restore", "backups", "--yes", "--erasures-of", previous).expect(0)
    assert names_in(database) == {"Jane"}


def test_a_backup_to_a_full_disk_leaves_no_file(terminal: Terminal) -> None:
    fill(terminal.folder, *(f"lead-{number}" for number in range(50)))
    before = {*terminal.folder.iterdir()}
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, limit[1]))
    try:
        ended = terminal.leads("backup", "my.db")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, ignored)
    assert ended.expect(1).err.startswith("leads: The ")
    assert {*terminal.folder.iterdir()} == before


def test_files_of_a_killed_backup_are_deleted_a_day_later(terminal: Terminal) -> None:
    fill(terminal.folder, "John")
    old, young = (terminal.folder / f".leads-unfinished-{name}" for name in ("old", "young"))
    for folder in (old, young):
        folder.mkdir()
        (folder / "backup").write_bytes(b"half")
    os.utime(old, (0, 0))
    terminal.leads("backup", ".").expect(0)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_backup_killed_at_any_step_leaves_a_complete_one_or_none(terminal: Terminal) -> None:
    fill(terminal.folder, "John")
    here = terminal.folder / "here"
    found = [
        (code, [names_in(file) for file in here.glob("leads-*")])
        for code in terminal.kill_at_each_step("backup", "here/")
    ]
    assert found[0] == (-signal.SIGKILL, [])
    assert found[-1][0] == 0
    assert len(found[-1][1]) > 1
    assert [names for _, backups in found for names in backups if names != {"John"}] == []


def test_a_restore_killed_at_any_step_leaves_the_old_or_the_new_database(terminal: Terminal) -> None:
    backup = fill(terminal.folder, "John").rename(terminal.folder / "my.db")
    leave_write_ahead_log(terminal.folder)
    runs = terminal.kill_at_each_step("restore", backup, "--yes")
    found = [(code, *names_in(terminal.folder / "leads.db")) for code in runs]
    assert {*found[:-1]} == {(-signal.SIGKILL, "Jane"), (-signal.SIGKILL, "John")}
    assert found[-1] == (0, "John")
    assert {name for previous in terminal.folder.glob("leads.db.*") for name in names_in(previous)} == {"Jane", "John"}
    assert len(found) > 10
