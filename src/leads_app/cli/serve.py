"""The command `leads serve`."""

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

from leads_adapters.sql.sqlite.driver import describe_library, journal_mode
from leads_app import asgi
from leads_app.cli import session
from leads_app.cli.connections import connection_limit, low_limit_warning, server_options
from leads_app.cli.session import CommandFailed
from leads_app.cli.terminal import print_line, print_lines
from leads_app.container import Container
from leads_app.dispatcher import DELIVERY_SECONDS
from leads_app.fetch_turn import FetchTurn
from leads_app.setting_values import https_warning

STOP_SECONDS = DELIVERY_SECONDS + 1
"""The time from the last accepted request until the process ends, even if requests or attempts are still running."""

_LOG_CHANNEL_WARNING = (
    "The default channel {channel} only writes follow-ups to the log and marks them as sent. "
    "To send them, set another default_channel in leads.toml."
)

_FACTORIES = {
    (False, False): "create_app",
    (True, False): "create_app_without_dispatcher",
    (False, True): "create_app_without_fetcher",
    (True, True): "create_app_without_both",
}
"""The functions that create the application in a worker process, without dispatcher, and without mail fetcher."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="The port to listen on.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="The number of processes.")
@click.option("--no-dispatch", is_flag=True, help="Send nothing: `leads dispatch` sends follow-ups and digests.")
@click.option("--no-fetch", is_flag=True, help="Read no mailbox: `leads fetch` fetches mail.")
def serve(host: str, port: int, workers: int, no_dispatch: bool, no_fetch: bool) -> None:
    """Serve the API, send follow-ups and digests when they are due, and fetch mail."""
    container = session.open_container()
    container.rules()  # report invalid channels, rules, digests, forms and mailboxes before the URL is printed
    container.queues()
    container.intake_policies()
    container.mailbox_policies()
    _check_free(host, port)
    _announce(container, host, port)
    if warning := low_limit_warning(connection_limit()):
        print_line(warning)
    if workers == 1:
        container.dispatching.override(not no_dispatch)
        container.fetching.override(not no_fetch)
        uvloop.run(serve_here(container, host, port))
    else:
        stop_seconds = container.settings().stop_delay + int(STOP_SECONDS)
        _serve_in_processes(host, port, workers, _FACTORIES[no_dispatch, no_fetch], stop_seconds)


def _check_free(host: str, port: int) -> None:
    """Raise `CommandFailed` if the port is in use: the server shares ports and would not notice another program."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "this is not a valid host name"
        raise CommandFailed(f"Cannot listen on {host}:{port}: {reason}.") from None


def _announce(container: Container, host: str, port: int) -> None:
    url = f"http://{host}:{port}"
    print_line(f"leads serves {url} (interactive documentation: {url}/docs)")
    settings = container.settings()
    print_line(f"Database: {_database(settings.database_url)}")
    if settings.channels[settings.default_channel].adapter == "log":
        print_line(_LOG_CHANNEL_WARNING.format(channel=settings.default_channel))
    if warning := https_warning(settings.public_url):
        print_line(warning)
    if settings.api_key_digest is not None:
        return
    first = asyncio.run(_first_key(container))
    if first is not None:
        print_lines(
            "The first admin key. Store it now: it is shown only once.\n\n"
            f"  {first}\n\n"
            "Try it:\n\n"
            f"  curl {url}/leads -H 'X-API-Key: {first}'\n"
        )


def _database(url: URL) -> str:
    name = session.name_of(url)
    return f"{name} (SQLite {describe_library()})" if url.drivername == "sqlite" and journal_mode() != "WAL" else name


async def _first_key(container: Container) -> str | None:
    """Create the first admin key, and close the database: worker processes must not inherit its connections."""
    database = container.database()
    try:
        return await database.write(container.create_first_key())
    finally:
        await database.close()
        container.database.reset()


async def serve_here(container: Container, host: str, port: int) -> None:
    """Serve in this process alone, so that no other process remains when it is killed."""
    server = Server(container.app(), host, port, **server_options())
    stop_signal = asyncio.Event()
    # Until the application has started. From then on, GracefulShutdown handles SIGTERM.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop_signal.set)
    serving = asyncio.create_task(server.serve())
    waiting = asyncio.create_task(stop_signal.wait())
    await asyncio.wait({serving, waiting}, return_when=asyncio.FIRST_COMPLETED)
    server.stop()  # type: ignore[no-untyped-call]
    # The server itself waits without a limit for clients that never complete their request.
    await asyncio.wait({serving}, timeout=STOP_SECONDS)
    if serving.done():
        await serving
    # Python would wait for its threads, and one may be in the middle of a large file.
    os._exit(0)


def _serve_in_processes(host: str, port: int, workers: int, factory: str, stop_seconds: int) -> None:
    asgi.fetch_turns.append(FetchTurn())
    # A worker inherits its parent's handlers. Reset them: they would swallow signals until the worker sets its own.
    for number in (signal.SIGINT, signal.SIGTERM):
        os.register_at_fork(after_in_child=partial(signal.signal, number, signal.SIG_DFL))
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
