"""Provide services with an empty database, and clients of them."""

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from databases import database_url
from leads_app.form_settings import FormSettings
from rest import JOHN, Api, Service, a_service

StartService = Callable[..., Service]


@pytest.fixture(autouse=True)
def log() -> Iterator[list[MutableMapping[str, Any]]]:
    """Capture everything that is logged during a test."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture(scope="session")
def store() -> str:
    """Return the database that the service runs on. `ON_BOTH_DATABASES` overrides it."""
    return "sqlite"


@pytest.fixture
def start(store: str, tmp_path: Path) -> Iterator[StartService]:
    """Return a function that starts a service with the given settings."""
    with ExitStack() as running:

        def start(**settings: Any) -> Service:
            database = running.enter_context(database_url(store, tmp_path))
            return running.enter_context(a_service(database, **settings))

        yield start


@pytest.fixture
def service(start: StartService) -> Service:
    """Start a service with the default settings."""
    return start()


@pytest.fixture
def api(service: Service) -> Api:
    """Return a client of the service with the role `agent`."""
    return service.client("agent")


@pytest.fixture
def john(api: Api) -> str:
    """Create a lead, John Doe with the e-mail address john@example.com, and return its path."""
    return api.post("/leads", JOHN).expect(201).headers["location"]


@pytest.fixture(scope="session")
def shared_service(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Start one service for all tests that do not depend on its data, such as tests of refused requests."""
    with (
        database_url(store, tmp_path_factory.mktemp("shared")) as database,
        a_service(database, forms={"contact": FormSettings(rate_limit=None)}) as service,
    ):
        yield service


@pytest.fixture(scope="session")
def shared_client(shared_service: Service) -> Api:
    """Return a client of the shared service with the role `admin`."""
    return shared_service.client("admin")


@pytest.fixture(scope="session")
def shared_lead(shared_client: Api) -> str:
    """Create a lead in the shared service and return its path."""
    return shared_client.post("/leads", {**JOHN, "email": "shared@example.com"}).expect(201).headers["location"]
