"""Test the erasure of a lead."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application import ACTOR, Application
from builders import NOON, a_lead, a_task, an_id
from leads_domain.errors import Merged, NotFound
from leads_domain.events import EventType, TimelineEntry
from leads_domain.idempotency import IdempotencyRecord
from leads_domain.notifier import TryAgain
from leads_domain.paging import FollowUpQuery, TaskQuery
from leads_domain.task import TaskId

HOUR = timedelta(hours=1)


def test_only_the_time_and_the_actor_of_the_erasure_stay(app: Application) -> None:
    lead = app.register().lead
    app.note(lead, "Prefers to be called.")
    app.trigger(lead)
    now = app.clock.advance(HOUR)
    app.erase(lead)

    (tombstone,) = app.timeline(lead)
    assert tombstone == TimelineEntry(
        id=tombstone.id, lead_id=lead.id, type=EventType.LEAD_ERASED, at=now, actor=ACTOR, data={}
    )
    for use_case in (app.lead, app.change, app.trigger, app.follow_ups, app.personal_data, app.erase):
        with pytest.raises(NotFound) as missing:
            use_case(lead)
        assert (missing.value.id, type(missing.value)) == (lead.id, NotFound)
    assert app.find_follow_ups(FollowUpQuery()).items == []
    assert app.database.read(lambda work: work.leads.get_many([lead.id])) == []


def test_other_leads_do_not_change(app: Application) -> None:
    lead, other = app.register().lead, app.register(email="jane@example.com").lead
    follow_up = app.trigger(other, due_at=NOON + HOUR)
    before = app.personal_data(other)
    app.erase(lead)
    assert app.personal_data(other) == before
    assert app.follow_up(follow_up) == follow_up


def test_the_email_of_an_erased_lead_is_free_at_once(app: Application) -> None:
    lead = app.register().lead
    app.erase(lead)
    new = app.register().lead
    assert new.id != lead.id
    assert app.event_types(new) == ["lead.created"]


def test_the_ids_of_merged_leads_are_not_found(app: Application) -> None:
    john, jon = app.register().lead, app.register(email="jon@example.com").lead
    app.merge(john, jon)
    app.erase(john)
    for each in (jon, john):
        with pytest.raises(NotFound) as missing:
            app.lead(each)
        assert not isinstance(missing.value, Merged)
    with pytest.raises(NotFound):
        app.timeline(jon)
    (tombstone,) = app.timeline(john)
    assert tombstone.data == {"merged_ids": [jon.id]}


def test_no_follow_up_is_sent_to_an_erased_lead(app: Application) -> None:
    lead = app.register().lead
    app.trigger(lead)
    app.erase(lead)
    assert app.claim() == []


@pytest.mark.parametrize("error", [None, TryAgain("busy")])
def test_the_outcome_of_an_attempt_during_the_erasure_is_not_recorded(app: Application, error: TryAgain | None) -> None:
    lead = app.register().lead
    app.trigger(lead)
    (claimed,) = app.claim()
    app.erase(lead)
    assert app.record(claimed, error) is False
    assert app.event_types(lead) == ["lead.erased"]
    app.clock.advance(HOUR)
    assert app.claim() == []


def test_an_unknown_lead_cannot_be_erased(app: Application) -> None:
    with pytest.raises(NotFound):
        app.erase(a_lead(id=an_id(9)))
    with pytest.raises(NotFound):
        app.timeline(a_lead(id=an_id(9)))


def test_the_submissions_of_the_lead_are_erased(app: Application) -> None:
    lead, other = app.register().lead, app.register(email="jane@example.com").lead
    submissions = [app.receive(content={"number": str(number)}) for number in range(3)]
    for submission, accepted_by in zip(submissions, (lead, other), strict=False):
        app.database.write(lambda work, each: work.submissions.save(each), submission.accept(accepted_by.id))
    app.erase(lead)
    with pytest.raises(NotFound):
        app.submission(submissions[0])
    assert [app.submission(each).id for each in submissions[1:]] == [each.id for each in submissions[1:]]


def test_the_tasks_of_the_lead_and_of_its_duplicates_are_erased(app: Application) -> None:
    john, jon, jane = (app.register(email=f"{name}@example.com").lead for name in ("john", "jon", "jane"))
    tasks = [a_task(id=TaskId(an_id(number)), lead_id=lead.id) for number, lead in enumerate((john, jon, jane))]
    for task in tasks:
        app.database.write(lambda work, each: work.tasks.add(each), task)
    app.merge(john, jon)
    app.erase(john)
    assert app.tasks(jane) == [tasks[2]]
    assert app.database.read(lambda work: work.tasks.count(TaskQuery())) == 1


def test_the_stored_responses_about_the_lead_and_its_merged_leads_are_erased(app: Application) -> None:
    john, jon, jane = (app.register(email=f"{name}@example.com").lead for name in ("john", "jon", "jane"))
    for lead in (john, jon, jane):
        record = IdempotencyRecord(
            caller="Ann", key=lead.id, fingerprint="f", sealed="s", lead_id=lead.id, created_at=NOON
        )
        app.database.write(lambda work, each: work.idempotency.store(each), record)
    app.merge(john, jon)
    app.erase(john)
    kept = [app.database.write(lambda work, key: work.idempotency.claim("Ann", key), each.id) for each in (john, jon)]
    assert [each and (each.fingerprint, each.sealed) for each in kept] == [(None, None)] * 2
    assert app.database.write(lambda work: work.idempotency.claim("Ann", jane.id)) == replace(
        record, key=jane.id, lead_id=jane.id
    )
