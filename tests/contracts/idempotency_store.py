"""What every adapter of the `IdempotencyStore` port promises."""

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


def a_reply(number: int = 1, caller: str = ANN, lead_id: LeadId | None = LEAD) -> IdempotencyRecord:
    """A reply that is about a lead; later numbers were made later."""
    return IdempotencyRecord(
        caller=caller,
        key=f"key {number}",
        fingerprint=f"{number:064x}",
        sealed=f"gAAAA{number}==",
        lead_id=lead_id,
        created_at=NOON + timedelta(microseconds=number),
    )


def keep(work: UnitOfWork, *replies: IdempotencyRecord) -> None:
    """Keep replies."""
    for reply in replies:
        work.idempotency.store(reply)


def claim(work: UnitOfWork, reply: IdempotencyRecord) -> IdempotencyRecord | None:
    """What is kept under the key of this reply."""
    return work.idempotency.claim(reply.caller, reply.key)


def drop(work: UnitOfWork, before: datetime, limit: int) -> None:
    """Drop old ones."""
    work.idempotency.delete_expired(before=before, limit=limit)


def forget(work: UnitOfWork, lead_id: LeadId) -> None:
    """Forget what was answered about a lead."""
    work.idempotency.erase(lead_id)


class IdempotencyStoreContract(StoreContract):
    """See `StoreContract`."""

    @pytest.mark.parametrize(
        "reply",
        [a_reply(), a_reply(lead_id=None), replace(a_reply(), key="'\"\\; -- %s"), replace(a_reply(), key="k" * 255)],
    )
    def test_finds_a_reply_as_it_was_kept(self, database: RunningDatabase, reply: IdempotencyRecord) -> None:
        database.write(keep, reply)

        assert database.write(claim, reply) == reply

    def test_finds_nothing_under_another_key_or_of_another_caller(self, database: RunningDatabase) -> None:
        database.write(keep, a_reply(1))

        for other in (a_reply(2), a_reply(1, BOB), replace(a_reply(1), key="KEY 1"), replace(a_reply(1), key="key 1 ")):
            assert database.write(claim, other) is None

    def test_keeps_the_replies_of_callers_with_the_same_key_apart(self, database: RunningDatabase) -> None:
        database.write(keep, a_reply(1), a_reply(1, BOB, lead_id=None))

        assert database.write(claim, a_reply(1)) == a_reply(1)
        assert database.write(claim, a_reply(1, BOB)) == a_reply(1, BOB, lead_id=None)

    def test_keeps_a_reply_in_the_place_of_an_older_one(self, database: RunningDatabase) -> None:
        newer = replace(a_reply(2, lead_id=None), key=a_reply(1).key)
        database.write(keep, a_reply(1))
        database.write(keep, newer)

        assert database.write(claim, a_reply(1)) == newer

    def test_whoever_claims_sees_what_the_unit_of_work_has_kept(self, database: RunningDatabase) -> None:
        def keep_and_claim(work: UnitOfWork) -> IdempotencyRecord | None:
            assert claim(work, a_reply()) is None
            keep(work, a_reply())
            return claim(work, a_reply())

        assert database.write(keep_and_claim) == a_reply()

    def test_what_is_undone_is_not_kept(self, database: RunningDatabase) -> None:
        def keep_and_fail(work: UnitOfWork) -> None:
            keep(work, a_reply())
            raise RequestInProgress("")

        with pytest.raises(RequestInProgress):
            database.write(keep_and_fail)
        assert database.write(claim, a_reply()) is None

    def test_of_many_that_claim_a_key_at_once_one_keeps_a_reply(self, database: RunningDatabase) -> None:
        kept = []

        def answer(work: UnitOfWork, number: int) -> IdempotencyRecord:
            reply = replace(a_reply(number), key="the same")
            if found := claim(work, reply):
                return found
            keep(work, reply)
            return reply

        async def at_once() -> None:
            answers = [database.database.write(answer, number) for number in range(CLAIMS)]
            kept.extend(await asyncio.gather(*answers, return_exceptions=True))

        database.run(at_once())
        found = database.write(claim, replace(a_reply(), key="the same"))
        assert found is not None
        assert {repr(each) for each in kept if not isinstance(each, RequestInProgress)} == {repr(found)}

    def test_forgets_what_was_answered_about_a_lead_and_no_other(self, database: RunningDatabase) -> None:
        others = [a_reply(3, lead_id=LeadId(an_id(8))), a_reply(4, lead_id=None)]
        database.write(keep, a_reply(1), a_reply(2, BOB), *others)
        database.write(forget, LEAD)

        for reply in (a_reply(1), a_reply(2, BOB)):
            assert database.write(claim, reply) == replace(reply, fingerprint=None, sealed=None)
        for reply in others:
            assert database.write(claim, reply) == reply

    def test_drops_so_many_old_replies_the_oldest_first(self, database: RunningDatabase) -> None:
        replies = [a_reply(number) for number in (3, 1, 4, 2, 5)]
        database.write(keep, *replies)
        database.write(drop, a_reply(4).created_at, 2)
        assert self._left(database, *replies) == {3, 4, 5}

        database.write(drop, a_reply(4).created_at, 10)
        assert self._left(database, *replies) == {5}
        database.write(drop, a_reply(4).created_at, 10)
        assert self._left(database, *replies) == {5}

    def _left(self, database: RunningDatabase, *replies: IdempotencyRecord) -> set[int]:
        return {int(reply.key.split()[1]) for reply in replies if database.write(claim, reply)}
