"""`leads serve`."""

import asyncio
import os
import signal
import socket
from functools import partial

import rich_click as click
import uvloop
from granian import Granian
from granian.server.embed import Server
from sqlalchemy import URL

from leads_adapters.sql.sqlite.driver import journal_mode, library
from leads_app.cli import session
from leads_app.cli.connections import connection_limit, low_limit_warning, server_options
from leads_app.cli.session import CommandFailed
from leads_app.container import Container
from leads_app.dispatcher import DELIVERY_SECONDS

STOP_SECONDS = DELIVERY_SECONDS + 1
"""After how long the process ends once it accepts no more requests, whatever is still under way."""

_REACHES_NOBODY = (
    "Follow-ups on the default channel {channel} reach nobody: it writes a log line and marks them as sent. "
    "Set another default_channel in leads.toml."
)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="The port to listen at.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="How many processes serve.")
@click.option("--no-dispatch", is_flag=True, help="Leave follow-ups to `leads dispatch`.")
def serve(host: str, port: int, workers: int, no_dispatch: bool) -> None:
    """Serve the API, and send follow-ups when they are due."""
    container = session.open_container()
    container.rules()  # report faulty channels and rules before the port is announced
    _check_free(host, port)
    _announce(container, host, port)
    if warning := low_limit_warning(connection_limit()):
        click.echo(warning)
    if workers == 1:
        container.dispatching.override(not no_dispatch)
        uvloop.run(serve_here(container, host, port))
    else:
        stop_seconds = container.settings().stop_delay + int(STOP_SECONDS)
        _serve_in_processes(host, port, workers, no_dispatch, stop_seconds)


def _check_free(host: str, port: int) -> None:
    """The server lets several processes share a port, so it would not notice a stranger there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CommandFailed(f"Cannot listen at {host}:{port}: {error.strerror}.") from None


def _announce(container: Container, host: str, port: int) -> None:
    url = f"http://{host}:{port}"
    click.echo(f"leads serves {url} (interactive documentation: {url}/docs)")
    settings = container.settings()
    click.echo(f"Database: {_database(settings.database_url)}")
    if settings.channels[settings.default_channel].adapter == "log":
        click.echo(_REACHES_NOBODY.format(channel=settings.default_channel))
    if settings.api_key_digest is not None:
        return
    first = asyncio.run(_first_key(container))
    if first is not None:
        click.echo(
            "The first admin key, shown this once:\n\n"
            f"  {first}\n\n"
            "Try it:\n\n"
            f"  curl {url}/leads -H 'X-API-Key: {first}'\n"
        )


def _database(url: URL) -> str:
    name = session.name_of(url)
    return f"{name} (SQLite {library()})" if url.drivername == "sqlite" and journal_mode() != "WAL" else name


async def _first_key(container: Container) -> str | None:
    """Make the key, and let go of the database: its connections must not be carried into other processes."""
    database = container.database()
    try:
        return await database.write(container.create_first_key())
    finally:
        await database.close()
        container.database.reset()


async def serve_here(container: Container, host: str, port: int) -> None:
    """Serve from this process alone, so that nothing is left behind when it is killed."""
    server = Server(container.app(), host, port, **server_options())
    asked_to_stop = asyncio.Event()
    # Once it has started, the application makes more of a SIGTERM: see `Stopping`.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    serving = asyncio.create_task(server.serve())
    asking = asyncio.create_task(asked_to_stop.wait())
    await asyncio.wait({serving, asking}, return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]
    # The server itself would wait for ever for a client that never ends its request.
    await asyncio.wait({serving}, timeout=STOP_SECONDS)
    if serving.done():
        await serving


def _serve_in_processes(host: str, port: int, workers: int, no_dispatch: bool, stop_seconds: int) -> None:
    # A worker inherits its parent's handlers: until it has its own, they would swallow what should end it.
    for number in (signal.SIGINT, signal.SIGTERM):
        os.register_at_fork(after_in_child=partial(signal.signal, number, signal.SIG_DFL))
    factory = "create_app_without_dispatcher" if no_dispatch else "create_app"
    Granian(
        f"leads_app.asgi:{factory}",
        host,
        port,
        factory=True,
        workers=workers,
        workers_kill_timeout=stop_seconds,
        respawn_failed_workers=True,
        **server_options(),
    ).serve()
