"""Create the ASGI application from the environment, for servers with several worker processes."""

import multiprocessing
import os
import signal
from pathlib import Path
from threading import Thread

from leads_adapters.http.request_middleware import AsgiApp
from leads_app.container import Container
from leads_app.fetch_turn import FetchTurn
from leads_app.graceful_shutdown import hold_signals
from leads_app.logs import configure_logs
from leads_app.settings import load_settings

fetch_turns: list[FetchTurn] = []
"""The turn that worker processes inherit from their parent, if they are forked. Without one, each fetches mail."""


def create_app() -> AsgiApp:
    """Return the application with a dispatcher and a mail fetcher. The process ends when its parent ends."""
    return _create()


def create_app_without_dispatcher() -> AsgiApp:
    """Return the application without a dispatcher, for `leads serve --no-dispatch`."""
    return _create(dispatching=False)


def create_app_without_fetcher() -> AsgiApp:
    """Return the application without a mail fetcher, for `leads serve --no-fetch`."""
    return _create(fetching=False)


def create_app_without_both() -> AsgiApp:
    """Return the application without dispatcher and mail fetcher."""
    return _create(dispatching=False, fetching=False)


def _create(*, dispatching: bool = True, fetching: bool = True) -> AsgiApp:
    Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    settings = load_settings(os.environ, Path.cwd())
    configure_logs(settings.log_format)
    container = Container(settings=settings)
    container.dispatching.override(dispatching)
    container.fetching.override(fetching)
    for turn in fetch_turns:
        container.may_fetch.override(turn.take)
    app: AsgiApp = container.app()
    hold_signals()
    return app


def _end_with_parent() -> None:
    """Kill this process when its parent has ended: nothing else would stop it."""
    hold_signals()  # the main thread handles them
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)
