"""Test the registration of leads and the policies for duplicates."""

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

OTHER_SPELLING = " JOHN@Example.COM"


def test_a_new_lead_is_stored_with_the_initial_status(app: Application) -> None:
    registered = app.register(name=" John Doe ", source="fair", attributes={"size": 3})

    assert registered.outcome is Outcome.CREATED
    assert registered.lead == a_lead(id=registered.lead.id, source="fair", attributes={"size": 3})
    assert app.lead(registered.lead) == registered.lead


def test_the_timeline_shows_actor_and_time_of_the_registration(app: Application) -> None:
    lead = app.register(source="fair").lead

    (entry,) = app.timeline(lead)
    assert (entry.type, entry.at, entry.actor) == (EventType.LEAD_CREATED, NOON, ACTOR)
    assert (entry.lead_id, entry.data) == (lead.id, {"status": "new", "source": "fair"})


def test_all_errors_are_reported_together_and_nothing_is_stored(app: Application) -> None:
    with pytest.raises(ValidationFailed) as caught:
        app.database.write(app.register_lead, {"name": " ", "phone": "12", "attributes": {"a": "x" * 1001}}, actor="")

    assert [error.pointer for error in caught.value.errors] == ["/name", "/phone", "/attributes/a"]
    assert _all_leads(app) == []


def test_a_lead_without_an_email_address_is_identified_by_its_phone_number(app: Application) -> None:
    first = app.register(email=None, phone="+1 202 555 0123").lead
    assert (first.email, first.identity) == (None, "+12025550123")

    with pytest.raises(DuplicateLead) as caught:
        app.register(email="", phone="+1 (202) 555-0123", name="Johnny")
    assert caught.value.existing_id == first.id
    again = app.register(email=None, phone="+12025550123", name="Johnny", on_duplicate=OnDuplicate.UPDATE)
    assert (again.lead.id, again.lead.name) == (first.id, "Johnny")


def test_leads_with_different_email_addresses_or_extensions_can_share_a_phone_number(app: Application) -> None:
    for email, phone in [
        (None, "+12025550123"),
        (None, "+12025550123 ext. 1"),
        ("john@example.com", "+12025550123"),
        ("jane@example.com", "+12025550123"),
    ]:
        assert app.register(email=email, phone=phone).outcome is Outcome.CREATED


def test_an_existing_lead_is_refused_under_any_spelling(app: Application) -> None:
    first = app.register().lead

    with pytest.raises(DuplicateLead) as caught:
        app.register(email=OTHER_SPELLING, name="Johnny")
    assert caught.value.existing_id == first.id
    assert _all_leads(app) == [first]
    assert app.event_types(first) == ["lead.created"]


def test_an_existing_lead_can_be_returned(app: Application) -> None:
    first = app.register().lead
    app.clock.advance(timedelta(hours=1))
    registered = app.register(email=OTHER_SPELLING, name="Johnny", on_duplicate=OnDuplicate.RETURN)

    assert (registered.lead, registered.outcome) == (first, Outcome.UNCHANGED)
    assert _all_leads(app) == [first]
    assert app.event_types(first) == ["lead.created"]


def test_an_existing_lead_can_be_updated(app: Application) -> None:
    first = app.register(source="fair", attributes={"size": 3, "city": "Rome"}).lead
    now = app.clock.advance(timedelta(hours=1))
    registered = app.register(
        email=OTHER_SPELLING, name="Johnny", attributes={"size": 4}, on_duplicate=OnDuplicate.UPDATE
    )

    email = EmailAddress(OTHER_SPELLING.strip(), "john@example.com")
    expected = replace(
        first, name="Johnny", email=email, source="fair", attributes={"size": 4}, version=2, updated_at=now
    )
    assert (registered.lead, registered.outcome) == (expected, Outcome.UPDATED)
    assert _all_leads(app) == [expected]
    newest = app.timeline(first)[0]
    assert (newest.type, newest.at, newest.actor) == (EventType.LEAD_UPDATED, now, ACTOR)
    assert newest.data == {
        "changes": {
            "name": {"from": "John Doe", "to": "Johnny"},
            "email": {"from": "john@example.com", "to": "JOHN@Example.COM"},
            "attributes": {"from": {"size": 3, "city": "Rome"}, "to": {"size": 4}},
        }
    }


def test_an_update_without_differences_keeps_the_version(app: Application) -> None:
    first = app.register(source="fair").lead
    app.clock.advance(timedelta(hours=1))
    registered = app.register(source="fair", on_duplicate=OnDuplicate.UPDATE)

    assert (registered.lead, registered.outcome) == (first, Outcome.UNCHANGED)
    assert app.lead(first) == first
    assert app.event_types(first) == ["lead.created"]


def test_an_update_keeps_the_status(app: Application) -> None:
    contacted = app.change(app.register().lead, "contacted")
    registered = app.register(name="Johnny", on_duplicate=OnDuplicate.UPDATE).lead

    assert registered == replace(contacted, name="Johnny", version=contacted.version + 1)


def test_an_update_keeps_the_required_reason_of_the_status(app: Application) -> None:
    lost = app.change(app.register().lead, "lost", status_reason="No budget")
    registered = app.register(name="Johnny", on_duplicate=OnDuplicate.UPDATE).lead

    assert (registered.status, registered.status_reason, registered.version) == ("lost", "No budget", lost.version + 1)


@pytest.mark.parametrize("on_duplicate", OnDuplicate)
def test_a_new_lead_is_created_with_any_policy_for_duplicates(app: Application, on_duplicate: OnDuplicate) -> None:
    app.register(email="jane@example.com")

    assert app.register(on_duplicate=on_duplicate).outcome is Outcome.CREATED
    assert len(_all_leads(app)) == 2


def test_a_check_returns_the_details_and_stores_nothing(app: Application) -> None:
    assert app.register_lead.check(details_input(name=" John Doe ")) == {"name": "John Doe", "email": an_email()}
    assert _all_leads(app) == []


def _all_leads(app: Application) -> list[object]:
    return list(app.database.read(lambda work: work.leads.page(LeadQuery())).items)
