"""Provide the application for tests of use cases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from application import Application
from databases import DATABASES, USE_CASE_STORES


@pytest.fixture(params=USE_CASE_STORES)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    """Return an application on each database."""
    with DATABASES[request.param](tmp_path) as database:
        yield Application(database)
