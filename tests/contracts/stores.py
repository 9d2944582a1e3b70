"""What the contracts of the stores share."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings

from databases import RunningDatabase
from leads_domain.paging import Page

Item = TypeVar("Item")
At = TypeVar("At")

# Every subclass is another executor of the same property, and all examples of one test share a database on purpose.
ON_ONE_DATABASE = settings(
    suppress_health_check=[HealthCheck.differing_executors, HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class StoreContract:
    """Inherit from a subclass of it together with an adapter of `databases`, and name the class `Test...`."""

    def open(self, folder: Path) -> AbstractContextManager[RunningDatabase]:
        """An empty database for the time of one test; it may keep its files in `folder`."""
        raise NotImplementedError

    @pytest.fixture
    def database(self, tmp_path: Path) -> Iterator[RunningDatabase]:
        with self.open(tmp_path) as database:
            yield database


def all_pages(page_after: Callable[[At | None], Page[Item, At]], *, size: int) -> list[Item]:
    """Every item of a list that is read page by page; each page but the last must be full."""
    page = page_after(None)
    items = list(page.items)
    while page.next is not None:
        assert len(page.items) == size
        position, page = page.next, page_after(page.next)
        assert page.items, "a page that was announced is not empty"
        assert page.next != position, "the pages lead on"
        items += page.items
    assert len(page.items) <= size
    return items
