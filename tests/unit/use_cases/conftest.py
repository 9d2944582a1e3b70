"""The desk that the tests of the use cases work at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import DATABASES, USE_CASE_STORES
from desk import Desk


@pytest.fixture(params=USE_CASE_STORES)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    """A desk on each database."""
    with DATABASES[request.param](tmp_path) as database:
        yield Desk(database)
