"""Create the ASGI application from the environment, for servers with several worker processes."""

import multiprocessing
import os
import signal
from pathlib import Path
from threading import Thread

from leads_adapters.http.request_middleware import AsgiApp
from leads_app.container import Container
from leads_app.graceful_shutdown import hold_signals
from leads_app.logs import configure_logs
from leads_app.settings import load_settings


def create_app() -> AsgiApp:
    """Return the application with a dispatcher. The process ends when its parent ends."""
    return _create(dispatching=True)


def create_app_without_dispatcher() -> AsgiApp:
    """Return the application without a dispatcher, for `leads serve --no-dispatch`."""
    return _create(dispatching=False)


def _create(*, dispatching: bool) -> AsgiApp:
    Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    settings = load_settings(os.environ, Path.cwd())
    configure_logs(settings.log_format)
    container = Container(settings=settings)
    container.dispatching.override(dispatching)
    app: AsgiApp = container.app()
    hold_signals()
    return app


def _end_with_parent() -> None:
    """Kill this process when its parent has ended: nothing else would stop it."""
    hold_signals()  # the main thread handles them
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGKILL)
