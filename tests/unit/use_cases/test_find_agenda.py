"""Test the agenda of a person, and of all people."""

from datetime import timedelta

from application import Application
from builders import NOON, a_follow_up, a_task, an_email, an_id
from leads_domain.follow_up import FollowUpState
from leads_domain.lead import Lead
from leads_domain.task import TaskState
from leads_domain.use_cases.find_agenda import RECENTLY, Agenda, find_agenda

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
MIDNIGHT = NOON + 12 * HOUR
MIA, NOAH = an_email("mia@example.com"), an_email("noah@example.com")


def agenda(app: Application, person: str | None = None, limit: int = 10) -> Agenda:
    return app.database.read(find_agenda, person, now=NOON, end_of_day=MIDNIGHT, limit=limit)


def fail(app: Application, lead: Lead, number: int, at: timedelta) -> None:
    """Store a follow-up that failed at this time after noon."""
    values = {"state": FollowUpState.FAILED, "next_attempt_at": None, "updated_at": NOON + at}
    failed = a_follow_up(id=an_id(number), lead_id=lead.id, **values)
    app.database.write(lambda work: work.follow_ups.add(failed))


def test_open_tasks_are_overdue_before_now_and_due_today_before_midnight(app: Application) -> None:
    lead = app.register().lead
    times = [NOON - HOUR, NOON - MICROSECOND, NOON, MIDNIGHT - MICROSECOND, MIDNIGHT]
    for number, due_at in enumerate(times):
        app.store_task(a_task(id=an_id(100 + number), lead_id=lead.id, due_at=due_at))
    app.store_task(a_task(id=an_id(110), lead_id=lead.id, due_at=NOON, state=TaskState.CANCELLED))

    found = agenda(app)
    assert [each.due_at for each in found.overdue.items] == times[:2]
    assert [each.due_at for each in found.due_today.items] == times[2:4]
    assert (found.overdue.total, found.due_today.total, found.failed.total) == (2, 2, 0)
    assert not found.is_empty


def test_a_failed_follow_up_is_listed_for_some_days_the_last_one_first(app: Application) -> None:
    lead = app.register().lead
    for number, at in enumerate([-RECENTLY - MICROSECOND, -RECENTLY, -HOUR]):
        fail(app, lead, 100 + number, at)
    found = agenda(app)
    assert [each.id for each in found.failed.items] == [an_id(102), an_id(101)]
    assert found.failed.total == 2
    assert not found.is_empty


def test_a_person_has_assigned_tasks_and_the_failed_follow_ups_of_owned_leads(app: Application) -> None:
    of_mia = app.register(owner="mia@example.com").lead
    of_noah = app.register(email="ann@example.com", owner="noah@example.com").lead
    of_nobody = app.register(email="bob@example.com").lead
    for number, (lead, assignee) in enumerate([(of_mia, NOAH), (of_noah, MIA), (of_nobody, None)]):
        for at in (-HOUR, HOUR):
            id = an_id(int(100 + number + at / HOUR * 10))
            app.store_task(a_task(id=id, lead_id=lead.id, assignee=assignee, due_at=NOON + at))
        fail(app, lead, 200 + number, -HOUR)

    found = agenda(app, MIA.key)
    assert [each.lead_id for each in (*found.overdue.items, *found.due_today.items)] == [of_noah.id, of_noah.id]
    assert [each.lead_id for each in found.failed.items] == [of_mia.id]
    assert {id: lead.name for id, lead in found.leads.items()} == {of_mia.id: "John Doe", of_noah.id: "John Doe"}
    assert agenda(app, "nobody@example.com").is_empty
    everything = agenda(app)
    assert (everything.overdue.total, everything.due_today.total, everything.failed.total) == (3, 3, 3)
    assert len(everything.leads) == 3


def test_each_list_is_cut_but_its_total_is_not(app: Application) -> None:
    lead = app.register().lead
    for number in range(3):
        for at in (-HOUR, HOUR):
            id = an_id(int(100 + number + at / HOUR * 10))
            app.store_task(a_task(id=id, lead_id=lead.id, due_at=NOON + at + number * MICROSECOND))
        fail(app, lead, 200 + number, -number * HOUR)
    found = agenda(app, limit=2)
    lists = (found.overdue, found.due_today, found.failed)
    assert [(len(each.items), each.total) for each in lists] == [(2, 3)] * 3
    assert [each.id for each in found.failed.items] == [an_id(200), an_id(201)]


def test_each_list_alone_makes_an_agenda_that_is_not_empty(app: Application) -> None:
    assert agenda(app).is_empty
    app.store_task(a_task(lead_id=app.register().lead.id, due_at=NOON + HOUR))
    assert not agenda(app).is_empty
