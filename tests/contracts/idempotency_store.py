"""The contract of the `IdempotencyStore` port."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from builders import NOON, an_id
from contracts.stores import StoreContract
from databases import RunningDatabase
from leads_domain.errors import RequestInProgress
from leads_domain.idempotency import IdempotencyRecord
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork

ANN, BOB = an_id(1), "operator"
LEAD = LeadId(an_id(7))
CLAIMS = 8


def a_record(number: int = 1, caller: str = ANN, lead_id: LeadId | None = LEAD) -> IdempotencyRecord:
    """Return a record about a lead. A record with a higher number is newer."""
    return IdempotencyRecord(
        caller=caller,
        key=f"key {number}",
        fingerprint=f"{number:064x}",
        sealed=f"gAAAA{number}==",
        lead_id=lead_id,
        created_at=NOON + timedelta(microseconds=number),
    )


def store(work: UnitOfWork, *records: IdempotencyRecord) -> None:
    """Store records."""
    for record in records:
        work.idempotency.store(record)


def claim(work: UnitOfWork, record: IdempotencyRecord) -> IdempotencyRecord | None:
    """Claim the key of this record; return the record that is stored under it."""
    return work.idempotency.claim(record.caller, record.key)


def delete_expired(work: UnitOfWork, before: datetime, limit: int) -> None:
    """Delete old records."""
    work.idempotency.delete_expired(before=before, limit=limit)


def erase(work: UnitOfWork, lead_id: LeadId) -> None:
    """Erase the responses about a lead."""
    work.idempotency.erase(lead_id)


class IdempotencyStoreContract(StoreContract):
    """See `StoreContract`."""

    @pytest.mark.parametrize(
        "record",
        [
            a_record(),
            a_record(lead_id=None),
            replace(a_record(), key="'\"\\; -- %s"),
            replace(a_record(), key="k" * 255),
        ],
    )
    def test_returns_a_record_as_it_was_stored(self, database: RunningDatabase, record: IdempotencyRecord) -> None:
        database.write(store, record)

        assert database.write(claim, record) == record

    def test_finds_nothing_under_another_key_or_of_another_caller(self, database: RunningDatabase) -> None:
        database.write(store, a_record(1))

        for other in (
            a_record(2),
            a_record(1, BOB),
            replace(a_record(1), key="KEY 1"),
            replace(a_record(1), key="key 1 "),
        ):
            assert database.write(claim, other) is None

    def test_separates_the_records_of_callers_with_the_same_key(self, database: RunningDatabase) -> None:
        database.write(store, a_record(1), a_record(1, BOB, lead_id=None))

        assert database.write(claim, a_record(1)) == a_record(1)
        assert database.write(claim, a_record(1, BOB)) == a_record(1, BOB, lead_id=None)

    def test_replaces_an_older_record(self, database: RunningDatabase) -> None:
        newer = replace(a_record(2, lead_id=None), key=a_record(1).key)
        database.write(store, a_record(1))
        database.write(store, newer)

        assert database.write(claim, a_record(1)) == newer

    def test_a_claim_sees_the_record_of_the_same_unit_of_work(self, database: RunningDatabase) -> None:
        def store_and_claim(work: UnitOfWork) -> IdempotencyRecord | None:
            assert claim(work, a_record()) is None
            store(work, a_record())
            return claim(work, a_record())

        assert database.write(store_and_claim) == a_record()

    def test_rolls_back_a_failed_unit_of_work(self, database: RunningDatabase) -> None:
        def store_and_fail(work: UnitOfWork) -> None:
            store(work, a_record())
            raise RequestInProgress("")

        with pytest.raises(RequestInProgress):
            database.write(store_and_fail)
        assert database.write(claim, a_record()) is None

    def test_only_one_of_many_concurrent_claims_stores_a_record(self, database: RunningDatabase) -> None:
        results = []

        def claim_or_store(work: UnitOfWork, number: int) -> IdempotencyRecord:
            record = replace(a_record(number), key="the same")
            if found := claim(work, record):
                return found
            store(work, record)
            return record

        async def claim_concurrently() -> None:
            writes = [database.database.write(claim_or_store, number) for number in range(CLAIMS)]
            results.extend(await asyncio.gather(*writes, return_exceptions=True))

        database.run(claim_concurrently())
        found = database.write(claim, replace(a_record(), key="the same"))
        assert found is not None
        assert {repr(each) for each in results if not isinstance(each, RequestInProgress)} == {repr(found)}

    def test_erases_only_the_responses_about_the_given_lead(self, database: RunningDatabase) -> None:
        others = [a_record(3, lead_id=LeadId(an_id(8))), a_record(4, lead_id=None)]
        database.write(store, a_record(1), a_record(2, BOB), *others)
        database.write(erase, LEAD)

        for record in (a_record(1), a_record(2, BOB)):
            assert database.write(claim, record) == replace(record, fingerprint=None, sealed=None)
        for record in others:
            assert database.write(claim, record) == record

    def test_deletes_the_oldest_expired_records_up_to_the_limit(self, database: RunningDatabase) -> None:
        records = [a_record(number) for number in (3, 1, 4, 2, 5)]
        database.write(store, *records)
        database.write(delete_expired, a_record(4).created_at, 2)
        assert self._remaining(database, *records) == {3, 4, 5}

        database.write(delete_expired, a_record(4).created_at, 10)
        assert self._remaining(database, *records) == {5}
        database.write(delete_expired, a_record(4).created_at, 10)
        assert self._remaining(database, *records) == {5}

    def _remaining(self, database: RunningDatabase, *records: IdempotencyRecord) -> set[int]:
        return {int(record.key.split()[1]) for record in records if database.write(claim, record)}
