"""Test that new leads get an owner, on every way in."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from application import ACTOR, Application
from builders import a_rule, an_email, details_input
from databases import DATABASES, USE_CASE_STORES
from leads_domain.assignment import Assignment
from leads_domain.details import DetailsInput
from leads_domain.errors import DuplicateLead, ValidationFailed
from leads_domain.follow_up import Recipient
from leads_domain.paging import LeadQuery, LeadSort
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome

MIA, NOAH, OMA = (an_email(f"{name}@example.com") for name in ("mia", "noah", "oma"))
RULE = a_rule("new", "{owner}: call {name}.", after=timedelta(hours=1), recipient=Recipient.OWNER)


@pytest.fixture(params=USE_CASE_STORES)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    """Return an application that assigns leads in turn, and those of a fair to one colleague."""
    with DATABASES[request.param](tmp_path) as database:
        yield Application(database, [RULE], Assignment(round_robin=[MIA, NOAH], by_source={"fair": OMA}))


def people(*numbers: int, **fields: Any) -> list[DetailsInput]:
    """Return the input for leads with these numbers."""
    return [details_input(name=str(number), email=f"{number}@example.com", **fields) for number in numbers]


def import_all(app: Application, rows: Sequence[DetailsInput], on_duplicate: OnDuplicate = OnDuplicate.ERROR) -> Any:
    """Import leads with the follow-up rules."""
    candidates = [app.import_leads.check(row) for row in rows]
    return app.database.write(app.import_leads, candidates, actor=ACTOR, on_duplicate=on_duplicate, rules=True)


def owners(app: Application) -> dict[str, str]:
    """Return the owner of each lead by its name."""
    page = app.database.read(lambda work: work.leads.page(LeadQuery(sort=LeadSort.BY_NAME, limit=200)))
    return {lead.name: str(lead.owner).partition("@")[0] for lead in page.items}


def test_registered_leads_get_an_owner_in_turn(app: Application) -> None:
    found = [app.register(email=f"{number}@example.com").lead.owner for number in range(3)]
    assert found == [MIA, NOAH, MIA]
    assert app.register(email="fair@example.com", source="fair").lead.owner == OMA
    assert app.register(email="own@example.com", owner="x@example.com").lead.owner == an_email("x@example.com")
    assert app.register(email="next@example.com", owner=None).lead.owner == NOAH


def test_a_rule_reminds_the_assigned_owner(app: Application) -> None:
    lead = app.register().lead
    assert [each.message for each in app.follow_ups(lead)] == ["mia@example.com: call John Doe."]
    app.clock.advance(timedelta(hours=1))
    (claimed,) = app.claim()
    assert claimed.notice.email == "mia@example.com"
    assert app.lead(lead).version == 1


@pytest.mark.parametrize("on_duplicate", OnDuplicate)
def test_a_duplicate_takes_no_turn_and_keeps_its_owner(app: Application, on_duplicate: OnDuplicate) -> None:
    lead = app.register().lead
    app.change(lead, owner=None)
    for _ in range(3):
        try:
            assert app.register(on_duplicate=on_duplicate, name="Jon").lead.owner is None
        except DuplicateLead:
            assert on_duplicate is OnDuplicate.ERROR
    assert app.register(email="next@example.com").lead.owner == NOAH


def test_an_assigned_lead_is_registered_as_any_other(app: Application) -> None:
    first = app.register().lead
    now = app.clock.advance(timedelta(hours=1))
    again = app.register(name="Jon", on_duplicate=OnDuplicate.RETURN)
    assert (again.outcome, again.lead) == (Outcome.UNCHANGED, first)
    updated = app.register(name="Jon", on_duplicate=OnDuplicate.UPDATE)
    assert (updated.outcome, updated.lead.updated_at) == (Outcome.UPDATED, now)
    assert [(entry.type.value, entry.at, entry.actor) for entry in app.timeline(first)[:1]] == [
        ("lead.updated", now, ACTOR)
    ]


def test_an_invalid_lead_takes_no_turn(app: Application) -> None:
    with pytest.raises(ValidationFailed):
        app.register(email="no address")
    assert app.register().lead.owner == MIA


def test_an_import_keeps_the_owners_of_the_file_and_assigns_the_rest(app: Application) -> None:
    app.register(name="3", email="3@example.com", owner="x@example.com")
    rows = [
        *people(1, 2, 3),
        *people(4, owner="own@example.com"),
        *people(5, 1),
        *people(6, source="fair"),
        *people(7),
    ]
    results = import_all(app, rows)
    assert [result is Outcome.CREATED for result in results] == [True, True, False, True, True, False, True, True]
    expected = {"1": "mia", "2": "noah", "3": "x", "4": "own", "5": "mia", "6": "oma", "7": "noah"}
    assert owners(app) == expected
    assert import_all(app, rows, OnDuplicate.UPDATE)
    assert owners(app) == {**expected, "3": "x"}
    assert app.register(email="next@example.com").lead.owner == MIA


def test_imported_leads_remind_the_assigned_owner(app: Application) -> None:
    import_all(app, people(1, 2))
    app.clock.advance(timedelta(hours=1))
    assert sorted(claimed.notice.email or "" for claimed in app.claim()) == ["mia@example.com", "noah@example.com"]


def test_an_enquiry_assigns_only_a_new_lead(app: Application) -> None:
    first = app.database.write(app.add_enquiry, {"email": "a@example.com", "message": "Hello"}, actor=ACTOR)
    again = app.database.write(app.add_enquiry, {"email": "a@example.com", "message": "Hello?"}, actor=ACTOR)
    other = app.database.write(app.add_enquiry, {"phone": "+12025550123"}, actor=ACTOR)
    assert [each.lead.owner for each in (first, again, other)] == [MIA, MIA, NOAH]


def test_imported_leads_remind_nobody_by_default(app: Application) -> None:
    app.database.write(app.import_leads, [app.import_leads.check(row) for row in people(1, 2)], actor=ACTOR)
    app.clock.advance(timedelta(hours=1))
    assert owners(app) == {"1": "mia", "2": "noah"}
    assert app.claim() == []
