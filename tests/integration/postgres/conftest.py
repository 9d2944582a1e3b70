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
    """Create a database with empty tables."""
    with postgres_url() as url:
        yield url


@pytest.fixture
def postgres(url: URL) -> Iterator[PostgresParts]:
    """Open the service's database."""
    with opened(url) as parts:
        yield parts


@pytest.fixture
def other_connection(url: URL) -> Iterator[Connection]:
    """Open another program's connection to the same database."""
    with connect(url) as connection:
        yield connection


@pytest.fixture
def service(url: URL) -> Iterator[Service]:
    """Run the whole service on the database."""
    with a_service(url) as service:
        yield service


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """Start a separate server, which a test may stop."""
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def own_url(server: PostgresServer) -> URL:
    """Create a database with empty tables on the server that a test may stop."""
    url = new_database(server.url)
    engine = postgres_engine(url)
    upgrade(engine)
    engine.dispose()
    return url
