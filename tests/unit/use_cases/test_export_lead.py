"""Telling everything that is kept about a person."""

from datetime import timedelta

import pytest

from builders import NOON, a_lead, an_id
from desk import Desk
from leads_domain.errors import NotFound
from leads_domain.paging import LIMIT_MAX
from leads_domain.use_cases.export_lead import PersonalDataExport


def test_the_dossier_holds_everything_of_the_lead_and_nothing_of_others(desk: Desk) -> None:
    john, jon, jane = (desk.register(email=f"{name}@example.com").lead for name in ("john", "jon", "jane"))
    desk.trigger(jane, due_at=NOON + timedelta(hours=1))
    desk.trigger(jon, due_at=NOON + timedelta(hours=1))
    desk.trigger(john)
    desk.record(desk.claim()[0])
    lead = desk.merge(john, jon)

    personal_data = PersonalDataExport(
        lead=lead,
        merged_ids=[jon.id],
        follow_ups=desk.follow_ups(lead),
        timeline=desk.timeline(lead),
        replied_at=[],
    )
    assert desk.personal_data(john) == personal_data
    assert [len(personal_data.follow_ups), len(personal_data.timeline)] == [2, 6]


def test_the_dossier_has_no_pages(desk: Desk) -> None:
    lead = desk.register().lead
    for number in range(LIMIT_MAX + 1):
        desk.trigger(lead, due_at=NOON + timedelta(minutes=number))
    personal_data = desk.personal_data(lead)
    assert len({each.id for each in personal_data.follow_ups}) == LIMIT_MAX + 1
    assert len({each.id for each in personal_data.timeline}) == LIMIT_MAX + 2


def test_there_is_no_dossier_of_nobody(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.personal_data(a_lead(id=an_id(9)))
