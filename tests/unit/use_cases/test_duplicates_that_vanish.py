"""A lead that is in the way of a new one may be gone, or have another address, before it is looked at."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from application import ACTOR, Application
from builders import a_lead, an_email, details_input
from databases import memory_database
from leads_adapters.memory.database import MemoryUnitOfWork, _State
from leads_adapters.memory.lead_store import MemoryLeadStore
from leads_domain.errors import DuplicateLead, Unavailable
from leads_domain.lead import Lead, LeadId
from leads_domain.use_cases.import_leads import ImportResult
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome

JOHN = a_lead()

Leads = dict[LeadId, Lead]


class BusyStore(MemoryLeadStore):
    """A store in which somebody else does something `between` finding a lead and getting it for a change."""

    def __init__(self, kept: Leads, between: Callable[[Leads], object]) -> None:
        super().__init__(kept, {})
        self.between = between

    def get_for_update(self, id: LeadId) -> Lead:
        self.between(self._stored)
        return self.get(id)


class ForgetfulStore(MemoryLeadStore):
    """A store in which a lead that is in the way is gone before anybody can tell its id, once."""

    def add(self, lead: Lead) -> None:
        try:
            super().add(lead)
        except DuplicateLead:
            self._stored.clear()
            raise DuplicateLead(None) from None

    def add_many(self, leads: Sequence[Lead]) -> Sequence[LeadId | None]:
        self._stored.clear()
        return [None] * len(leads)


def erase(leads: Leads) -> None:
    leads.clear()


def move(leads: Leads) -> None:
    leads[JOHN.id] = replace(JOHN, email=an_email("elsewhere@example.com"))


CASES = [
    pytest.param(lambda kept: BusyStore(kept, erase), OnDuplicate.RETURN, id="erased, return"),
    pytest.param(lambda kept: BusyStore(kept, erase), OnDuplicate.UPDATE, id="erased, update"),
    pytest.param(lambda kept: BusyStore(kept, move), OnDuplicate.RETURN, id="moved, return"),
    pytest.param(lambda kept: BusyStore(kept, move), OnDuplicate.UPDATE, id="moved, update"),
    *(pytest.param(lambda kept: ForgetfulStore(kept, {}), policy, id=f"forgotten, {policy}") for policy in OnDuplicate),
]


@pytest.fixture
def kept() -> _State:
    return _State(leads={JOHN.id: JOHN})


@pytest.mark.parametrize(("store", "policy"), CASES)
@pytest.mark.parametrize("way", ["alone", "among many"])
def test_it_is_a_new_lead_then(
    tmp_path: Path, kept: _State, store: Callable[[Leads], MemoryLeadStore], policy: OnDuplicate, way: str
) -> None:
    work = MemoryUnitOfWork(kept)
    work.leads = store(kept.leads)
    with memory_database(tmp_path) as database:
        app = Application(database)
        outcome: ImportResult
        if way == "alone":
            outcome = app.register_lead(work, details_input(), actor=ACTOR, on_duplicate=policy).outcome
        else:
            candidates = [app.import_leads.check(details_input(), None)]
            (outcome,) = app.import_leads(work, candidates, actor=ACTOR, on_duplicate=policy)

    assert outcome is Outcome.CREATED
    (new,) = (lead for lead in kept.leads.values() if lead.id != JOHN.id)
    assert new.email == an_email()
    assert [entry.lead_id for entry in kept.timeline] == [new.id]


def test_whoever_meets_another_one_each_time_gives_up_and_has_stored_nothing(tmp_path: Path, kept: _State) -> None:
    class RestlessStore(MemoryLeadStore):
        def add(self, lead: Lead) -> None:
            raise DuplicateLead(None)

    work = MemoryUnitOfWork(kept)
    work.leads = RestlessStore(kept.leads, {})
    with memory_database(tmp_path) as database, pytest.raises(Unavailable):
        Application(database).register_lead(work, details_input(), actor=ACTOR)
    assert (kept.leads, kept.timeline) == ({JOHN.id: JOHN}, [])
