"""The contract of the `DigestStore` port."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from builders import NOON, a_digest, an_id
from contracts.stores import StoreContract
from databases import RunningDatabase
from leads_domain.contact import EmailAddress
from leads_domain.digest import Digest, DigestId, DigestState
from leads_domain.errors import NotFound
from leads_domain.follow_up import Lease
from leads_domain.ports import UnitOfWork

MICROSECOND = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
LATER = NOON + timedelta(hours=1)
ENDED: list[dict[str, Any]] = [
    {"state": state, "next_attempt_at": None} for state in DigestState if state is not DigestState.SCHEDULED
]


def plan(work: UnitOfWork, *digests: Digest, at: datetime = NOON) -> datetime | None:
    """Store a planning with these digests, and return the time of the one before."""
    before = work.digests.planned_at_for_update()
    work.digests.plan(at, digests)
    return before


def planned_at(work: UnitOfWork) -> datetime | None:
    """Return the time of the last planning."""
    return work.digests.planned_at()


def get(work: UnitOfWork, id: str) -> Digest:
    """Lock and return a digest."""
    return work.digests.get_for_update(DigestId(id))


def read_only(work: UnitOfWork, id: str) -> Digest:
    """Return a digest."""
    return work.digests.get(DigestId(id))


def save(work: UnitOfWork, digest: Digest) -> None:
    """Lock a digest, and store it."""
    get(work, digest.id)
    work.digests.save(digest)


def claim(work: UnitOfWork, now: datetime, owner: str = "one", *, limit: int = 10) -> Sequence[Digest]:
    """Claim due digests for one minute."""
    return work.digests.claim_due(now=now, owner=owner, until=now + MINUTE, limit=limit)


def next_attempt(work: UnitOfWork, now: datetime = NOON) -> datetime | None:
    """Return the time of the next attempt."""
    return work.digests.next_attempt(now)


def a_sequence(size: int) -> list[Digest]:
    """Return digests. The first is due at noon, each other one minute after the previous."""
    return [a_digest(id=an_id(number), next_attempt_at=NOON + number * MINUTE) for number in range(size)]


class DigestStoreContract(StoreContract):
    """See `StoreContract`."""

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"lease": Lease(owner="Ольга\n", until=LATER + MICROSECOND), "claims": 7, "attempts": 3},
            {"state": DigestState.FAILED, "next_attempt_at": None, "last_error": "祖冲之 '; --", "updated_at": LATER},
            {"recipient": EmailAddress("Bücher@Example.com", "bücher@example.com"), "planned_at": NOON + MICROSECOND},
        ],
    )
    def test_returns_a_digest_as_it_was_planned_and_saved(self, database: RunningDatabase, fields: Any) -> None:
        digest, other = a_digest(**fields), a_digest(id=an_id(9))
        database.write(plan, digest, other)
        assert database.write(get, digest.id) == digest

        database.write(save, replace(a_digest(), **{**fields, "id": other.id}))
        assert database.write(get, other.id) == replace(digest, id=other.id)
        assert database.read(read_only, other.id) == replace(digest, id=other.id)
        assert database.write(get, digest.id) == digest

    def test_does_not_find_an_unknown_digest(self, database: RunningDatabase) -> None:
        for read in (get, read_only):
            with pytest.raises(NotFound, match=f"No digest has the id {an_id(9)}."):
                database.write(read, an_id(9))

    def test_remembers_the_last_planning(self, database: RunningDatabase) -> None:
        assert database.read(planned_at) is None
        assert database.write(plan) is None
        assert repr(database.read(planned_at)) == repr(NOON)
        assert database.write(plan, at=LATER + MICROSECOND) == NOON
        assert database.read(planned_at) == LATER + MICROSECOND

    def test_a_lock_of_the_plan_alone_plans_nothing(self, database: RunningDatabase) -> None:
        for expected in (None, NOON):
            assert database.write(lambda work: work.digests.planned_at_for_update()) == expected
            assert database.read(planned_at) == expected
            database.write(plan)

    def test_a_failed_unit_of_work_plans_nothing(self, database: RunningDatabase) -> None:
        def plan_and_fail(work: UnitOfWork) -> None:
            plan(work, a_digest())
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            database.write(plan_and_fail)
        assert database.read(planned_at) is None
        assert database.read(next_attempt) is None

    def test_concurrent_plannings_see_each_other(self, database: RunningDatabase) -> None:
        def plan_once(work: UnitOfWork, number: int) -> bool:
            if work.digests.planned_at_for_update() is None:
                work.digests.plan(NOON, [a_digest(id=an_id(number))])
                return True
            return False

        async def plan_at_once() -> list[bool]:
            return await asyncio.gather(*(database.database.write(plan_once, number) for number in range(10)))

        assert sum(database.run(plan_at_once())) == 1
        assert len(database.write(claim, NOON)) == 1

    def test_claims_due_digests_the_longest_due_first(self, database: RunningDatabase) -> None:
        sequence = a_sequence(4)
        database.write(plan, sequence[2], sequence[0], sequence[3], sequence[1])
        now = NOON + 2 * MINUTE
        claimed = [each.claim("one", now + MINUTE, now) for each in sequence[:3]]

        assert list(database.write(claim, now, limit=2)) == claimed[:2]
        assert list(database.write(claim, now)) == claimed[2:]
        assert [database.write(get, each.id) for each in sequence] == [*claimed, sequence[3]]

    def test_claims_exactly_from_the_time_of_the_next_attempt(self, database: RunningDatabase) -> None:
        database.write(plan, a_digest())

        assert list(database.write(claim, NOON - MICROSECOND)) == []
        assert len(database.write(claim, NOON)) == 1

    def test_a_claim_is_no_earlier_than_the_last_change(self, database: RunningDatabase) -> None:
        database.write(plan, a_digest(updated_at=LATER))

        (claimed,) = database.write(claim, NOON)
        assert claimed.updated_at == database.write(get, claimed.id).updated_at == LATER

    @pytest.mark.parametrize("end_state", ENDED)
    def test_claims_no_ended_digest(self, database: RunningDatabase, end_state: dict[str, Any]) -> None:
        database.write(plan, a_digest(**end_state))

        assert list(database.write(claim, LATER)) == []
        assert database.read(next_attempt) is None

    def test_claims_a_digest_only_after_its_lease_has_expired(self, database: RunningDatabase) -> None:
        database.write(plan, a_digest())
        (first,) = database.write(claim, NOON)
        assert list(database.write(claim, NOON + MINUTE - MICROSECOND, "two")) == []
        assert database.read(next_attempt, NOON + MINUTE - MICROSECOND) is None
        assert database.read(next_attempt, NOON + MINUTE) == NOON
        (second,) = database.write(claim, NOON + MINUTE, "two")

        assert (first.lease, first.claims, first.attempts) == (Lease(owner="one", until=NOON + MINUTE), 1, 1)
        assert (second.lease, second.claims, second.attempts) == (Lease(owner="two", until=NOON + 2 * MINUTE), 2, 2)

    def test_concurrent_claims_never_get_the_same_digest(self, database: RunningDatabase) -> None:
        database.write(plan, *a_sequence(20))

        async def claim_all_at_once() -> list[Sequence[Digest]]:
            claims = (database.database.write(claim, LATER, str(number), limit=3) for number in range(10))
            return await asyncio.gather(*claims)

        claimed = [each.id for claims in database.run(claim_all_at_once()) for each in claims]
        assert sorted(claimed) == [each.id for each in a_sequence(20)]

    def test_finds_the_next_attempt(self, database: RunningDatabase) -> None:
        assert database.read(next_attempt) is None
        sequence = a_sequence(3)
        database.write(plan, *reversed(sequence))
        assert repr(database.read(next_attempt)) == repr(NOON)

        database.write(save, sequence[0].end(DigestState.SENT, NOON))
        assert database.read(next_attempt) == NOON + MINUTE

    def test_finds_the_failed_digests_by_the_time_of_their_planning(self, database: RunningDatabase) -> None:
        others = [a_digest(id=an_id(10 + number), **state) for number, state in enumerate([{}, ENDED[0], ENDED[2]])]
        failed = [
            a_digest(id=an_id(number), planned_at=NOON + number * MINUTE, **ENDED[1], last_error="refused")
            for number in range(3)
        ]
        database.write(plan, *others, *reversed(failed))

        assert database.read(lambda work: list(work.digests.failed(NOON))) == failed
        assert database.read(lambda work: list(work.digests.failed(NOON + MICROSECOND))) == failed[1:]

    def test_deletes_ended_digests_that_were_planned_earlier(self, database: RunningDatabase) -> None:
        scheduled, sent, failed, empty = (
            a_digest(id=an_id(number), **state) for number, state in enumerate([{}, *ENDED])
        )
        later = a_digest(id=an_id(9), planned_at=NOON + MICROSECOND, **ENDED[0])
        database.write(plan, scheduled, sent, failed, empty, later)
        database.write(lambda work: work.digests.delete_ended(NOON))
        assert database.write(get, sent.id) == sent
        database.write(lambda work: work.digests.delete_ended(NOON + MICROSECOND))

        assert [database.write(get, each.id) for each in (scheduled, later)] == [scheduled, later]
        for each in (sent, failed, empty):
            with pytest.raises(NotFound):
                database.write(get, each.id)
