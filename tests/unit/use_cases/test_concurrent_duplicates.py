"""Test an existing lead that another process erases or changes during the registration of a duplicate."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from application import ACTOR, Application
from builders import NOON, a_lead, an_email, details_input
from databases import memory_database
from leads_adapters.memory.database import MemoryUnitOfWork, _State
from leads_adapters.memory.lead_store import MemoryLeadStore
from leads_domain.assignment import Assignment
from leads_domain.errors import DuplicateLead, NotFound, Unavailable
from leads_domain.lead import Lead, LeadId
from leads_domain.use_cases.add_enquiry import EnquiryOutcome
from leads_domain.use_cases.import_leads import ImportResult
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome

UNAVAILABLE = r"^Other requests keep changing which lead has this e-mail address or phone number\. Try again\.$"
JOHN = a_lead()

Leads = dict[LeadId, Lead]


class BusyStore(MemoryLeadStore):
    """A store that calls `between` after it has found a lead, before it returns the lead for an update."""

    def __init__(self, leads: Leads, between: Callable[[Leads], object]) -> None:
        super().__init__(leads, {})
        self.between = between

    def get_for_update(self, id: LeadId) -> Lead:
        self.between(self._stored)
        return self.get(id)


class ErasingStore(MemoryLeadStore):
    """A store that loses the existing lead before its id is known, once."""

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


def change_email(leads: Leads) -> None:
    leads[JOHN.id] = replace(JOHN, email=an_email("other@example.com"))


CASES = [
    pytest.param(lambda leads: BusyStore(leads, erase), OnDuplicate.RETURN, id="erased, return"),
    pytest.param(lambda leads: BusyStore(leads, erase), OnDuplicate.UPDATE, id="erased, update"),
    pytest.param(lambda leads: BusyStore(leads, change_email), OnDuplicate.RETURN, id="changed, return"),
    pytest.param(lambda leads: BusyStore(leads, change_email), OnDuplicate.UPDATE, id="changed, update"),
    *(
        pytest.param(lambda leads: ErasingStore(leads, {}), policy, id=f"id unknown, {policy}")
        for policy in OnDuplicate
    ),
]


@pytest.fixture
def state() -> _State:
    return _State(leads={JOHN.id: JOHN})


@pytest.mark.parametrize(("store", "policy"), CASES)
@pytest.mark.parametrize("use_case", ["register", "import"])
def test_a_new_lead_is_created_instead(
    tmp_path: Path, state: _State, store: Callable[[Leads], MemoryLeadStore], policy: OnDuplicate, use_case: str
) -> None:
    work = MemoryUnitOfWork(state)
    work.leads = store(state.leads)
    with memory_database(tmp_path) as database:
        app = Application(database)
        outcome: ImportResult
        if use_case == "register":
            outcome = app.register_lead(work, details_input(), actor=ACTOR, on_duplicate=policy).outcome
        else:
            candidates = [app.import_leads.check(details_input(), None)]
            (outcome,) = app.import_leads(work, candidates, actor=ACTOR, on_duplicate=policy)

    assert outcome is Outcome.CREATED
    (new,) = (lead for lead in state.leads.values() if lead.id != JOHN.id)
    assert new.email == an_email()
    assert [(entry.lead_id, entry.at, entry.actor) for entry in state.timeline] == [(new.id, NOON, ACTOR)]


def test_an_enquiry_creates_a_lead_if_the_existing_one_is_erased(tmp_path: Path, state: _State) -> None:
    work = MemoryUnitOfWork(state)
    work.leads = BusyStore(state.leads, erase)
    with memory_database(tmp_path) as database:
        result = Application(database).add_enquiry(work, {"email": "john@example.com"}, actor=ACTOR)

    assert result.outcome is EnquiryOutcome.LEAD_CREATED
    assert result.lead.id != JOHN.id
    assert [entry.type for entry in state.timeline] == ["lead.created", "lead.enquired"]


def test_an_enquiry_is_unavailable_if_the_lead_vanishes_each_time(tmp_path: Path, state: _State) -> None:
    class AlwaysVanishingStore(MemoryLeadStore):
        def get_for_update(self, id: LeadId) -> Lead:
            raise NotFound("lead", id)

    work = MemoryUnitOfWork(state)
    work.leads = AlwaysVanishingStore(state.leads, {})
    with memory_database(tmp_path) as database, pytest.raises(Unavailable, match=UNAVAILABLE):
        Application(database).add_enquiry(work, {"email": "john@example.com"}, actor=ACTOR)
    assert (state.leads, state.timeline) == ({JOHN.id: JOHN}, [])


def test_an_enquiry_goes_to_the_lead_that_another_request_has_just_created(tmp_path: Path) -> None:
    class OvertakenStore(MemoryLeadStore):
        def add(self, lead: Lead) -> None:
            self._stored.setdefault(JOHN.id, JOHN)
            super().add(lead)

    state = _State()
    work = MemoryUnitOfWork(state)
    work.leads = OvertakenStore(state.leads, {})
    with memory_database(tmp_path) as database:
        result = Application(database).add_enquiry(work, {"email": "john@example.com"}, actor=ACTOR)

    assert (result.outcome, result.lead.id) == (EnquiryOutcome.ENQUIRY_ADDED, JOHN.id)
    assert state.leads == {JOHN.id: JOHN}
    assert [entry.lead_id for entry in state.timeline] == [JOHN.id]


def test_a_duplicate_that_changes_each_time_makes_the_registration_unavailable(tmp_path: Path, state: _State) -> None:
    class AlwaysDuplicateStore(MemoryLeadStore):
        def add(self, lead: Lead) -> None:
            raise DuplicateLead(None)

    work = MemoryUnitOfWork(state)
    work.leads = AlwaysDuplicateStore(state.leads, {})
    with memory_database(tmp_path) as database, pytest.raises(Unavailable, match=UNAVAILABLE):
        Application(database).register_lead(work, details_input(), actor=ACTOR)
    assert (state.leads, state.timeline) == ({JOHN.id: JOHN}, [])


class LateStore(MemoryLeadStore):
    """A store in which another request stores the lead after the look-ups, and before the insert."""

    def __init__(self, leads: Leads, look_ups: int) -> None:
        super().__init__(leads, {})
        self.look_ups = look_ups

    def find_by_identity(self, identity: str) -> LeadId | None:
        self.look_ups -= 1
        return None if self.look_ups >= 0 else super().find_by_identity(identity)


@pytest.mark.parametrize("policy", OnDuplicate)
def test_a_turn_that_was_taken_for_a_duplicate_is_given_back(
    tmp_path: Path, state: _State, policy: OnDuplicate
) -> None:
    work = MemoryUnitOfWork(state)
    work.leads = LateStore(state.leads, 1)
    with memory_database(tmp_path) as database:
        app = Application(database, assignment=Assignment(round_robin=[an_email("mia@example.com")]))
        with suppress(DuplicateLead):
            app.register_lead(work, details_input(), actor=ACTOR, on_duplicate=policy)
        assert work.turns.take(0) == 0
        work.leads = LateStore(state.leads, 3)
        rows = [details_input(email=f"{name}@example.com") for name in ("jane", "mary", "john")]
        candidates = [app.import_leads.check(row) for row in rows]
        results = app.import_leads(work, candidates, actor=ACTOR, on_duplicate=policy)
    assert [result is Outcome.CREATED for result in results] == [True, True, False]
    assert work.turns.take(0) == 2
