"""Test the personal data export."""

from datetime import timedelta

import pytest

from application import Application
from builders import NOON, a_lead, a_task, an_id
from leads_domain.errors import NotFound
from leads_domain.idempotency import IdempotencyRecord
from leads_domain.lead import Lead
from leads_domain.paging import LIMIT_MAX
from leads_domain.task import TaskId
from leads_domain.use_cases.export_lead import PersonalDataExport


def test_the_export_has_all_data_of_the_lead_and_none_of_others(app: Application) -> None:
    john, jon, jane = (app.register(email=f"{name}@example.com").lead for name in ("john", "jon", "jane"))
    app.trigger(jane, due_at=NOON + timedelta(hours=1))
    app.trigger(jon, due_at=NOON + timedelta(hours=1))
    app.trigger(john)
    app.record(app.claim()[0])
    for number, each in enumerate((john, jon, jane)):
        app.database.write(lambda work, task: work.tasks.add(task), a_task(id=TaskId(an_id(number)), lead_id=each.id))
    app.mark_distinct(jon, jane)
    lead = app.merge(john, jon)

    personal_data = PersonalDataExport(
        lead=lead,
        merged_ids=[jon.id],
        distinct_ids=[jane.id],
        follow_ups=app.follow_ups(lead),
        tasks=app.tasks(lead),
        timeline=app.timeline(lead),
        submissions=[],
        replied_at=[],
    )
    assert app.personal_data(john) == personal_data
    lengths = [len([*part]) for part in (personal_data.follow_ups, personal_data.tasks, personal_data.timeline)]
    assert lengths == [2, 2, 6]


def test_the_export_is_not_limited_to_one_page(app: Application) -> None:
    lead = app.register().lead
    for number in range(LIMIT_MAX + 1):
        app.trigger(lead, due_at=NOON + timedelta(minutes=number))
        app.database.write(lambda work, task: work.tasks.add(task), a_task(id=TaskId(an_id(number)), lead_id=lead.id))
    personal_data = app.personal_data(lead)
    assert len({each.id for each in personal_data.follow_ups}) == LIMIT_MAX + 1
    assert len({each.id for each in personal_data.tasks}) == LIMIT_MAX + 1
    assert len({each.id for each in personal_data.timeline}) == LIMIT_MAX + 2


def test_an_unknown_lead_has_no_export(app: Application) -> None:
    with pytest.raises(NotFound):
        app.personal_data(a_lead(id=an_id(9)))


def test_the_export_has_all_submissions_of_the_lead_and_none_of_others(app: Application) -> None:
    lead, other = app.register().lead, app.register(email="jane@example.com").lead

    def add(number: int, accepted_by: Lead) -> None:
        submission = app.receive(content={"number": str(number)}).accept(accepted_by.id)
        app.database.write(lambda work: work.submissions.save(submission))

    for number in range(LIMIT_MAX + 1):
        add(number, lead)
    add(-1, other)
    found = app.personal_data(lead).submissions
    assert sorted(int(each.content["number"]) for each in found) == [*range(LIMIT_MAX + 1)]


def test_the_export_has_the_times_of_stored_responses_also_of_merged_leads(app: Application) -> None:
    john, jon, jane = (app.register(email=f"{name}@example.com").lead for name in ("john", "jon", "jane"))
    at = {lead.id: NOON + timedelta(hours=hours) for hours, lead in ((2, john), (1, jon), (3, jane))}
    for id, created_at in at.items():
        record = IdempotencyRecord(caller="Ann", key=id, fingerprint="f", sealed="s", lead_id=id, created_at=created_at)
        app.database.write(lambda work, each: work.idempotency.store(each), record)
    app.merge(john, jon)
    assert app.personal_data(john).replied_at == [at[jon.id], at[john.id]]
