"""Test concurrent changes of the same task, from two processes that share a database."""

import asyncio
from collections import Counter
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

from application import ACTOR, Application
from builders import NOON, a_lead
from leads_domain.errors import IllegalTaskState, LeadsError
from leads_domain.follow_up import FollowUpState
from leads_domain.task import Task, TaskState
from leads_domain.use_cases.complete_task import Completion, CompletionInput

ROUNDS = 10
OPEN, DONE, CANCELLED = TaskState


def a_task_of(app: Application, number: int) -> Task:
    """Create a lead with a task and a reminder."""
    lead = app.register(email=f"{number}@example.com", owner="mia@example.com").lead
    return app.create_task(lead, due_at=NOON + timedelta(hours=1))


def at_once(app: Application, *writes: Coroutine[Any, Any, Any]) -> list[Any]:
    """Return the results of concurrent units of work. An error of the domain is a result."""

    async def outcome(write: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await write
        except LeadsError as error:
            return error

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*map(outcome, writes))

    return app.database.run(all_of_them())


def complete(app: Application, task: Task, outcome: str) -> Coroutine[Any, Any, Completion]:
    """Complete a task, with a transition of its lead and a next task."""
    values: CompletionInput = {
        "outcome": outcome,
        "status": "contacted",
        "next": {"text": outcome, "due_at": NOON + timedelta(days=1), "remind": True},
    }
    return app.database.database.write(app.complete_open_task, task.id, values, actor=ACTOR)


def test_of_two_completions_one_succeeds(apps: list[Application]) -> None:
    one, two = apps
    for number in range(ROUNDS):
        task = a_task_of(one, number)
        results = at_once(one, complete(one, task, "Mia's outcome"), complete(two, task, "Noah's outcome"))

        [completion] = [each for each in results if isinstance(each, Completion)]
        [error] = [each for each in results if isinstance(each, IllegalTaskState)]
        assert error.state == "done"
        assert one.task(task) == completion.task
        lead = one.lead(completion.lead)
        assert (lead, lead.status, lead.version) == (completion.lead, "contacted", 3)
        assert one.tasks(lead) == [completion.task, completion.next]
        assert Counter(each.state for each in one.follow_ups(lead)) == {
            FollowUpState.CANCELLED: 1,
            FollowUpState.SCHEDULED: 1,
        }
        types = Counter(one.event_types(lead))
        assert (types["task.done"], types["task.created"], types["lead.status_changed"]) == (1, 2, 1)


def test_a_task_is_done_or_cancelled_but_never_both(apps: list[Application]) -> None:
    one, two = apps
    for number in range(ROUNDS):
        task = a_task_of(one, number)
        cancel = two.database.database.write(two.cancel_open_task, task.id, actor=ACTOR)
        results = at_once(one, *[complete(one, task, "Done"), cancel][:: (-1) ** number])

        assert Counter(isinstance(each, IllegalTaskState) for each in results) == {True: 1, False: 1}
        types = Counter(one.event_types(a_lead(id=task.lead_id)))
        assert types["task.done"] + types["task.cancelled"] == 1
        assert types["task.created"] == 1 + types["task.done"]


def test_an_attempt_during_a_completion_leaves_no_reminder(apps: list[Application]) -> None:
    """Claim a reminder, which does not lock the lead, before or after its cancellation."""
    one, two = apps
    two.clock.advance(timedelta(hours=2))
    for number in range(ROUNDS):
        task = a_task_of(one, number)
        claim = two.database.database.write(two.claim_due, owner="two", limits={"log": 1})
        [*_, claimed] = at_once(one, complete(one, task, "Done"), claim)
        assert [two.record(each) for each in claimed] in ([], [False])
        [reminder] = [each for each in one.follow_ups(a_lead(id=task.lead_id)) if each.task_id == task.id]
        assert (reminder.state, reminder.next_attempt_at) == (FollowUpState.CANCELLED, None)
