"""Where the command is tried out."""

from pathlib import Path

import pytest

from e2e.service import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An empty folder."""
    return Site(tmp_path)
