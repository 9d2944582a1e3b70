"""The command `leads restore`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rich_click as click
from sqlalchemy import URL, Engine

from leads_adapters.backup_files import (
    POSTGRESQL,
    SQLITE,
    SUFFIXES,
    find_backups,
    kind_of,
    time_stamp,
    unfinished_folder,
)
from leads_adapters.sql import migrations
from leads_adapters.sql.erasures import erase_again, find_erased_leads
from leads_adapters.sql.postgres import backup as postgres_backup
from leads_adapters.sql.sqlite import backup as sqlite_backup
from leads_adapters.sql.sqlite import folder_lock
from leads_adapters.sql.word_index import adapt_word_index
from leads_app.cli import session
from leads_app.cli.backup import back_up, database_name
from leads_app.cli.session import COMMAND_LINE, CommandFailed
from leads_app.cli.terminal import confirm, print_line
from leads_app.container import Container
from leads_app.factories import make_engine
from leads_domain.lead import LeadId

_NAMES = {SQLITE: "SQLite", POSTGRESQL: "PostgreSQL"}

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("path", metavar="FILE|DIRECTORY", type=click.Path(exists=True, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace the current database without asking.")
@click.option("--erasures-of", "old", metavar="OLD", type=_FILE, help="Erase again the leads that are erased in OLD.")
def restore(path: Path, yes: bool, old: Path | None) -> None:
    """Replace the database with a backup: FILE, or the newest backup in DIRECTORY.

    Stop the service first. The current database is kept in a file with the time in its name. A backup from an older
    version of leads is updated. OLD is the database that was in use until now, or a newer backup.
    """
    with session.connected() as (container, engine):
        file = _newest(path, database_name(engine)) if path.is_dir() else path
        _check_kind(file, engine.url)
        work = _Restore(container, file, find_erased_leads(old) if old else None, yes)
        restore_here = _restore_sqlite if engine.dialect.name == "sqlite" else _restore_postgres
        restore_here(work, engine, time_stamp(container.clock().now()))


def _newest(folder: Path, name: str) -> Path:
    found = find_backups(folder, name)
    if not found:
        raise CommandFailed(f"There is no backup of {name} in {folder}. `leads backup {folder}` creates one.")
    return found[-1]


def _check_kind(file: Path, url: URL) -> None:
    kind = kind_of(file)
    if kind is None:
        raise CommandFailed(f"{file} is not a backup: it is neither a SQLite database nor a file of pg_dump.")
    if kind != url.get_backend_name():
        found = f"{file} is a {_NAMES[kind]} backup, but the database is {session.name_of(url)}"
        raise CommandFailed(f"{found}. Set LEADS_DATABASE_URL to a {_NAMES[kind]} database.")


@dataclass(frozen=True, slots=True)
class _Restore:
    """The steps of a restore that SQLite and PostgreSQL share."""

    container: Container
    file: Path
    erased: Sequence[LeadId] | None
    yes: bool

    def check_revision(self, found: str | None) -> None:
        """Raise `CommandFailed` if this version of leads cannot read the schema."""
        if found is None:
            raise CommandFailed(f"{self.file} is not a leads backup.")
        if found > migrations.HEAD:
            newer = f"{self.file} was created by a newer version of leads: its schema is {found}"
            raise CommandFailed(f"{newer}, and this version supports {migrations.HEAD}. Install the newer version.")
        try:
            migrations.check_migration_path(found)
        except migrations.NoMigrationPath as error:
            raise CommandFailed(f"{self.file} cannot be restored. {error}") from None
        if found != migrations.HEAD:
            print_line(f"{self.file} is from an older version: its schema {found} is updated to {migrations.HEAD}.")

    def confirm(self, database: object, aside: Path) -> None:
        """Ask whether to replace the current database; abort if not."""
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise CommandFailed("There is no terminal for the question. Pass --yes to replace the current database.")
        confirm(f"Replace {database} with {self.file}? The current database is kept as {aside}.")

    def bring_up_to_date(self, engine: Engine) -> None:
        """Update the schema and repeat the erasures."""
        adapt_word_index(engine)  # first: migrations write to the index
        if migrations.current_revision(engine) != migrations.HEAD:
            migrations.upgrade(engine)
        if self.erased is not None:
            number = erase_again(engine, self.container.erase_lead(), self.erased, COMMAND_LINE)
            print_line(f"Leads erased again: {number}.")
        engine.dispose()

    def report(self, database: object, aside: Path | None) -> None:
        """Print the paths of the restored and the previous database."""
        print_line(f"Restored {database} from {self.file}.")
        if aside is not None:
            print_line(f"The previous database is kept as {aside}. Delete it when you no longer need it.")
            if self.erased is None:
                print_line(
                    f"Leads erased since the backup exist again. To erase them, restore with --erasures-of {aside}."
                )


def _restore_sqlite(restore: _Restore, current: Engine, stamp: str) -> None:
    database = Path(str(current.url.database)).resolve()
    if restore.file.resolve() == database:
        raise CommandFailed(f"{restore.file} is the database itself.")
    aside = database.with_name(f"{database.name}.replaced-{stamp}")
    with folder_lock.lock_exclusively(database.parent), unfinished_folder(database.parent) as folder:
        copy, new = sqlite_backup.copy_closed(restore.file, folder), folder / "new.db"
        counts = sqlite_backup.check(copy, str(restore.file))
        engine = make_engine(URL.create("sqlite", database=str(copy)))
        restore.check_revision(migrations.current_revision(engine) if "leads" in counts else None)
        if database.exists():
            restore.confirm(database, aside)
        restore.bring_up_to_date(engine)
        sqlite_backup.compact(copy, new)
        sqlite_backup.replace(database, new, aside)
    restore.report(database, aside if aside.exists() else None)


def _restore_postgres(restore: _Restore, engine: Engine, stamp: str) -> None:
    database = session.name_of(engine.url)
    aside = restore.file.resolve().with_name(f"{engine.url.database}.replaced-{stamp}{SUFFIXES[POSTGRESQL]}")
    postgres_backup.check_unused(engine)
    counts = postgres_backup.counts_of(restore.file)
    revisions = postgres_backup.rows_of(restore.file, "alembic_version") if "leads" in counts else []
    restore.check_revision(revisions[0]["version_num"] if revisions else None)
    current = migrations.current_revision(engine)
    if current:
        restore.confirm(database, aside)
        back_up(engine, aside)
    postgres_backup.replace(engine, restore.file)
    restore.bring_up_to_date(engine)
    restore.report(database, aside if current else None)
