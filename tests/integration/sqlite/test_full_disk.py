"""Check that a full disk leaves nothing half done, and that writes work again when there is room."""

import resource
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest

from builders import a_lead, an_email, an_id
from contracts.database import (
    MANY,
    add,
    all_at_once,
    ids,
    lead_number,
)
from leads_adapters.database import StorageFull
from leads_domain.errors import Unavailable
from leads_domain.ports import UnitOfWork
from sqlite_parts import SqliteParts

BULKY = {f"attribute {number}": "x" * 1000 for number in range(10)}


def add_bulky(work: UnitOfWork, number: int) -> str:
    """Add a lead that takes several pages."""
    lead = a_lead(id=an_id(number), email=an_email(f"{number}@example.com"), attributes=BULKY)
    work.leads.add(lead)
    return lead.id


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Limit all files of this process to `size` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def assert_nothing_half_done(sqlite: SqliteParts, results: list[object], before: list[str]) -> bool:
    """Check that the acknowledged leads are stored, and no others; return whether any was refused."""
    refused = [result for result in results if not isinstance(result, str)]
    assert all(isinstance(result, Unavailable) for result in refused), refused
    assert set(sqlite.running.read(ids)) == {*before, *(result for result in results if isinstance(result, str))}
    return bool(refused)


def check_words(sqlite: SqliteParts) -> None:
    """Have SQLite compare the index of words with the leads."""
    with sqlite.other_connection() as other_connection:
        other_connection.execute("INSERT INTO lead_words (lead_words, rank) VALUES ('integrity-check', 1)")


def one_by_one(sqlite: SqliteParts, numbers: Iterable[int]) -> Iterator[object]:
    """Add one lead after the other until one is refused."""
    for number in numbers:
        try:
            yield sqlite.running.write(add_bulky, number)
        except Unavailable as refusal:
            yield refusal
            return


def test_a_full_database_stores_no_partial_write_and_recovers(sqlite: SqliteParts) -> None:
    (pages,) = sqlite.writer.execute("PRAGMA page_count").fetchone()
    sqlite.writer.execute(f"PRAGMA max_page_count = {pages + 20}")
    database = sqlite.running.database
    results = sqlite.running.run(all_at_once(*(database.write(add_bulky, number) for number in range(MANY))))

    assert assert_nothing_half_done(sqlite, results, [])
    before = sqlite.running.read(ids)
    sqlite.writer.execute(f"PRAGMA max_page_count = {pages + 60}")
    results = [*one_by_one(sqlite, range(100, 200))]
    assert assert_nothing_half_done(sqlite, results, before)
    assert 1 < len(results) < 100
    assert isinstance(results[-1], StorageFull)
    sqlite.writer.execute("PRAGMA max_page_count = 1000000")
    assert sqlite.running.write(add_bulky, 200) == an_id(200)
    check_words(sqlite)


@pytest.mark.wal
def test_a_disk_that_fills_at_any_byte_leaves_no_partial_write(sqlite: SqliteParts) -> None:
    database = sqlite.running.database
    sqlite.running.write(add, 0)
    numbers = iter(range(1, 10_000))
    room, refused = 0, True
    while refused:
        before = sqlite.running.read(ids)
        with file_size_limit(sqlite.wal.stat().st_size + room):
            results = sqlite.running.run(all_at_once(*(database.write(add_bulky, next(numbers)) for _ in range(3))))
            refused = assert_nothing_half_done(sqlite, results, before)
        room += 3000

    assert room > 3000
    assert sqlite.running.write(add_bulky, next(numbers))
    assert sqlite.running.read(lambda work: work.leads.get(lead_number(0).id))
    with sqlite.other_connection() as other_connection:
        assert other_connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    check_words(sqlite)
