"""Provide a SQLite database with access to its connections."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from databases import engine_of, sqlite_file
from sqlite_parts import SqliteParts


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteParts]:
    """Open the service's database on a migrated file."""
    with SqliteParts.opened(engine_of(sqlite_file(tmp_path))) as parts:
        yield parts
