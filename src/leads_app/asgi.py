"""The application for an ASGI server, made from the settings of the process's surroundings."""

import os
from pathlib import Path

from leads_adapters.http.envelope import AsgiApp
from leads_app.container import Container
from leads_app.logs import configure_logs
from leads_app.settings import load_settings


def create_app() -> AsgiApp:
    """A factory for servers that start several processes; each dispatches follow-ups, too."""
    return _create(dispatching=True)


def create_app_without_dispatcher() -> AsgiApp:
    """The same, for `leads serve --no-dispatch`."""
    return _create(dispatching=False)


def _create(*, dispatching: bool) -> AsgiApp:
    settings = load_settings(os.environ, Path.cwd())
    configure_logs(settings.log_format)
    container = Container(settings=settings)
    container.dispatching.override(dispatching)
    app: AsgiApp = container.app()
    return app
