"""Load the settings and open the database for a subcommand."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import URL, Engine
from sqlalchemy.exc import DBAPIError

from leads_adapters.sql import migrations
from leads_adapters.sql.outages import reason_of
from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.word_index import adapt_word_index
from leads_adapters.transfer import Run
from leads_app.cli.terminal import print_line
from leads_app.container import Container
from leads_app.logs import configure_logs
from leads_app.settings import Settings, load_settings

COMMAND_LINE = "command line"
"""The actor of changes by a command."""

MISSING_ADVICE = "Run the command in the folder of the service, or set LEADS_DATABASE_URL."
"""The advice for a missing SQLite database."""


class CommandFailed(Exception):
    """The command failed. The message is for the user at the terminal."""


def settings() -> Settings:
    """Load the settings of this process and configure its logs."""
    loaded = load_settings(os.environ, Path.cwd())
    configure_logs(loaded.log_format)
    return loaded


def open_container() -> Container:
    """Return a container whose database is up to date."""
    container = Container(settings=settings())
    _prepare(container)
    return container


def _prepare(container: Container) -> None:
    """Create or update a SQLite database. A PostgreSQL database may be in use: only `leads migrate` updates it."""
    with _database_errors_explained(container):
        engine = container.engine()
        if engine.dialect.name == "sqlite":
            _prepare_file(engine)
        elif (found := migrations.current_revision(engine)) != migrations.HEAD:
            raise CommandFailed(migrations.explain_mismatch(found))


def _prepare_file(engine: Engine) -> None:
    adapt_word_index(engine)  # first: migrations write to the index
    if migrations.current_revision(engine) != migrations.HEAD:
        migrations.upgrade(engine)


@contextmanager
def _database_errors_explained(container: Container) -> Iterator[None]:
    """Convert errors of the database to a `CommandFailed` that names the database."""
    url = container.settings().database_url
    try:
        yield
    except (DBAPIError, driver.Error, migrations.NoMigrationPath) as error:
        raise _unusable(url, file_problem(url) or reason_of(error).rstrip(".")) from None


def _unusable(url: URL, reason: str) -> CommandFailed:
    return CommandFailed(f"The database {name_of(url)} cannot be used: {reason}.")


def file_problem(url: URL) -> str | None:
    """Return why a SQLite file cannot be used; None if no reason is found. SQLite itself does not say why."""
    if url.drivername != "sqlite":
        return None
    file = database_file(url)
    if not file.parent.is_dir():
        return f"there is no folder {file.parent}"
    if file.is_dir():
        return "it is a folder"
    if not os.access(file.parent, os.W_OK):
        return f"the folder {file.parent} is not writable"
    return "the file is not readable and writable" if file.exists() and not os.access(file, os.R_OK | os.W_OK) else None


def database_file(url: URL) -> Path:
    """Return the absolute path of a SQLite database."""
    return Path(str(url.database)).absolute()


def _is_missing(url: URL) -> bool:
    return url.drivername == "sqlite" and not database_file(url).exists()


def name_of(url: URL) -> str:
    """Return the name of a database for messages: an absolute path, or a URL without secrets."""
    return str(database_file(url)) if url.drivername == "sqlite" else without_secrets(url)


@contextmanager
def connected() -> Iterator[tuple[Container, Engine]]:
    """Yield a container and its engine, whatever the state of the database; close it at the end."""
    container = Container(settings=settings())
    engine = container.engine()
    try:
        with _database_errors_explained(container):
            yield container, engine
    finally:
        engine.dispose()


def without_secrets(url: URL) -> str:
    """Return the URL without password and query: a query can contain a password, too."""
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def opened(*, prints_name: bool = False, creates: bool = False) -> Iterator[tuple[Container, Run]]:
    """Yield a container and a function that runs its coroutines; close the database at the end.

    Raises `CommandFailed` for a missing SQLite database, unless the command `creates` it. Prints the name of the
    database to standard error if it is new, or with `prints_name`.
    """
    loaded = settings()
    url = loaded.database_url
    is_new = _is_missing(url)
    if is_new and not creates:
        raise CommandFailed(f"There is no database {name_of(url)}. {MISSING_ADVICE}")
    with _running(loaded) as container_and_run:
        if is_new or prints_name:
            print_line(f"Database: {name_of(url)}{' (created)' if is_new else ''}", err=True)
        yield container_and_run


@contextmanager
def opened_for_dry_run() -> Iterator[tuple[Container, Run]]:
    """Open the database like `opened`; if it does not exist, use a temporary one and delete it at the end."""
    loaded = settings()
    url = loaded.database_url
    if not _is_missing(url):
        with opened(prints_name=True) as container_and_run:
            yield container_and_run
        return
    if reason := file_problem(url):
        raise _unusable(url, reason)
    print_line(f"Database: {name_of(url)} (does not exist; the import would create it)", err=True)
    with TemporaryDirectory() as folder:
        temporary = url.set(database=str(Path(folder, "leads.db")))
        with _running(replace(loaded, database_url=temporary)) as container_and_run:
            yield container_and_run


@contextmanager
def _running(loaded: Settings) -> Iterator[tuple[Container, Run]]:
    container = Container(settings=loaded)
    _prepare(container)
    container.outage_log.override(lambda _: None)  # the command prints the same reason
    with asyncio.Runner() as runner:
        try:
            yield container, runner.run
        finally:
            runner.run(container.database().close())
