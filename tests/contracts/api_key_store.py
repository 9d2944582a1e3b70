"""The contract of the `ApiKeyStore` port."""

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
    """Return an active key. A key with a higher number is newer."""
    at = NOON + timedelta(microseconds=number)
    return ApiKey(id=an_id(number), name=f"Key {number}", role=role, digest=digest(str(number)), created_at=at)


def add(work: UnitOfWork, *keys: ApiKey) -> None:
    """Add keys."""
    for key in keys:
        work.api_keys.add(key)


def find_by_digest(work: UnitOfWork, digest: str) -> ApiKey | None:
    """Return the key with this digest."""
    return work.api_keys.find_by_digest(digest)


def all_keys(work: UnitOfWork) -> Sequence[ApiKey]:
    """Return all keys."""
    return work.api_keys.all()


def revoke(work: UnitOfWork, id: str, at: datetime) -> None:
    """Mark a key as revoked."""
    work.api_keys.revoke(id, at)


def get(work: UnitOfWork, id: str) -> ApiKey:
    """Return the key with this id."""
    return work.api_keys.get(id)


def page(work: UnitOfWork, after: Position | None, limit: int) -> Page[ApiKey, Position]:
    """Return a page of keys."""
    return work.api_keys.page(after=after, limit=limit)


def record_use(work: UnitOfWork, used: Mapping[str, datetime]) -> None:
    """Record when keys were used."""
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
    def test_stores_a_name_in_any_script(self, database: RunningDatabase, name: str) -> None:
        key = replace(a_key(), name=name, revoked_at=LATER, last_used_at=NOON)
        database.write(add, key)

        assert repr(database.read(find_by_digest, key.digest)) == repr(key)

    def test_lists_every_key_oldest_first(self, database: RunningDatabase) -> None:
        same_time = [replace(a_key(number), created_at=LATER) for number in (4, 5)]
        keys = [a_key(1), replace(a_key(2), revoked_at=LATER), a_key(3), *same_time]
        assert list(database.read(all_keys)) == []
        database.write(add, keys[4], keys[1], keys[3], keys[0], keys[2])

        assert list(database.read(all_keys)) == keys

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

    def test_stores_when_keys_were_last_used(self, database: RunningDatabase) -> None:
        database.write(add, a_key(1), a_key(2), a_key(3))
        database.write(record_use, {an_id(2): LATER, an_id(1): NOON})
        database.write(record_use, {an_id(1): LATER, an_id(2): NOON})
        database.write(record_use, {})

        used = [replace(a_key(number), last_used_at=LATER) for number in (1, 2)]
        assert list(database.read(all_keys)) == [*used, a_key(3)]

    def test_records_no_use_before_the_creation(self, database: RunningDatabase) -> None:
        database.write(add, a_key())
        database.write(record_use, {a_key().id: NOON - timedelta(hours=1)})

        assert list(database.read(all_keys)) == [replace(a_key(), last_used_at=a_key().created_at)]

    def test_ignores_the_use_of_an_unknown_key(self, database: RunningDatabase) -> None:
        database.write(add, a_key(1))
        database.write(record_use, {an_id(9): LATER, an_id(1): LATER})

        assert list(database.read(all_keys)) == [replace(a_key(1), last_used_at=LATER)]

    def test_revokes_only_the_given_key(self, database: RunningDatabase) -> None:
        database.write(add, a_key(1), a_key(2))
        database.write(revoke, a_key(1).id, LATER)

        assert list(database.read(all_keys)) == [replace(a_key(1), revoked_at=LATER), a_key(2)]
        assert database.read(find_by_digest, a_key(1).digest) == replace(a_key(1), revoked_at=LATER)

    @pytest.mark.parametrize("later", [LATER - timedelta(seconds=1), LATER, LATER + timedelta(seconds=1)])
    def test_keeps_the_time_of_the_first_revocation(self, database: RunningDatabase, later: datetime) -> None:
        database.write(add, a_key())
        database.write(revoke, a_key().id, LATER)
        database.write(revoke, a_key().id, later)

        assert list(database.read(all_keys)) == [replace(a_key(), revoked_at=LATER)]

    def test_revokes_no_unknown_key(self, database: RunningDatabase) -> None:
        database.write(add, a_key(1))

        with pytest.raises(NotFound) as missing:
            database.write(revoke, an_id(2), LATER)
        assert (missing.value.kind, missing.value.id) == ("API key", an_id(2))
        assert list(database.read(all_keys)) == [a_key(1)]
