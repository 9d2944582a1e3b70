"""What every subcommand begins with: the settings, the container, an up-to-date database."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import rich_click as click
from sqlalchemy import URL, Engine
from sqlalchemy.exc import DBAPIError

from leads_adapters.sql import migrations
from leads_adapters.sql.outages import reason_of
from leads_adapters.sql.sqlite.driver import driver
from leads_adapters.sql.word_index import adapt_word_index
from leads_adapters.transfer import Run
from leads_app.container import Container
from leads_app.logs import configure_logs
from leads_app.settings import Settings, load_settings

COMMAND_LINE = "command line"
"""The actor of what is done at a terminal."""


class CommandFailed(Exception):
    """The command cannot do what it was asked to; the message is a sentence for the person at the terminal."""


def settings() -> Settings:
    """The settings of this process; logs are set up as they say."""
    loaded = load_settings(os.environ, Path.cwd())
    configure_logs(loaded.log_format)
    return loaded


def open_container() -> Container:
    """Return a container on a database that is up to date."""
    container = Container(settings=settings())
    _prepare(container)
    return container


def _prepare(container: Container) -> None:
    """Make or update an embedded database; a server's, which others may use, is updated only by `leads migrate`."""
    with database_faults_told(container):
        engine = container.engine()
        if engine.dialect.name == "sqlite":
            _prepare_file(engine)
        elif (found := migrations.current(engine)) != migrations.HEAD:
            raise CommandFailed(migrations.mismatch(found))


def _prepare_file(engine: Engine) -> None:
    adapt_word_index(engine)  # first: migrations write to the index
    if migrations.current(engine) != migrations.HEAD:
        migrations.upgrade(engine)


@contextmanager
def database_faults_told(container: Container) -> Iterator[None]:
    """Tell in a sentence why the database cannot be opened."""
    url = container.settings().database_url
    try:
        yield
    except (DBAPIError, driver.Error, migrations.NoWay) as error:
        raise _unusable(url, obstacle(url) or reason_of(error).rstrip(".")) from None


def _unusable(url: URL, reason: str) -> CommandFailed:
    return CommandFailed(f"The database {name_of(url)} cannot be used: {reason}.")


def obstacle(url: URL) -> str | None:
    """Say what is in the way of a SQLite file, where SQLite only says that it cannot be opened."""
    if url.drivername != "sqlite":
        return None
    file = database_file(url)
    if not file.parent.is_dir():
        return f"there is no folder {file.parent}"
    if file.is_dir():
        return "it is a folder"
    if not os.access(file.parent, os.W_OK):
        return f"the folder {file.parent} cannot be written to"
    return "the file may not be read and written" if file.exists() and not os.access(file, os.R_OK | os.W_OK) else None


def database_file(url: URL) -> Path:
    """Return the file of an embedded database, from the root."""
    return Path(str(url.database)).absolute()


def _is_missing(url: URL) -> bool:
    return url.drivername == "sqlite" and not database_file(url).exists()


def name_of(url: URL) -> str:
    """Return the name of a database for people: a file from the root, or a URL without secrets."""
    return str(database_file(url)) if url.drivername == "sqlite" else without_secrets(url)


@contextmanager
def connected() -> Iterator[tuple[Container, Engine]]:
    """Yield a container and its engine, on a database in any state; close it at the end."""
    container = Container(settings=settings())
    engine = container.engine()
    try:
        with database_faults_told(container):
            yield container, engine
    finally:
        engine.dispose()


def without_secrets(url: URL) -> str:
    """A database's URL as it may be shown: a password can also stand behind the question mark."""
    return url.set(query={}).render_as_string(hide_password=True)


@contextmanager
def opened(*, says_where: bool = False, makes: bool = False) -> Iterator[tuple[Container, Run]]:
    """Open a container, and a way to run its asynchronous parts; let go of the database at the end.

    Refuse a missing SQLite database, unless the command `makes` it. Standard error names the database if it is new, or
    if `says_where`.
    """
    loaded = settings()
    url = loaded.database_url
    is_new = _is_missing(url)
    if is_new and not makes:
        where = "Start the command in the folder of the service, or set LEADS_DATABASE_URL."
        raise CommandFailed(f"There is no database {name_of(url)}. {where}")
    with _working(loaded) as work:
        if is_new or says_where:
            click.echo(f"Database: {name_of(url)}{' (new: there was none)' if is_new else ''}", err=True)
        yield work


@contextmanager
def opened_for_dry_run() -> Iterator[tuple[Container, Run]]:
    """Open the database; if it is missing, open a temporary one, which is removed at the end."""
    loaded = settings()
    url = loaded.database_url
    if not _is_missing(url):
        with opened(says_where=True) as work:
            yield work
        return
    if reason := obstacle(url):
        raise _unusable(url, reason)
    click.echo(f"Database: {name_of(url)} (there is none yet: the import would make it)", err=True)
    with TemporaryDirectory() as folder:
        temporary = url.set(database=str(Path(folder, "leads.db")))
        with _working(replace(loaded, database_url=temporary)) as work:
            yield work


@contextmanager
def _working(loaded: Settings) -> Iterator[tuple[Container, Run]]:
    container = Container(settings=loaded)
    _prepare(container)
    container.outage_log.override(lambda _: None)  # the command fails with the same reason
    with asyncio.Runner() as runner:
        try:
            yield container, runner.run
        finally:
            runner.run(container.database().close())
