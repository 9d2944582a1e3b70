"""Test the tasks that rules make, and what becomes of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from application import ACTOR, Application
from builders import NOON, a_rule, a_task_rule, an_email, details_input
from databases import DATABASES, USE_CASE_STORES
from fakes import RecordingNotifier
from leads_domain.delivery import send
from leads_domain.follow_up import FollowUpState
from leads_domain.lead import Lead
from leads_domain.paging import LeadQuery
from leads_domain.task import TaskState
from leads_domain.use_cases.register_lead import OnDuplicate

DAY = timedelta(days=1)
MIA = an_email("mia@example.com")
NOAH = an_email("noah@example.com")


@pytest.fixture(params=USE_CASE_STORES)
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    """Return an application with rules that make tasks, on each database."""
    rules = [
        a_task_rule("new", "Call {name}", after=DAY),
        a_rule("new", "Hello {name}!", after=2 * DAY),
        a_task_rule("contacted", "Send {name} an offer", after=3 * DAY, assignee=NOAH),
        a_task_rule(None, "Answer: {message}", after=timedelta(hours=1)),
    ]
    with DATABASES[request.param](tmp_path) as database:
        yield Application(database, rules)


def open_tasks(app: Application, lead: Lead) -> dict[str, str | None]:
    """Return the assignees of the open tasks of a lead by their texts."""
    tasks = [task for task in app.tasks(lead) if task.state is TaskState.OPEN]
    return {task.text: task.assignee.address if task.assignee else None for task in tasks}


def reminders(app: Application, lead: Lead, state: FollowUpState = FollowUpState.SCHEDULED) -> dict[str, str]:
    """Return the recipients of a lead's reminders in this state by their messages."""
    return {each.message: each.recipient for each in app.follow_ups(lead) if each.task_id and each.state is state}


def test_a_new_lead_has_the_tasks_of_the_initial_status(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead

    (task,) = app.tasks(lead)
    assert (task.assignee, task.text, task.due_at, task.state) == (MIA, "Call John Doe", NOON + DAY, TaskState.OPEN)
    assert [each.task_id for each in app.follow_ups(lead)] == [task.id, None]
    assert reminders(app, lead) == {"Call John Doe": "mia@example.com"}
    assert (app.lead(lead).next_follow_up_at, app.lead(lead).version) == (task.due_at, 1)
    expected = ["lead.created", "task.created", "follow_up.scheduled", "follow_up.scheduled"]
    assert app.event_types(lead) == expected
    assert app.timeline(lead)[2].data["task_id"] == task.id


def test_a_transition_makes_tasks_and_keeps_the_open_ones(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    app.change(lead, "contacted")

    assert open_tasks(app, lead) == {"Call John Doe": "mia@example.com", "Send John Doe an offer": "noah@example.com"}
    assert reminders(app, lead) == {
        "Call John Doe": "mia@example.com",
        "Send John Doe an offer": "noah@example.com",
    }
    assert app.lead(lead).next_follow_up_at == NOON + DAY


def test_an_enquiry_makes_a_task(app: Application) -> None:
    lead = app.enquire(email="jane@example.com", owner="mia@example.com", message="Hi!").lead
    assert open_tasks(app, lead) == {"Call jane@example.com": "mia@example.com", "Answer: Hi!": "mia@example.com"}
    assert app.lead(lead).next_follow_up_at == NOON + timedelta(hours=1)

    app.enquire(email="jane@example.com", message="Hello?")
    assert "Answer: Hello?" in open_tasks(app, lead)


@pytest.mark.parametrize("rules", [False, True])
def test_imported_leads_have_tasks_only_on_request(app: Application, rules: bool) -> None:
    candidates = [app.import_leads.check(details_input(owner="mia@example.com"))]
    app.database.write(app.import_leads, candidates, actor=ACTOR, rules=rules)
    (lead,) = app.database.read(lambda work: work.leads.page(LeadQuery())).items
    assert open_tasks(app, lead) == ({"Call John Doe": "mia@example.com"} if rules else {})


def test_a_closed_lead_keeps_its_tasks_and_their_reminders(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    closed = app.change(lead, "lost", status_reason="No budget")

    assert open_tasks(app, lead) == {"Call John Doe": "mia@example.com"}
    assert reminders(app, lead) == {"Call John Doe": "mia@example.com"}
    assert closed.next_follow_up_at == NOON + DAY
    assert [each.state for each in app.follow_ups(lead)] == [FollowUpState.SCHEDULED, FollowUpState.CANCELLED]


def patch(app: Application, lead: Lead) -> Lead:
    """Give the lead an owner by a change."""
    return app.change(lead, owner="mia@example.com")


def update(app: Application, lead: Lead) -> Lead:
    """Give the lead an owner by registering it again."""
    return app.register(owner="mia@example.com", on_duplicate=OnDuplicate.UPDATE).lead


def import_again(app: Application, lead: Lead) -> Lead:
    """Give the lead an owner by an import."""
    candidates = [app.import_leads.check(details_input(owner="mia@example.com"))]
    app.database.write(app.import_leads, candidates, actor=ACTOR, on_duplicate=OnDuplicate.UPDATE)
    return app.lead(lead)


def enquire(app: Application, lead: Lead) -> Lead:
    """Give the lead an owner by an enquiry without a message."""
    return app.enquire(email="john@example.com", owner="mia@example.com").lead


def merge_an_owned_lead(app: Application, lead: Lead) -> Lead:
    """Give the lead the owner of a duplicate."""
    return app.merge(lead, app.register(email="jon@example.com", owner="mia@example.com").lead)


def merge_into_an_owned_lead(app: Application, lead: Lead) -> Lead:
    """Merge the lead into one with an owner."""
    return app.merge(app.register(email="jon@example.com", owner="mia@example.com").lead, lead)


GET_AN_OWNER = [patch, update, import_again, enquire, merge_an_owned_lead, merge_into_an_owned_lead]


@pytest.mark.parametrize("get_an_owner", GET_AN_OWNER)
def test_the_first_owner_gets_the_tasks_without_an_assignee(
    app: Application, get_an_owner: Callable[[Application, Lead], Lead]
) -> None:
    lead = app.register().lead
    (task,) = app.tasks(lead)
    assert task.assignee is None
    now = app.clock.advance(timedelta(hours=1))
    owned = get_an_owner(app, lead)

    assert app.task(task) == replace(task, lead_id=owned.id, assignee=MIA, version=2, updated_at=now)
    recipients = [(each.recipient, each.state.value) for each in app.follow_ups(owned) if each.task_id == task.id]
    assert sorted(recipients) == [("mia@example.com", "scheduled"), ("owner", "cancelled")]
    changed = next(entry for entry in app.timeline(owned) if entry.type == "task.changed")
    assert changed.data == {"task_id": task.id, "changes": {"assignee": {"from": None, "to": "mia@example.com"}}}
    assert (changed.at, changed.actor) == (now, ACTOR)
    assert app.lead(owned) == owned
    assert owned.version == 2


def test_a_second_owner_gets_no_tasks(app: Application) -> None:
    lead = app.register().lead
    for owner in ("mia@example.com", None, "noah@example.com"):
        app.change(lead, owner=owner)
    assert open_tasks(app, lead) == {"Call John Doe": "mia@example.com"}
    assert reminders(app, lead) == {"Call John Doe": "mia@example.com"}


def test_only_open_tasks_without_an_assignee_are_assigned(app: Application) -> None:
    lead = app.register().lead
    (task,) = app.tasks(lead)
    app.cancel_task(task)
    app.change(lead, "contacted")
    before = app.tasks(lead)
    app.change(lead, owner="mia@example.com")
    assert app.tasks(lead) == before


def test_a_lead_that_gets_an_owner_and_a_status_at_once_has_tasks_of_both(app: Application) -> None:
    lead = app.register().lead
    contacted = app.change(lead, "contacted", owner="mia@example.com")
    assert open_tasks(app, lead) == {"Call John Doe": "mia@example.com", "Send John Doe an offer": "noah@example.com"}
    assert contacted.next_follow_up_at == NOON + DAY


def test_the_first_owner_is_reminded_of_what_nobody_was_reminded_of(app: Application) -> None:
    lead = app.register().lead
    app.clock.advance(DAY)
    (claimed,) = app.claim()
    app.record(claimed, send(claimed, {"log": RecordingNotifier()}))
    assert reminders(app, lead, FollowUpState.FAILED) == {"Call John Doe": "owner"}

    app.change(lead, owner="mia@example.com")
    (claimed,) = app.claim()
    assert (claimed.notice.email, claimed.notice.message) == ("mia@example.com", "Call John Doe")


@pytest.mark.parametrize("get_an_owner", GET_AN_OWNER)
def test_the_next_due_time_is_that_of_the_new_reminder(
    app: Application, get_an_owner: Callable[[Application, Lead], Lead]
) -> None:
    lead = app.register().lead
    app.reschedule(app.follow_ups(lead)[0], due_at=NOON - DAY)
    assert app.lead(lead).next_follow_up_at == NOON - DAY
    owned = get_an_owner(app, lead)
    expected = min(each.due_at for each in app.follow_ups(owned) if each.state is FollowUpState.SCHEDULED)
    assert app.lead(owned).next_follow_up_at == owned.next_follow_up_at == expected
    assert expected >= NOON
