"""Test the tasks that rules make, and what becomes of them."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from application import ACTOR, Application
from builders import NOON, a_rule, a_task_rule, an_email, details_input
from databases import DATABASES, USE_CASE_STORES
from leads_domain.follow_up import FollowUpState
from leads_domain.lead import Lead
from leads_domain.paging import LeadQuery
from leads_domain.task import TaskState

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
    assert reminders(app, lead) == {"John Doe: Call John Doe": "mia@example.com"}
    assert (app.lead(lead).next_follow_up_at, app.lead(lead).version) == (task.due_at, 1)
    expected = ["lead.created", "task.created", "follow_up.scheduled", "follow_up.scheduled"]
    assert app.event_types(lead) == expected
    assert app.timeline(lead)[2].data["task_id"] == task.id


def test_a_transition_makes_tasks_and_keeps_the_open_ones(app: Application) -> None:
    lead = app.register(owner="mia@example.com").lead
    app.change(lead, "contacted")

    assert open_tasks(app, lead) == {"Call John Doe": "mia@example.com", "Send John Doe an offer": "noah@example.com"}
    assert reminders(app, lead) == {
        "John Doe: Call John Doe": "mia@example.com",
        "John Doe: Send John Doe an offer": "noah@example.com",
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
