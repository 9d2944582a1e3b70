"""Provide a PostgreSQL database, another program's connection to it, and a server that a test may stop."""

from collections.abc import Iterator

import pytest
from sqlalchemy import URL

from leads_adapters.sql.migrations import upgrade
from leads_adapters.sql.postgres.engine import postgres_engine
from postgres import PostgresServer, connect, new_database, postgres_url
from postgres_parts import Connection, PostgresParts, opened
from rest import Service, a_service


@pytest.fixture
def url() -> Iterator[URL]:
    """A database with all tables, which are empty."""
    with postgres_url() as url:
        yield url


@pytest.fixture
def postgres(url: URL) -> Iterator[PostgresParts]:
    """The service's database there."""
    with opened(url) as parts:
        yield parts


@pytest.fixture
def stranger(url: URL) -> Iterator[Connection]:
    """Another program's connection to the same database."""
    with connect(url) as connection:
        yield connection


@pytest.fixture
def service(url: URL) -> Iterator[Service]:
    """The whole service on that database."""
    with a_service(url) as service:
        yield service


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server that nobody else uses, so that a test may stop it."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def own_url(server: PostgresServer) -> URL:
    """A database with all tables on the server that a test may stop."""
    url = new_database(server.url)
    engine = postgres_engine(url)
    upgrade(engine)
    engine.dispose()
    return url
