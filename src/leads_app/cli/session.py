"""What every subcommand begins with: the settings, the container, an up-to-date database."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine
from sqlalchemy.exc import DBAPIError

from leads_adapters.sql import migrations
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
    """A container on a database that is up to date.

    The embedded one is brought there without a word; a server's, which others may be using, only by `leads migrate`.
    """
    container = Container(settings=settings())
    with database_faults_told(container):
        engine = container.engine()
        found = migrations.current(engine)
        embedded = engine.dialect.name == "sqlite"
        if found != migrations.HEAD:
            if not embedded:
                message = (
                    f"The database schema is at {found or 'nothing'}, not at {migrations.HEAD}: run `leads migrate`."
                )
                raise CommandFailed(message)
            migrations.upgrade(engine)
        if embedded:
            adapt_word_index(engine)
    return container


@contextmanager
def database_faults_told(container: Container) -> Iterator[None]:
    """Tell in a sentence why the database cannot be opened."""
    try:
        yield
    except (DBAPIError, migrations.NoWay) as error:
        # PostgreSQL's details may hold a row.
        reason = str(error.orig if isinstance(error, DBAPIError) else error).partition("\nDETAIL:")[0]
        url = without_secrets(container.settings().database_url)
        raise CommandFailed(f"The database {url} cannot be used: {reason}.") from None


@contextmanager
def connected() -> Iterator[tuple[Container, Engine]]:
    """A container and its engine, on a database in whatever state; lets go of it at the end."""
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
def opened() -> Iterator[tuple[Container, Run]]:
    """A container and a way to run its asynchronous parts; lets go of the database at the end."""
    container = open_container()
    with asyncio.Runner() as runner:
        try:
            yield container, runner.run
        finally:
            runner.run(container.database().close())
