"""The common parts of the contracts of stores."""

from collections.abc import Callable, Iterator, Sequence
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


LARGE, SMALL = 1_000, 100
"""Sizes of texts in bytes. `assert_pages_end_by_size` expects items with these sizes, in any order."""


def text_of(size: int) -> str:
    """Return a text with this number of bytes in UTF-8, and half as many characters."""
    return "é" * (size // 2)


def assert_pages_end_by_size(
    page_of: Callable[[PositionT | None, int, int], Page[Item, PositionT]],
    items: Sequence[Item],
    sizes: Sequence[int],
) -> None:
    """Check that pages end before the item that exceeds their size, and that each item is on exactly one page.

    `page_of` gets a position, a limit and a size, and `sizes` are those of the items, each without its small fields.
    """
    for limit, bytes_max in ((50, 1), (50, 2_690), (50, 10**6), (2, 2_690), (3, 10**6)):
        found, position, more = 0, None, True
        while more:
            number = _fitting(sizes[found:], limit, bytes_max)
            page = page_of(position, limit, bytes_max)
            assert [*page.items] == [*items[found : found + number]]
            found, position, more = found + number, page.next, found + number < len(items)
            assert page.is_cut == (more and number < limit)


def _fitting(sizes: Sequence[int], limit: int, bytes_max: int) -> int:
    return max(
        number for number in range(1, min(limit, len(sizes)) + 1) if number == 1 or sum(sizes[:number]) <= bytes_max
    )
