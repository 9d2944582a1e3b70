"""The contract of the `UnsubscribeTokenStore` port."""

import asyncio
from collections.abc import Mapping

import pytest

from builders import a_lead, an_email, an_id
from contracts.stores import StoreContract
from databases import RunningDatabase
from leads_domain.lead import LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.unsubscribing import TOKEN_BYTES, UnsubscribeToken, make_token

ONE, TWO, THREE = (LeadId(an_id(number)) for number in (1, 2, 3))
CALLERS = 20


def token(number: int) -> UnsubscribeToken:
    """Return a token that depends on the number."""
    return make_token(bytes([number]) * TOKEN_BYTES)


def get_or_add(work: UnitOfWork, tokens: Mapping[LeadId, UnsubscribeToken]) -> Mapping[LeadId, UnsubscribeToken]:
    """Return the tokens of leads."""
    return work.unsubscribe_tokens.get_or_add(tokens)


def find_lead(work: UnitOfWork, token: UnsubscribeToken) -> LeadId | None:
    """Return the id of the lead with this token."""
    return work.unsubscribe_tokens.find_lead(token)


def erase(work: UnitOfWork, id: LeadId) -> None:
    """Erase the token of a lead."""
    work.unsubscribe_tokens.erase(id)


class UnsubscribeTokenStoreContract(StoreContract):
    """See `StoreContract`."""

    def test_keeps_the_first_token_of_each_lead(self, database: RunningDatabase) -> None:
        first = {TWO: token(2), ONE: token(1)}
        assert database.write(get_or_add, first) == first
        assert database.write(get_or_add, {THREE: token(3), ONE: token(4)}) == {THREE: token(3), ONE: token(1)}
        assert database.write(get_or_add, {ONE: token(5)}) == {ONE: token(1)}
        assert database.write(get_or_add, {}) == {}

    def test_finds_a_lead_by_its_whole_token_only(self, database: RunningDatabase) -> None:
        database.write(get_or_add, {ONE: token(1), TWO: token(2)})
        assert [database.read(find_lead, token(number)) for number in (1, 2, 3)] == [ONE, TWO, None]
        for other in (token(1)[:-1], token(1).lower(), f"{token(1)} ", "", "%", str(ONE)):
            assert database.read(find_lead, UnsubscribeToken(other)) is None

    def test_erases_the_token_of_one_lead(self, database: RunningDatabase) -> None:
        database.write(get_or_add, {ONE: token(1), TWO: token(2)})
        for _ in range(2):
            database.write(erase, ONE)
        assert [database.read(find_lead, token(number)) for number in (1, 2)] == [None, TWO]
        assert database.write(get_or_add, {ONE: token(3)}) == {ONE: token(3)}

    def test_a_merged_lead_keeps_its_token(self, database: RunningDatabase) -> None:
        def merge(work: UnitOfWork) -> None:
            for id in (ONE, TWO):
                work.leads.add(a_lead(id=id, email=an_email(f"{id}@example.com")))
            get_or_add(work, {ONE: token(1), TWO: token(2)})
            work.leads.redirect(TWO, ONE)

        database.write(merge)
        assert [database.read(find_lead, token(number)) for number in (1, 2)] == [ONE, TWO]

    def test_a_failed_unit_of_work_stores_no_token(self, database: RunningDatabase) -> None:
        def add_and_fail(work: UnitOfWork) -> None:
            get_or_add(work, {ONE: token(1)})
            raise LookupError

        with pytest.raises(LookupError):
            database.write(add_and_fail)
        assert database.write(get_or_add, {ONE: token(2)}) == {ONE: token(2)}

    def test_concurrent_units_of_work_get_the_same_token(self, database: RunningDatabase) -> None:
        async def call() -> list[UnsubscribeToken]:
            found = (database.database.write(get_or_add, {ONE: token(number)}) for number in range(CALLERS))
            return [tokens[ONE] for tokens in await asyncio.gather(*found)]

        assert len({*database.run(call())}) == 1
