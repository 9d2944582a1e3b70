"""Services to talk to, each on a fresh database."""

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from databases import database_url
from rest import JOHN, Api, Service, a_service

StartService = Callable[..., Service]


@pytest.fixture(autouse=True)
def log() -> Iterator[list[MutableMapping[str, Any]]]:
    """Everything that is logged while a test runs."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture(scope="session")
def store() -> str:
    """Return the database that the service runs on. Tests that depend on it are marked with `ON_BOTH_DATABASES`."""
    return "sqlite"


@pytest.fixture
def start(store: str, tmp_path: Path) -> Iterator[StartService]:
    """Starts services with settings of their own, one at a time."""
    with ExitStack() as running:

        def start(**settings: Any) -> Service:
            database = running.enter_context(database_url(store, tmp_path))
            return running.enter_context(a_service(database, **settings))

        yield start


@pytest.fixture
def service(start: StartService) -> Service:
    """A service with the default settings."""
    return start()


@pytest.fixture
def api(service: Service) -> Api:
    """A client of it with the role `agent`."""
    return service.client("agent")


@pytest.fixture
def john(api: Api) -> str:
    """The path of a lead, John Doe, whose e-mail address is john@example.com."""
    return api.post("/leads", JOHN).expect(201).headers["location"]


@pytest.fixture(scope="session")
def shared_service(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service for whoever wants to be refused, or tries a hundred things: nobody may rely on what it holds."""
    with database_url(store, tmp_path_factory.mktemp("shared")) as database, a_service(database) as service:
        yield service


@pytest.fixture(scope="session")
def shared_client(shared_service: Service) -> Api:
    """Somebody who may do anything with that service."""
    return shared_service.client("admin")


@pytest.fixture(scope="session")
def shared_lead(shared_client: Api) -> str:
    """The path of a lead that is there for everybody to try things on."""
    return shared_client.post("/leads", {**JOHN, "email": "shared@example.com"}).expect(201).headers["location"]
