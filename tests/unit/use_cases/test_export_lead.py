"""Test the personal data export."""

from datetime import timedelta

import pytest

from application import Application
from builders import NOON, a_lead, an_id
from leads_domain.errors import NotFound
from leads_domain.paging import LIMIT_MAX
from leads_domain.use_cases.export_lead import PersonalDataExport


def test_the_export_has_all_data_of_the_lead_and_none_of_others(app: Application) -> None:
    john, jon, jane = (app.register(email=f"{name}@example.com").lead for name in ("john", "jon", "jane"))
    app.trigger(jane, due_at=NOON + timedelta(hours=1))
    app.trigger(jon, due_at=NOON + timedelta(hours=1))
    app.trigger(john)
    app.record(app.claim()[0])
    app.mark_distinct(jon, jane)
    lead = app.merge(john, jon)

    personal_data = PersonalDataExport(
        lead=lead,
        merged_ids=[jon.id],
        distinct_ids=[jane.id],
        follow_ups=app.follow_ups(lead),
        timeline=app.timeline(lead),
        submissions=[],
        replied_at=[],
    )
    assert app.personal_data(john) == personal_data
    assert [len(personal_data.follow_ups), len(personal_data.timeline)] == [2, 6]


def test_the_export_is_not_limited_to_one_page(app: Application) -> None:
    lead = app.register().lead
    for number in range(LIMIT_MAX + 1):
        app.trigger(lead, due_at=NOON + timedelta(minutes=number))
    personal_data = app.personal_data(lead)
    assert len({each.id for each in personal_data.follow_ups}) == LIMIT_MAX + 1
    assert len({each.id for each in personal_data.timeline}) == LIMIT_MAX + 2


def test_an_unknown_lead_has_no_export(app: Application) -> None:
    with pytest.raises(NotFound):
        app.personal_data(a_lead(id=an_id(9)))
