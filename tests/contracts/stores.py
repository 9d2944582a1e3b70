"""The common parts of the contracts of stores."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from databases import RunningDatabase
from leads_domain.paging import Page

Item = TypeVar("Item")
PositionT = TypeVar("PositionT")

# Each subclass intentionally runs the same property, and all examples of a test share one database.
ON_ONE_DATABASE = settings(
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class StoreContract:
    """Inherit from one of its subclasses and from a database of `databases`, and name the class `Test...`."""

    def open(self, folder: Path) -> AbstractContextManager[RunningDatabase]:
        """Open an empty database for one test. It can store its files in `folder`."""
        raise NotImplementedError

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[RunningDatabase]:
        with self.open(tmp_path) as database:
            yield database


def all_pages(page_after: Callable[[PositionT | None], Page[Item, PositionT]], *, size: int) -> list[Item]:
    """Read all pages of a list and return all items. Check that each page except the last is full."""
    page = page_after(None)
    items = list(page.items)
    while page.next is not None:
        assert len(page.items) == size
        position, page = page.next, page_after(page.next)
        assert page.items, "an announced page is empty"
        assert page.next != position, "a page announced itself as the next page"
        items += page.items
    assert len(page.items) <= size
    return items
