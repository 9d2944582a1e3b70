"""Taking leads in, each once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application import ACTOR, Application
from builders import NOON, a_lead, an_email, details_input
from leads_domain.contact import EmailAddress
from leads_domain.errors import DuplicateLead, ValidationFailed
from leads_domain.events import EventType
from leads_domain.paging import LeadQuery
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome

RESPELT = " JOHN@Example.COM"


def test_a_new_lead_starts_the_pipeline_and_is_kept(app: Application) -> None:
    registered = app.register(name=" John Doe ", source="fair", attributes={"size": 3})

    assert registered.outcome is Outcome.CREATED
    assert registered.lead == a_lead(id=registered.lead.id, source="fair", attributes={"size": 3})
    assert app.lead(registered.lead) == registered.lead


def test_the_arrival_of_a_lead_is_told_with_who_let_it_in_and_when(app: Application) -> None:
    lead = app.register(source="fair").lead

    (entry,) = app.timeline(lead)
    assert (entry.type, entry.at, entry.actor) == (EventType.LEAD_CREATED, NOON, ACTOR)
    assert (entry.lead_id, entry.data) == (lead.id, {"status": "new", "source": "fair"})


def test_every_broken_rule_is_told_at_once_and_nothing_is_kept(app: Application) -> None:
    with pytest.raises(ValidationFailed) as refusal:
        app.database.write(app.register_lead, {"name": " ", "phone": "12", "attributes": {"a": "x" * 1001}}, actor="")

    assert [fault.pointer for fault in refusal.value.errors] == ["/email", "/name", "/phone", "/attributes/a"]
    assert _everybody(app) == []


def test_a_lead_that_is_there_already_is_refused_under_any_spelling(app: Application) -> None:
    first = app.register().lead

    with pytest.raises(DuplicateLead) as refusal:
        app.register(email=RESPELT, name="Johnny")
    assert refusal.value.existing_id == first.id
    assert _everybody(app) == [first]
    assert app.event_types(first) == ["lead.created"]


def test_a_lead_that_is_there_already_can_be_asked_for(app: Application) -> None:
    first = app.register().lead
    app.clock.advance(timedelta(hours=1))
    again = app.register(email=RESPELT, name="Johnny", on_duplicate=OnDuplicate.RETURN)

    assert (again.lead, again.outcome) == (first, Outcome.UNCHANGED)
    assert _everybody(app) == [first]
    assert app.event_types(first) == ["lead.created"]


def test_a_lead_that_is_there_already_can_be_brought_up_to_date(app: Application) -> None:
    first = app.register(source="fair", attributes={"size": 3, "city": "Rome"}).lead
    now = app.clock.advance(timedelta(hours=1))
    again = app.register(email=RESPELT, name="Johnny", attributes={"size": 4}, on_duplicate=OnDuplicate.UPDATE)

    spelt = EmailAddress(RESPELT.strip(), "john@example.com")
    expected = replace(
        first, name="Johnny", email=spelt, source="fair", attributes={"size": 4}, version=2, updated_at=now
    )
    assert (again.lead, again.outcome) == (expected, Outcome.UPDATED)
    assert _everybody(app) == [expected]
    newest = app.timeline(first)[0]
    assert (newest.type, newest.at, newest.actor) == (EventType.LEAD_UPDATED, now, ACTOR)
    assert newest.data == {
        "changes": {
            "name": {"from": "John Doe", "to": "Johnny"},
            "email": {"from": "john@example.com", "to": "JOHN@Example.COM"},
            "attributes": {"from": {"size": 3, "city": "Rome"}, "to": {"size": 4}},
        }
    }


def test_a_lead_that_is_up_to_date_already_stays_at_its_version(app: Application) -> None:
    first = app.register(source="fair").lead
    app.clock.advance(timedelta(hours=1))
    again = app.register(source="fair", on_duplicate=OnDuplicate.UPDATE)

    assert (again.lead, again.outcome) == (first, Outcome.UNCHANGED)
    assert app.lead(first) == first
    assert app.event_types(first) == ["lead.created"]


def test_a_lead_that_comes_in_again_keeps_its_place_in_the_pipeline(app: Application) -> None:
    contacted = app.change(app.register().lead, "contacted")
    again = app.register(name="Johnny", on_duplicate=OnDuplicate.UPDATE).lead

    assert again == replace(contacted, name="Johnny", version=contacted.version + 1)


def test_a_lead_that_comes_in_again_does_not_lose_the_reason_that_its_status_needs(app: Application) -> None:
    lost = app.change(app.register().lead, "lost", status_reason="No budget")
    again = app.register(name="Johnny", on_duplicate=OnDuplicate.UPDATE).lead

    assert (again.status, again.status_reason, again.version) == ("lost", "No budget", lost.version + 1)


@pytest.mark.parametrize("on_duplicate", OnDuplicate)
def test_the_policy_for_duplicates_is_of_no_account_for_a_new_lead(app: Application, on_duplicate: OnDuplicate) -> None:
    app.register(email="jane@example.com")

    assert app.register(on_duplicate=on_duplicate).outcome is Outcome.CREATED
    assert len(_everybody(app)) == 2


def test_a_check_tells_what_would_be_kept_and_keeps_nothing(app: Application) -> None:
    assert app.register_lead.check(details_input(name=" John Doe ")) == {"name": "John Doe", "email": an_email()}
    assert _everybody(app) == []


def _everybody(app: Application) -> list[object]:
    return list(app.database.read(lambda work: work.leads.page(LeadQuery())).items)
