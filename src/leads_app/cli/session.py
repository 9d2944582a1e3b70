"""What every subcommand begins with: the settings, the container, an up-to-date database."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from leads_adapters.sql import migrations
from leads_app.container import Container
from leads_app.logs import configure_logs
from leads_app.settings import Settings, load_settings

Answer = TypeVar("Answer")

COMMAND_LINE = "command line"
"""The actor of what is done at a terminal."""


def settings() -> Settings:
    """The settings of this process; logs are set up as they say."""
    loaded = load_settings(os.environ, Path.cwd())
    configure_logs(loaded.log_format)
    return loaded


def open_container() -> Container:
    """A container on a database that is up to date: the embedded one is brought there without a word."""
    container = Container(settings=settings())
    engine = container.engine()
    if migrations.current(engine) != migrations.HEAD:
        migrations.upgrade(engine)
    return container


def run(container: Container, work: Callable[[], Awaitable[Answer]]) -> Answer:
    """Do some work and let go of the database."""

    async def session() -> Answer:
        try:
            return await work()
        finally:
            await container.database().close()

    return asyncio.run(session())
