"""Test the timeline of a lead."""

import pytest

from application import Application
from builders import an_id
from leads_domain.errors import NotFound
from leads_domain.lead import LeadId
from leads_domain.use_cases.read_timeline import count_timeline, read_timeline


def test_the_timeline_has_all_events_of_the_lead_newest_first(app: Application) -> None:
    lead, other = app.register().lead, app.register(email="jane@example.com").lead
    app.trigger(lead)
    app.change(other, name="Jane Roe")
    app.record(app.claim()[0])
    app.change(lead, "contacted")

    expected = ["lead.created", "follow_up.scheduled", "follow_up.sent", "lead.status_changed"]
    assert [entry.type.value for entry in app.timeline(lead)] == expected[::-1]
    assert len({entry.id for entry in (*app.timeline(lead), *app.timeline(other))}) == 6


def test_the_timeline_is_read_page_by_page(app: Application) -> None:
    lead = app.register().lead
    for number in range(4):
        app.change(lead, name=f"John {number}")
    entries = list(app.timeline(lead))

    first = app.database.read(read_timeline, lead.id, limit=2)
    second = app.database.read(read_timeline, lead.id, before=first.next, limit=2)
    third = app.database.read(read_timeline, lead.id, before=second.next, limit=2)
    assert [*first.items, *second.items, *third.items] == entries
    assert third.next is None


def test_a_page_of_the_timeline_has_a_maximum_size(app: Application) -> None:
    lead = app.register().lead
    app.note(lead, "x" * 1000)
    page = app.database.read(read_timeline, lead.id, bytes_max=500)
    assert [len(page.items), page.next is None] == [1, False]


def test_an_unknown_lead_has_no_timeline(app: Application) -> None:
    with pytest.raises(NotFound) as missing:
        app.database.read(read_timeline, LeadId(an_id(9)))
    assert (missing.value.kind, missing.value.id) == ("lead", an_id(9))
    with pytest.raises(NotFound):
        app.database.read(lambda work: work.leads.get(LeadId(an_id(9))))


def test_the_entries_of_a_timeline_are_counted(app: Application) -> None:
    lead, erased = app.register().lead, app.register(email="jane@example.com").lead
    app.change(lead, name="Jane Roe")
    app.erase(erased)
    assert app.database.read(count_timeline, lead.id) == 2
    assert app.database.read(count_timeline, erased.id) == 1
    with pytest.raises(NotFound) as missing:
        app.database.read(count_timeline, LeadId(an_id(9)))
    assert missing.value.id == an_id(9)
