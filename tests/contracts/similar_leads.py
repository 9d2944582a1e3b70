"""The contract of the `SimilarLeads` port."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import a_lead, a_phone, an_email, an_id
from contracts.stores import ON_ONE_DATABASE, StoreContract
from databases import RunningDatabase
from leads_domain.lead import Lead, LeadId
from leads_domain.ports import UnitOfWork
from leads_domain.similarity import reasons

JOHN, JANE, JACK, JILL = (LeadId(an_id(number)) for number in range(1, 5))
NAMES = ["John Doe", "JÓHN  DOE", "Jane", "\u0640", "\u0640\u0640", "x" * 200, "ß" * 200, "ß" * 199 + "y"]
ADDRESSES = ["john@example.com", "j.o.h.n@example.com", "john+a@example.com", "+john@example.com", "+jo.hn@example.com"]
PHONES = [None, a_phone(), a_phone(extension="1"), a_phone(extension="2"), a_phone("+120255501234"), a_phone("+1202")]


def add(work: UnitOfWork, leads: Sequence[Lead]) -> None:
    """Store new leads."""
    for lead in leads:
        work.leads.add(lead)


def save(work: UnitOfWork, *leads: Lead) -> None:
    """Replace leads."""
    for lead in leads:
        work.leads.save(lead)


def add_four(work: UnitOfWork) -> None:
    """Store four leads with the same name."""
    add(work, [a_lead(id=id, email=an_email(f"{id}@example.com")) for id in (JOHN, JANE, JACK, JILL)])


def find(work: UnitOfWork, id: LeadId, limit: int = 100) -> list[LeadId]:
    """Return the ids of similar leads, in order."""
    found = work.similar_leads.find(work.leads.get(id), limit)
    assert found == [work.leads.get(each.id) for each in found]
    return sorted(each.id for each in found)


def mark_distinct(work: UnitOfWork, *pairs: tuple[LeadId, LeadId]) -> None:
    """Mark pairs of leads as distinct."""
    for id, other_id in pairs:
        work.similar_leads.add_distinct(id, other_id)


def distinct(work: UnitOfWork) -> dict[LeadId, Sequence[LeadId]]:
    """Return the ids of distinct leads by lead, without leads that have none."""
    found = {id: work.similar_leads.distinct_from(id) for id in (JOHN, JANE, JACK, JILL)}
    return {id: others for id, others in found.items() if others}


def leads_with(fields: Sequence[tuple[str, int, Any]]) -> list[Lead]:
    """Return leads with these names, addresses and phone numbers. A tag makes the addresses of all different."""
    return [
        a_lead(id=LeadId(an_id(number)), name=name, email=an_email(_tagged(ADDRESSES[address], number)), phone=phone)
        for number, (name, address, phone) in enumerate(fields)
    ]


def _tagged(address: str, number: int) -> str:
    local_part, _, domain = address.partition("@")
    return f"{local_part}+{number}@{domain}"


class SimilarLeadsContract(StoreContract):
    """See `StoreContract`."""

    @ON_ONE_DATABASE
    @given(
        fields=st.lists(
            st.tuples(st.sampled_from(NAMES), st.integers(0, len(ADDRESSES) - 1), st.sampled_from(PHONES)),
            min_size=2,
            max_size=6,
        )
    )
    def test_finds_the_leads_that_have_a_reason(self, database: RunningDatabase, fields: Any) -> None:
        leads = leads_with(fields)

        def store_and_find(work: UnitOfWork) -> list[list[LeadId]]:
            add(work, leads)
            found = [find(work, lead.id) for lead in leads]
            for lead in leads:
                work.leads.erase(lead.id)
            return found

        expected = [[other.id for other in leads if other is not lead and reasons(lead, other)] for lead in leads]
        assert database.write(store_and_find) == expected

    def test_finds_a_lead_by_its_present_values(self, database: RunningDatabase) -> None:
        database.write(add, [a_lead(id=JOHN), a_lead(id=JANE, name="Jane", email=an_email("jane@example.com"))])
        assert database.read(find, JOHN) == []

        for change in ({"name": "john doe"}, {"email": an_email("jo.hn@example.com")}, {"phone": a_phone()}):
            changed = a_lead(**{"id": JANE, "name": "Jane", "email": an_email("jane@example.com"), **change})
            database.write(save, changed, a_lead(id=JOHN, phone=a_phone()))
            assert database.read(find, JOHN) == [JANE]
            assert database.read(find, JANE) == [JOHN]

    def test_finds_up_to_the_limit_for_each_reason(self, database: RunningDatabase) -> None:
        same_name = [a_lead(id=an_id(number), email=an_email(f"{number}@example.com")) for number in range(10, 20)]
        same_phone = [
            a_lead(id=an_id(number), name=f"{number}", email=an_email(f"{number}@example.com"), phone=a_phone())
            for number in range(20, 30)
        ]
        database.write(add, [a_lead(id=JOHN, phone=a_phone()), *same_name, *same_phone])

        found = database.read(find, JOHN, 3)
        assert len(found) == 6
        assert {id for id in found if id < an_id(20)} < {lead.id for lead in same_name}

    def test_a_limit_does_not_count_distinct_leads(self, database: RunningDatabase) -> None:
        database.write(add_four)
        database.write(mark_distinct, (JOHN, JANE), (JACK, JOHN))

        assert database.read(find, JOHN, 1) == [JILL]

    def test_leaves_out_distinct_leads_on_both_sides(self, database: RunningDatabase) -> None:
        database.write(add_four)
        database.write(mark_distinct, (JOHN, JANE))
        database.write(mark_distinct, (JOHN, JANE), (JANE, JOHN))

        assert database.read(find, JOHN) == [JACK, JILL]
        assert database.read(find, JANE) == [JACK, JILL]
        assert database.read(find, JACK) == [JOHN, JANE, JILL]
        assert database.read(distinct) == {JOHN: [JANE], JANE: [JOHN]}

    def test_erases_the_pairs_of_a_lead(self, database: RunningDatabase) -> None:
        database.write(add_four)
        database.write(mark_distinct, (JOHN, JANE), (JILL, JOHN), (JILL, JANE))
        database.write(lambda work: work.similar_leads.erase(JOHN))
        assert database.read(distinct) == {JANE: [JILL], JILL: [JANE]}

        database.write(lambda work: work.leads.erase(JOHN))
        database.write(lambda work: work.similar_leads.erase(JACK))
        assert database.read(distinct) == {JANE: [JILL], JILL: [JANE]}

    def test_rolls_back_a_failed_unit_of_work(self, database: RunningDatabase) -> None:
        def mark_and_fail(work: UnitOfWork) -> None:
            mark_distinct(work, (JOHN, JANE))
            raise LookupError

        database.write(add_four)
        with pytest.raises(LookupError):
            database.write(mark_and_fail)
        assert database.read(distinct) == {}
