"""What every adapter of the `ApiKeyStore` port promises."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from builders import NOON, an_id
from contracts.stores import StoreContract, all_pages
from databases import RunningDatabase
from leads_domain.access import ApiKey, Role, digest
from leads_domain.errors import NotFound
from leads_domain.paging import Page, Position
from leads_domain.ports import UnitOfWork

LATER = NOON + timedelta(hours=1, microseconds=1)


def a_key(number: int = 1, role: Role = Role.AGENT) -> ApiKey:
    """A key that works; later numbers were made later."""
    at = NOON + timedelta(microseconds=number)
    return ApiKey(id=an_id(number), name=f"Key {number}", role=role, digest=digest(str(number)), created_at=at)


def add(work: UnitOfWork, *added: ApiKey) -> None:
    """Keep new keys."""
    for key in added:
        work.api_keys.add(key)


def find_by_digest(work: UnitOfWork, digest: str) -> ApiKey | None:
    """Whose digest this is."""
    return work.api_keys.find_by_digest(digest)


def every(work: UnitOfWork) -> Sequence[ApiKey]:
    """All keys."""
    return work.api_keys.all()


def revoke(work: UnitOfWork, id: str, at: datetime) -> None:
    """Mark a key as revoked."""
    work.api_keys.revoke(id, at)


def get(work: UnitOfWork, id: str) -> ApiKey:
    """The key with this id."""
    return work.api_keys.get(id)


def page(work: UnitOfWork, after: Position | None, limit: int) -> Page[ApiKey, Position]:
    """Some of all keys."""
    return work.api_keys.page(after=after, limit=limit)


def record_use(work: UnitOfWork, used: Mapping[str, datetime]) -> None:
    """Remember when keys were used."""
    work.api_keys.record_use(used)


class ApiKeyStoreContract(StoreContract):
    """See `StoreContract`."""

    @pytest.mark.parametrize("role", Role)
    def test_finds_a_key_by_its_digest(self, database: RunningDatabase, role: Role) -> None:
        key = a_key(role=role)
        database.write(add, key, a_key(2))

        assert database.read(find_by_digest, key.digest) == key

    def test_finds_no_key_by_another_digest(self, database: RunningDatabase) -> None:
        database.write(add, a_key(1))

        assert database.read(find_by_digest, digest("2")) is None
        assert database.read(find_by_digest, a_key(1).digest.upper()) is None
        assert database.read(find_by_digest, "") is None

    @pytest.mark.parametrize("name", ["Формы", "👩🏽\u200d💻", "'\"\\; --", "n" * 100])
    def test_keeps_a_name_in_any_script(self, database: RunningDatabase, name: str) -> None:
        key = replace(a_key(), name=name, revoked_at=LATER, last_used_at=NOON)
        database.write(add, key)

        assert repr(database.read(find_by_digest, key.digest)) == repr(key)

    def test_lists_every_key_oldest_first(self, database: RunningDatabase) -> None:
        twins = [replace(a_key(number), created_at=LATER) for number in (4, 5)]
        keys = [a_key(1), replace(a_key(2), revoked_at=LATER), a_key(3), *twins]
        assert list(database.read(every)) == []
        database.write(add, keys[4], keys[1], keys[3], keys[0], keys[2])

        assert list(database.read(every)) == keys

    @pytest.mark.parametrize("size", [1, 2, 5, 6])
    def test_lists_every_key_page_by_page(self, database: RunningDatabase, size: int) -> None:
        assert list(database.read(page, None, size).items) == []
        keys = [a_key(1), a_key(2), *(replace(a_key(number), created_at=LATER) for number in (3, 4, 5))]
        database.write(add, *reversed(keys))

        assert all_pages(lambda after: database.read(page, after, size), size=size) == keys

    def test_gets_a_key_by_its_id(self, database: RunningDatabase) -> None:
        database.write(add, a_key(1), a_key(2))

        assert database.read(get, an_id(2)) == a_key(2)
        with pytest.raises(NotFound) as missing:
            database.read(get, an_id(3))
        assert (missing.value.kind, missing.value.id) == ("API key", an_id(3))

    def test_remembers_when_keys_were_last_used(self, database: RunningDatabase) -> None:
        database.write(add, a_key(1), a_key(2), a_key(3))
        database.write(record_use, {an_id(2): LATER, an_id(1): NOON})
        database.write(record_use, {an_id(1): LATER, an_id(2): NOON})
        database.write(record_use, {})

        used = [replace(a_key(number), last_used_at=LATER) for number in (1, 2)]
        assert list(database.read(every)) == [*used, a_key(3)]

    def test_passes_over_the_use_of_a_key_that_is_not_there(self, database: RunningDatabase) -> None:
        database.write(add, a_key(1))
        database.write(record_use, {an_id(9): LATER, an_id(1): LATER})

        assert list(database.read(every)) == [replace(a_key(1), last_used_at=LATER)]

    def test_marks_a_key_as_revoked_and_no_other(self, database: RunningDatabase) -> None:
        database.write(add, a_key(1), a_key(2))
        database.write(revoke, a_key(1).id, LATER)

        assert list(database.read(every)) == [replace(a_key(1), revoked_at=LATER), a_key(2)]
        assert database.read(find_by_digest, a_key(1).digest) == replace(a_key(1), revoked_at=LATER)

    @pytest.mark.parametrize("again", [LATER - timedelta(seconds=1), LATER, LATER + timedelta(seconds=1)])
    def test_keeps_the_mark_of_a_key_that_is_revoked_already(self, database: RunningDatabase, again: datetime) -> None:
        database.write(add, a_key())
        database.write(revoke, a_key().id, LATER)
        database.write(revoke, a_key().id, again)

        assert list(database.read(every)) == [replace(a_key(), revoked_at=LATER)]

    def test_revokes_no_key_that_was_never_added(self, database: RunningDatabase) -> None:
        database.write(add, a_key(1))

        with pytest.raises(NotFound) as missing:
            database.write(revoke, an_id(2), LATER)
        assert (missing.value.kind, missing.value.id) == ("API key", an_id(2))
        assert list(database.read(every)) == [a_key(1)]
