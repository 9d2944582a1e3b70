"""Test random sequences of legal and illegal changes of tasks: an error leaves everything exactly as it was."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from application import Application
from builders import NOON
from databases import DATABASES
from fakes import CountingIds
from leads_domain.errors import LeadsError
from leads_domain.follow_up import FollowUpState
from leads_domain.lead import Lead
from leads_domain.notifier import Refused
from leads_domain.pipeline import DEFAULT_PIPELINE
from leads_domain.task import Task, TaskState

HOUR = timedelta(hours=1)
HOURS = st.integers(-3, 3)
INDEXES = st.integers(0, 5)
TEXTS = st.sampled_from(["Call", "Write", "Meet", ""])
ASSIGNEES = st.sampled_from(["mia@example.com", "noah@example.com", "mia"])
STATUSES = st.sampled_from([None, *DEFAULT_PIPELINE.statuses, "won"])
REASONS = st.sampled_from([None, "No budget"])

Step = Callable[[Application, Lead], object]


class StoppedError(Exception):
    """An error in the middle of a use case."""


@dataclass
class FailingIds(CountingIds):
    """An `IdSource` that raises an error instead of the id number `fails_at`, counted from now."""

    fails_at: int = 0

    def new(self) -> str:
        """Return the next id."""
        self.fails_at -= 1
        if self.fails_at == 0:
            raise StoppedError
        return super().new()


def task_at(app: Application, lead: Lead, index: int) -> Task:
    """Return a task of the lead."""
    tasks = sorted(app.tasks(lead), key=lambda task: task.id)
    return tasks[index % len(tasks)]


def create(hours: int, text: str, assignee: str | None, remind: bool) -> Step:
    return lambda app, lead: app.create_task(
        lead, text=text, assignee=assignee, remind=remind, due_at=app.clock.time + hours * HOUR
    )


def change(index: int, hours: int | None, text: str | None, assignee: str | None) -> Step:
    given = {"text": text, "assignee": assignee, "due_at": None if hours is None else NOON + hours * HOUR}
    changes = {name: value for name, value in given.items() if value is not None}
    return lambda app, lead: app.change_task(task_at(app, lead, index), **changes)


def complete(index: int, status: str | None, reason: str | None, next: str | None, remind: bool) -> Step:
    task = {"text": next, "due_at": NOON + 5 * HOUR, "remind": remind}
    return lambda app, lead: app.complete_task(
        task_at(app, lead, index), status=status, status_reason=reason, next=None if next is None else task
    )


def record(app: Application, lead: Lead, *, is_sent: bool) -> None:
    """Record the outcome of the first attempt under way, if there is one."""
    for follow_up in [each for each in app.follow_ups(lead) if each.lease][:1]:
        app.database.write(app.record_outcome, follow_up, None if is_sent else Refused("no"))


STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(create, HOURS, TEXTS, st.none() | ASSIGNEES, st.booleans()),
    st.builds(change, INDEXES, st.none() | HOURS, st.none() | TEXTS, st.none() | ASSIGNEES),
    st.builds(complete, INDEXES, STATUSES, REASONS, st.none() | TEXTS, st.booleans()),
    st.builds(lambda index: lambda app, lead: app.cancel_task(task_at(app, lead, index)), INDEXES),
    st.builds(lambda hours: lambda app, lead: app.trigger(lead, due_at=NOON + hours * HOUR), HOURS),
    st.just(lambda app, _: app.claim()),
    st.builds(lambda is_sent: partial(record, is_sent=is_sent), st.booleans()),
    st.builds(
        lambda status, reason: lambda app, lead: app.change(lead, status, status_reason=reason), STATUSES, REASONS
    ),
)


def assert_consistent(app: Application, lead: Lead) -> None:
    """Compare the lead with its tasks and follow-ups."""
    open_tasks = [each for each in app.tasks(lead) if each.state is TaskState.OPEN]
    scheduled = [each for each in app.follow_ups(lead) if each.state is FollowUpState.SCHEDULED]
    due = [*(each.due_at for each in open_tasks), *(each.due_at for each in scheduled)]
    assert app.lead(lead).next_follow_up_at == min(due, default=None)
    reminders = {each.task_id: each for each in scheduled if each.task_id}
    assert len(reminders) == len([each for each in scheduled if each.task_id])
    for task in open_tasks:
        if reminder := reminders.pop(task.id, None):
            assert (reminder.due_at, reminder.recipient) == (task.due_at, str(task.assignee))
            assert reminder.message.endswith(f": {task.text}")
        else:
            assert not task.remind or task.due_at <= app.clock.time
    assert reminders == {}


@given(st.lists(st.tuples(STEPS, HOURS, st.sampled_from([0, 0, 0, 1, 2, 3])), min_size=5, max_size=20))
def test_an_error_leaves_everything_as_it_was(steps: list[tuple[Step, int, int]]) -> None:
    with DATABASES["memory"](Path()) as database:
        ids = FailingIds()
        app = Application(database, ids=ids)
        lead = app.register(owner="mia@example.com").lead
        app.create_task(lead, due_at=NOON + HOUR)
        for step, hours, fails_at in steps:
            ids.fails_at = fails_at
            app.clock.advance(abs(hours) * HOUR / 2)
            before = app.personal_data(lead)
            try:
                step(app, lead)
            except (LeadsError, StoppedError):
                assert app.personal_data(lead) == before
            assert app.lead(lead).version - before.lead.version in (0, 1)
            ids.fails_at = 0
            assert_consistent(app, lead)
