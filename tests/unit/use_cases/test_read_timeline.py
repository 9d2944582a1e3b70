"""Reading what happened to a lead."""

import pytest

from builders import an_id
from desk import Desk
from leads_domain.errors import NotFound
from leads_domain.lead import LeadId
from leads_domain.use_cases.read_timeline import read_timeline


def test_the_timeline_of_a_lead_tells_all_that_happened_to_it_newest_first(desk: Desk) -> None:
    lead, other = desk.register().lead, desk.register(email="jane@example.com").lead
    desk.trigger(lead)
    desk.change(other, name="Jane Roe")
    desk.record(desk.claim()[0])
    desk.change(lead, "contacted")

    told = ["lead.created", "follow_up.scheduled", "follow_up.sent", "lead.status_changed"]
    assert [entry.type.value for entry in desk.timeline(lead)] == told[::-1]
    assert len({entry.id for entry in (*desk.timeline(lead), *desk.timeline(other))}) == 6


def test_the_timeline_is_read_page_by_page(desk: Desk) -> None:
    lead = desk.register().lead
    for number in range(4):
        desk.change(lead, name=f"John {number}")
    whole = list(desk.timeline(lead))

    first = desk.database.read(read_timeline, lead.id, limit=2)
    second = desk.database.read(read_timeline, lead.id, before=first.next, limit=2)
    third = desk.database.read(read_timeline, lead.id, before=second.next, limit=2)
    assert [*first.items, *second.items, *third.items] == whole
    assert third.next is None


def test_what_is_not_there_has_no_timeline(desk: Desk) -> None:
    with pytest.raises(NotFound) as missing:
        desk.database.read(read_timeline, LeadId(an_id(9)))
    assert (missing.value.kind, missing.value.id) == ("lead", an_id(9))
    with pytest.raises(NotFound):
        desk.database.read(lambda work: work.leads.get(LeadId(an_id(9))))
