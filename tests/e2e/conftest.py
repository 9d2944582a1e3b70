"""Fixtures for tests of the installed command."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import URL

from e2e.readme import block
from e2e.service import Site
from postgres import connect, server_url

PAGE_ABOUT_POSTGRESQL = "docs/move-to-postgresql.md"
NEW_DATABASE = "CREATE ROLE"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Create an empty site."""
    return Site(tmp_path)


@pytest.fixture
def new_database() -> Iterator[URL]:
    """Create a database as the documentation says, with another name."""
    name = f"leads_{uuid4().hex[:12]}"
    statements = block(NEW_DATABASE, PAGE_ABOUT_POSTGRESQL).replace("ROLE leads", f"ROLE {name}")
    statements = statements.replace("DATABASE leads OWNER leads", f"DATABASE {name} OWNER {name}")
    with connect(server_url()) as administrator:
        for statement in statements.split(";\n"):
            administrator.execute(statement.encode())
        yield server_url().set(username=name, password=None, database=name)
        administrator.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
        administrator.execute(f"DROP ROLE {name}".encode())
