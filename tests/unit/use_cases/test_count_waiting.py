"""Test the number of follow-ups, submissions and tasks that wait."""

from datetime import timedelta
from typing import Any

from application import Application
from builders import NOON, a_digest, a_task, an_id
from leads_domain.digest import DigestState
from leads_domain.follow_up import Backlog
from leads_domain.ports import UnitOfWork
from leads_domain.task import TaskState
from leads_domain.use_cases.count_waiting import CountWaiting, Waiting
from leads_domain.use_cases.find_agenda import RECENTLY

MINUTE = timedelta(minutes=1)


def waiting(app: Application) -> Waiting:
    return app.database.read(CountWaiting(app.clock))


def test_nothing_waits_in_an_empty_database(app: Application) -> None:
    assert waiting(app) == Waiting({}, 0, dict.fromkeys(TaskState, 0), 0, 0)


def test_due_follow_ups_and_submissions_to_review_are_counted(app: Application) -> None:
    lead = app.register().lead
    app.trigger(lead)
    app.trigger(lead, due_at=NOON + MINUTE)
    app.process(app.receive(content={"name": "Nobody"}))
    app.process(app.receive())
    app.receive()
    assert waiting(app).follow_ups == {"log": Backlog(scheduled=2, due=1, next_attempt_at=NOON)}
    assert waiting(app).reviews == 1
    app.clock.advance(MINUTE)
    assert waiting(app).follow_ups["log"].due == 2


def test_tasks_are_counted_by_state_and_only_open_ones_are_overdue(app: Application) -> None:
    lead = app.register().lead
    late = NOON - MINUTE
    done: dict[str, Any] = {"state": TaskState.DONE, "outcome": "They buy.", "done_at": NOON}
    tasks: list[dict[str, Any]] = [{}, {"due_at": late}, {"due_at": late, **done}, done, done]
    for number, values in enumerate(tasks):
        app.store_task(a_task(id=an_id(100 + number), lead_id=lead.id, **values))
    assert waiting(app).tasks == {TaskState.OPEN: 2, TaskState.DONE: 3, TaskState.CANCELLED: 0}
    assert waiting(app).overdue_tasks == 1
    app.clock.advance(MINUTE)
    assert waiting(app).overdue_tasks == 2


def test_digests_that_failed_recently_are_counted(app: Application) -> None:
    failed = {"state": DigestState.FAILED, "next_attempt_at": None}

    def plan(work: UnitOfWork) -> None:
        work.digests.planned_at_for_update()
        early = a_digest(id=an_id(2), planned_at=NOON - RECENTLY - MINUTE, **failed)
        work.digests.plan(NOON, [a_digest(id=an_id(1), **failed), early, a_digest(id=an_id(3))])

    app.database.write(plan)
    assert waiting(app).failed_digests == 1
