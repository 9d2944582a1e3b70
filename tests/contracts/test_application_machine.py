"""Test that every database and a plain model return the same results for any sequence of calls."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from application import LEASE, Application
from builders import NOON, a_follow_up, a_lead, a_mail, a_rule, a_task, a_task_rule, an_id
from contracts.application_model import RULES, TASK_RULE, ApplicationModel, ModelError, Record
from contracts.stores import all_pages
from databases import DATABASES
from leads_adapters.memory.dry_run import MemoryDryRun
from leads_domain.delivery import Claimed
from leads_domain.details import DetailsInput
from leads_domain.errors import (
    AddressBounced,
    DoNotContact,
    DuplicateLead,
    IllegalFollowUpState,
    IllegalTaskState,
    IllegalTransition,
    LeadsError,
    Merged,
    NotFound,
    TaskHasEnded,
    ValidationFailed,
)
from leads_domain.follow_up import FollowUp, FollowUpState, Recipient
from leads_domain.incoming_mail import DeliveryReport, Mailbox, ReportedFailure
from leads_domain.lead import Lead
from leads_domain.notifier import NotificationError, Refused, TryAgain
from leads_domain.paging import LIMIT_MAX, FollowUpQuery, LeadQuery, LeadSort, TaskQuery
from leads_domain.ports import UnitOfWork
from leads_domain.task import Task, TaskState
from leads_domain.use_cases.add_enquiry import EnquiryResult
from leads_domain.use_cases.complete_task import Completion
from leads_domain.use_cases.export_lead import PersonalDataExport
from leads_domain.use_cases.import_leads import DryRun
from leads_domain.use_cases.register_lead import OnDuplicate, Outcome, Registered

EMAILS = st.sampled_from(["a@example.com", "A@Example.com", "b@example.com", "B@EXAMPLE.COM", "c@example.com", None])
PHONES = st.sampled_from([None, "+12025550100", "+12025550199", "+12025550100;ext=1"])
VALUES = st.sampled_from([1, 1.0, True, "1"])
STATUSES = ["new", "contacted", "qualified", "converted", "lost"]
NAMES_AND_CONTACTS = {"name": st.sampled_from(["Ann", "Боб", "Ann", "Боб", ""]), "email": EMAILS, "phone": PHONES}
ATTRIBUTES = {"attributes": st.dictionaries(st.sampled_from("ab"), VALUES)}
OPT_OUTS = {"do_not_contact": st.booleans()}
ROWS = st.fixed_dictionaries(NAMES_AND_CONTACTS, optional={**ATTRIBUTES, **OPT_OUTS})
OWNERS = {"owner": st.just("ann@example.com")}
VALUES_OF_LEADS = st.fixed_dictionaries(NAMES_AND_CONTACTS, optional={**ATTRIBUTES, **OWNERS})
NEW_LEADS = st.fixed_dictionaries(NAMES_AND_CONTACTS, optional={**ATTRIBUTES, **OWNERS, **OPT_OUTS})
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["Ann", "Боб"]),
    "email": EMAILS,
    "phone": PHONES,
    "owner": st.sampled_from([None, "ann@example.com"]),
    "attributes": st.dictionaries(st.sampled_from("ab"), VALUES | st.none()),
    **OPT_OUTS,
    "status_reason": st.sampled_from([None, "No budget"]),
    "status": st.sampled_from([*STATUSES, "won"]),
}
FOLLOW_UP_RULES = [
    *(a_rule(**{**rule, "text": "Hello {name}!", "recipient": Recipient(rule["recipient"])}) for rule in RULES),
    a_task_rule(**{**TASK_RULE, "text": "Hello {name}!"}),
]
OUTCOMES: dict[str, NotificationError | None] = {"sent": None, "busy": TryAgain("busy"), "refused": Refused("refused")}
TEXTS = st.sampled_from(["Call", "Write", "Call", "Write", ""])
ASSIGNEES = st.sampled_from(["mia@example.com", "noah@example.com"])
HOURS = st.sampled_from([-1, 1, 2])
NEW_TASKS = {"text": TEXTS, "assignee": st.none() | ASSIGNEES, "remind": st.booleans()}
INDEXES = st.integers(min_value=0, max_value=20)
SIZES = st.integers(min_value=1, max_value=3)
MICROSECOND = timedelta(microseconds=1)

Contents = tuple[list[Lead], list[FollowUp], list[Task], list[tuple[object, ...]], dict[str, datetime]]


class RollbackError(Exception):
    """An error that rolls back a unit of work."""


class Applications(RuleBasedStateMachine):
    """One application on each database, and a model. Each call advances the clock, so all times differ."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.model = ApplicationModel([*RULES, TASK_RULE])
        self.apps: list[Application] = []
        self.claimed: list[Claimed[FollowUp]] = []
        self.now = NOON

    @initialize()
    def open(self) -> None:
        """Start with two leads, a follow-up and a task, so that every rule applies."""
        for open_database in DATABASES.values():
            folder = self.closing.enter_context(TemporaryDirectory())
            self.apps.append(Application(self.closing.enter_context(open_database(Path(folder))), FOLLOW_UP_RULES))
        self.register({"name": "Ann", "email": "a@example.com", "phone": None}, OnDuplicate.ERROR)
        self.register({"name": "Боб", "email": None, "phone": "+12025550100"}, OnDuplicate.ERROR)
        self.trigger(0, 0, "log", Recipient.LEAD)
        self.create_task(0, 0, {"text": "Call", "assignee": "mia@example.com", "remind": True})

    def teardown(self) -> None:
        self.closing.close()

    @rule(values=NEW_LEADS, on_duplicate=st.sampled_from(OnDuplicate))
    def register(self, values: Record, on_duplicate: OnDuplicate) -> None:
        result = self.call(lambda app: app.register(on_duplicate=on_duplicate, **values))
        now, new_id = self.now, result.lead.id if isinstance(result, Registered) else ""
        rule_follow_up_ids = self.new_follow_up_ids(result.lead) if isinstance(result, Registered) else []
        expected = self.expect(
            lambda: self.model.register(
                values, on_duplicate, now=now, new_id=new_id, rule_follow_up_ids=rule_follow_up_ids
            )
        )
        assert ((result.lead.id, result.outcome) if isinstance(result, Registered) else result) == expected
        assert not isinstance(result, Registered) or asdict(result.lead) == self.model.leads[new_id]

    @rule(values=VALUES_OF_LEADS)
    def enquire(self, values: Record) -> None:
        result = self.call(lambda app: app.enquire(**values))
        now, new_id = self.now, result.lead.id if isinstance(result, EnquiryResult) else ""
        rule_follow_up_ids = self.new_follow_up_ids(result.lead) if isinstance(result, EnquiryResult) else []
        expected = self.expect(
            lambda: self.model.enquire(values, now=now, new_id=new_id, rule_follow_up_ids=rule_follow_up_ids)
        )
        assert ((result.lead.id, result.outcome) if isinstance(result, EnquiryResult) else result) == expected
        assert not isinstance(result, EnquiryResult) or asdict(result.lead) == self.model.leads[new_id]

    @rule(
        index=INDEXES,
        sender=EMAILS.filter(bool) | ASSIGNEES | OWNERS["owner"],
        is_reply=st.booleans(),
        is_automatic=st.sampled_from([False, False, True]),
    )
    def receive_mail(self, index: int, sender: str, is_reply: bool, is_automatic: bool) -> None:
        ids = list(self.model.follow_ups) if is_reply else []
        answered_id = ids[index % len(ids)] if ids else an_id(9)
        mail = a_mail(
            message_id=f"{self.now.isoformat()}@mail.example",
            senders=(Mailbox(address=sender, name="Ann"),),
            subject=self.now.isoformat(),
            references=(f"{answered_id}@example.com",),
            automatic="It says so." if is_automatic else None,
        )
        result = self.call(lambda app: app.process_mail(mail))
        now, new_id = self.now, result.submission.lead_id or ""
        rule_follow_up_ids = self.new_follow_up_ids(a_lead(id=new_id)) if new_id else []
        assert (result.submission.lead_id, result.outcome) == self.model.receive_mail(
            {"name": "Ann", "email": sender, "phone": None},
            answered_id,
            is_automatic=is_automatic,
            now=now,
            new_id=new_id,
            rule_follow_up_ids=rule_follow_up_ids,
        )

    @rule(rows=st.lists(ROWS, max_size=4), on_duplicate=st.sampled_from(OnDuplicate))
    def import_leads(self, rows: list[Record], on_duplicate: OnDuplicate) -> None:
        valid = [row for row in rows if self.expect(partial(self.model.check, row)) is None]
        planned = self.call(lambda app: _import(app, valid, on_duplicate, dry_run=MemoryDryRun()))
        outcomes = self.call(lambda app: _import(app, valid, on_duplicate))
        assert planned == outcomes
        new_ids = self.call(lambda app: app.database.read(_ids_by_identity))
        assert outcomes == self.model.import_leads(valid, on_duplicate, now=self.now - MICROSECOND, new_ids=new_ids)

    @rule(index=INDEXES, changes=st.fixed_dictionaries({}, optional=CHANGES))
    def change(self, index: int, changes: Record) -> None:
        lead = self.lead_at(index)
        result = self.call(lambda app: app.change(lead, **changes))
        now, rule_follow_up_ids = self.now, self.new_follow_up_ids(lead)
        expected = self.expect(
            lambda: self.model.change(lead.id, changes, now=now, rule_follow_up_ids=rule_follow_up_ids)
        )
        assert (asdict(result) if isinstance(result, Lead) else result) == (expected or self.model.leads[lead.id])

    @rule(index=INDEXES, status=st.sampled_from(["contacted", "qualified", "converted", "lost"]))
    def change_status(self, index: int, status: str) -> None:
        self.change(index, {"status": status, "status_reason": "No budget"})

    @rule(index=INDEXES)
    def note(self, index: int) -> None:
        lead = self.lead_at(index)
        result = self.call(lambda app: app.note(lead, "Call in the morning."))
        expected = self.expect(lambda: self.model.note(lead.id))
        assert (result if isinstance(result, tuple) else None) == expected

    @rule(index=INDEXES, other=INDEXES)
    def merge(self, index: int, other: int) -> None:
        lead, duplicate = self.lead_at(index), self.lead_at(other)
        result = self.call(lambda app: app.merge(lead, duplicate))
        now, ids = self.now, self.new_follow_up_ids(lead)
        expected = self.expect(lambda: self.model.merge(lead.id, duplicate.id, now=now, reminder_ids=ids))
        assert (asdict(result) if isinstance(result, Lead) else result) == (expected or self.model.leads[lead.id])

    @rule(index=INDEXES)
    def erase(self, index: int) -> None:
        lead = self.lead_at(index)
        result = self.call(lambda app: app.erase(lead))
        assert result == self.expect(lambda: self.model.erase(lead.id))

    @rule(index=INDEXES)
    def read_timeline_and_personal_data(self, index: int) -> None:
        lead = self.lead_at(index)
        result = self.call(lambda app: app.event_types(lead))
        assert result == self.expect(lambda: self.model.event_types(lead.id))
        personal_data = self.call(lambda app: app.personal_data(lead))
        if isinstance(personal_data, PersonalDataExport):
            assert personal_data.merged_ids == sorted(id for id, into in self.model.merged.items() if into == lead.id)
            assert [asdict(each) for each in personal_data.follow_ups] == self.model.follow_ups_of(lead.id)
            assert [asdict(each) for each in personal_data.tasks] == self.model.tasks_of(lead.id)
            assert [entry.type.value for entry in [*personal_data.timeline][::-1]] == self.model.event_types(lead.id)
        else:
            assert personal_data == self.expect(lambda: self.model.lead(lead.id))

    @rule(
        index=INDEXES,
        hours=st.sampled_from([0, 0, -1, 1]),
        channel=st.sampled_from(["log", "log", "smtp", "sms", "pigeon"]),
        recipient=st.sampled_from([Recipient.LEAD, Recipient.LEAD, Recipient.OWNER]),
    )
    def trigger(self, index: int, hours: int, channel: str, recipient: Recipient) -> None:
        lead = self.lead_at(index)
        due_at = self.now + timedelta(hours=hours, microseconds=1)
        values = {"channel": channel, "message": "Hello!", "due_at": due_at, "recipient": recipient}
        result = self.call(lambda app: app.trigger(lead, **values))
        new_id = result.id if isinstance(result, FollowUp) else ""
        expected = self.expect(lambda: self.model.trigger(lead.id, values, now=self.now, new_id=new_id))
        actual = asdict(result) if isinstance(result, FollowUp) else result
        assert actual == (expected or self.model.follow_ups[new_id])

    @rule(
        index=INDEXES,
        hours=st.sampled_from([-1, 1]),
        changed=st.sets(st.sampled_from(["due_at", "message"])),
    )
    def reschedule(self, index: int, hours: int, changed: set[str]) -> None:
        all_changes = {"due_at": NOON + timedelta(hours=hours), "message": f"In {hours} h"}
        changes = {name: value for name, value in all_changes.items() if name in changed}
        self.change_follow_up(
            index, lambda app, each: app.reschedule(each, **changes), partial(self.model.reschedule, values=changes)
        )

    @rule(index=INDEXES)
    def cancel(self, index: int) -> None:
        self.change_follow_up(index, Application.cancel, self.model.cancel)

    @rule(index=INDEXES)
    def retry(self, index: int) -> None:
        self.change_follow_up(index, Application.retry, self.model.retry)

    def change_follow_up(
        self, index: int, action: Callable[[Application, FollowUp], FollowUp], expect: Callable[..., None]
    ) -> None:
        """Change a follow-up, and compare it with the model."""
        ids = list(self.model.follow_ups) or [an_id(9)]
        id = ids[index % len(ids)]
        result = self.call(lambda app: action(app, a_follow_up(id=id)))
        expected = self.expect(lambda: expect(id, now=self.now))
        actual = asdict(result) if isinstance(result, FollowUp) else result
        assert actual == (expected or self.model.follow_ups[id])

    @rule(index=INDEXES, hours=HOURS, values=st.fixed_dictionaries(NEW_TASKS))
    def create_task(self, index: int, hours: int, values: Record) -> None:
        lead, values = self.lead_at(index), {**values, "due_at": self.now + timedelta(hours=hours, microseconds=1)}
        result = self.call(lambda app: app.create_task(lead, **values))
        now, new_id = self.now, result.id if isinstance(result, Task) else ""
        ids = self.new_follow_up_ids(lead)
        expected = self.expect(
            lambda: self.model.create_task(lead.id, values, now=now, new_id=new_id, reminder_ids=ids)
        )
        assert (asdict(result) if isinstance(result, Task) else result) == (expected or self.model.tasks[new_id])

    @rule(
        index=INDEXES,
        hours=HOURS,
        changes=st.fixed_dictionaries({}, optional={"text": TEXTS, "assignee": ASSIGNEES}),
        is_moved=st.booleans(),
    )
    def change_task(self, index: int, hours: int, changes: Record, is_moved: bool) -> None:
        task = self.task_at(index)
        changes |= {"due_at": self.now + timedelta(hours=hours, microseconds=1)} if is_moved else {}
        result = self.call(lambda app: app.change_task(task, **changes))
        now, ids = self.now, self.new_follow_up_ids(a_lead(id=task.lead_id))
        expected = self.expect(lambda: self.model.change_task(task.id, changes, now=now, reminder_ids=ids))
        assert (asdict(result) if isinstance(result, Task) else result) == (expected or self.model.tasks[task.id])

    @rule(index=INDEXES)
    def cancel_task(self, index: int) -> None:
        task = self.task_at(index)
        result = self.call(lambda app: app.cancel_task(task))
        expected = self.expect(lambda: self.model.cancel_task(task.id, now=self.now))
        assert (asdict(result) if isinstance(result, Task) else result) == (expected or self.model.tasks[task.id])

    @rule(
        index=INDEXES,
        status=st.sampled_from([None, None, *STATUSES, "won"]),
        status_reason=st.sampled_from([None, "No budget"]),
        outcome=st.sampled_from(["They agreed.", "They agreed.", ""]),
        next=st.none() | st.fixed_dictionaries({**NEW_TASKS, "text": st.just("Write")}),
    )
    def complete_task(
        self, index: int, status: str | None, status_reason: str | None, outcome: str, next: Record | None
    ) -> None:
        task = self.task_at(index)
        next = next and {**next, "due_at": self.now + timedelta(hours=1, microseconds=1)}
        values = {"status": status, "status_reason": status_reason, "outcome": outcome, "next": next}
        result = self.call(lambda app: app.complete_task(task, **values))
        now, ids = self.now, self.new_follow_up_ids(a_lead(id=task.lead_id))
        next_id = result.next.id if isinstance(result, Completion) and result.next else ""
        expected = self.expect(
            lambda: self.model.complete_task(task.id, values, now=now, next_id=next_id, follow_up_ids=ids)
        )
        assert (asdict(result) if isinstance(result, Completion) else result) == (
            expected
            or {
                "task": self.model.tasks[task.id],
                "lead": self.model.leads[task.lead_id],
                "next": self.model.tasks.get(next_id),
            }
        )

    @rule(
        minutes=st.sampled_from([0, 0, 1, 5, 60]),
        channel=st.sampled_from(["log", "log", "smtp", "sms"]),
        owner=st.sampled_from(["one", "two"]),
        limit=SIZES,
    )
    def claim(self, minutes: int, channel: str, owner: str, limit: int) -> None:
        self.now += timedelta(minutes=minutes)
        result = self.call(lambda app: list(app.claim(channel, owner=owner, limit=limit)))
        expected = self.model.claim(channel, owner, limit, now=self.now, lease=LEASE)
        assert [asdict(each.item) for each in result] == expected
        self.claimed += result

    @rule(index=INDEXES, outcome=st.sampled_from(list(OUTCOMES)))
    def record(self, index: int, outcome: str) -> None:
        if not self.claimed:
            return
        claimed = self.claimed[-1 - index % len(self.claimed)]
        follow_up = claimed.item
        result = self.call(lambda app: app.record(claimed, OUTCOMES[outcome]))
        assert result == self.model.record(follow_up.id, follow_up.claims, follow_up.message, outcome, now=self.now)

    @rule(index=INDEXES, is_permanent=st.booleans())
    def bounce(self, index: int, is_permanent: bool) -> None:
        ids = list(self.model.follow_ups) or [an_id(9)]
        id = ids[index % len(ids)]
        follow_up = self.model.follow_ups.get(id)
        email = self.model.leads[follow_up["lead_id"]]["email"] if follow_up else None
        failure = ReportedFailure(recipient=email and email["address"], status=None, is_permanent=is_permanent)
        report = DeliveryReport(message_id=f"{id}@example.com", failures=[failure])
        result = self.call(lambda app: app.bounce(report))
        assert result == self.model.bounce(id, is_permanent=is_permanent, now=self.now)

    @rule(values=VALUES_OF_LEADS)
    def roll_back(self, values: DetailsInput) -> None:
        def register_and_fail(work: UnitOfWork, app: Application) -> None:
            app.register_lead(work, values, actor="", on_duplicate=OnDuplicate.UPDATE)
            raise RollbackError

        result = self.call(lambda app: app.database.write(register_and_fail, app))
        assert result == (self.expect(lambda: self.model.check(values)) or ("RollbackError",))

    @rule()
    def read_an_unknown_lead(self) -> None:
        unknown = a_lead(id=an_id(9))
        for read in (
            Application.lead,
            Application.change,
            Application.trigger,
            Application.timeline,
            Application.follow_ups,
        ):
            assert self.call(partial(read, lead=unknown)) == ("NotFound", "lead", unknown.id)

    @rule(
        statuses=st.lists(st.sampled_from(STATUSES), max_size=2),
        sort=st.sampled_from([LeadSort.OLDEST_FIRST, LeadSort.NEWEST_FIRST]),
        size=SIZES,
    )
    def read_all_pages(self, statuses: list[str], sort: LeadSort, size: int) -> None:
        query = LeadQuery(statuses=tuple(statuses), sort=sort)
        contents = self.call(lambda app: app.database.read(_read_contents, query, size, self.now))
        self.assert_contents(contents, self.model.find_leads(statuses, newest_first=sort is LeadSort.NEWEST_FIRST))

    @rule(
        states=st.lists(st.sampled_from(FollowUpState), max_size=2, unique=True),
        channel=st.sampled_from([None, "log", "smtp"]),
        due_before=st.sampled_from([None, NOON, NOON + timedelta(minutes=30)]),
        overdue=st.booleans(),
        size=SIZES,
    )
    def read_all_pages_of_follow_ups(
        self, states: list[FollowUpState], channel: str | None, due_before: datetime | None, overdue: bool, size: int
    ) -> None:
        query = FollowUpQuery(states=tuple(states), channel=channel, due_before=due_before, limit=size)
        found = self.call(
            lambda app: all_pages(
                lambda after: app.find_follow_ups(replace(query, after=after), overdue=overdue), size=size
            )
        )
        expected = self.model.find_follow_ups(states, channel, due_before, overdue=overdue, now=self.now)
        assert [asdict(each) for each in found] == expected

    @rule(
        states=st.lists(st.sampled_from(TaskState), max_size=2, unique=True),
        assignee_key=st.none() | ASSIGNEES,
        overdue=st.booleans(),
        size=SIZES,
    )
    def read_all_pages_of_tasks(
        self, states: list[TaskState], assignee_key: str | None, overdue: bool, size: int
    ) -> None:
        query = TaskQuery(states=tuple(states), assignee_key=assignee_key, limit=size)
        found = self.call(
            lambda app: all_pages(lambda after: app.find_tasks(replace(query, after=after), overdue=overdue), size=size)
        )
        expected = self.model.find_tasks(states, assignee_key, self.now if overdue else None)
        assert [asdict(each) for each in found] == expected

    @invariant()
    def all_databases_agree_with_the_model(self) -> None:
        query = LeadQuery(sort=LeadSort.OLDEST_FIRST)
        contents = self.call(lambda app: app.database.read(_read_contents, query, LIMIT_MAX, self.now))
        self.assert_contents(contents, self.model.find_leads([], newest_first=False))

    def assert_contents(self, contents: Contents, expected: list[Record]) -> None:
        leads, follow_ups, tasks, timelines, next_attempts = contents
        ids = [lead["id"] for lead in expected]
        assert [asdict(lead) for lead in leads] == expected
        assert len({lead.identity for lead in leads}) == len(leads)
        assert [asdict(each) for each in follow_ups] == [each for id in ids for each in self.model.follow_ups_of(id)]
        assert [asdict(each) for each in tasks] == [each for id in ids for each in self.model.tasks_of(id)]
        assert [type for type, *_ in timelines] == [type for id in ids for type in reversed(self.model.event_types(id))]
        assert next_attempts == self.model.next_attempts(self.now)

    def new_follow_up_ids(self, lead: Lead) -> list[str]:
        """Return the ids of a lead's follow-ups that the model does not contain yet, oldest first."""
        found = self.call(lambda app: {each.id: each.task_id for each in app.follow_ups(lead)})
        if not isinstance(found, dict):
            return []
        self.model.reminded.update(found)
        return sorted(found.keys() - self.model.follow_ups.keys())

    def lead_at(self, index: int) -> Lead:
        """Return a lead that exists or existed."""
        return a_lead(id=self.model.ids[index % len(self.model.ids)])

    def task_at(self, index: int) -> Task:
        """Return a task that exists; an unknown one if there is none."""
        tasks = list(self.model.tasks.values()) or [{"id": an_id(9), "lead_id": an_id(9)}]
        found = tasks[index % len(tasks)]
        return a_task(id=found["id"], lead_id=found["lead_id"])

    def call(self, function: Callable[[Application], Any]) -> Any:
        """Return the result of all applications, which must be exactly equal. An error is a tuple of its values."""
        self.now += timedelta(microseconds=1)
        results = [_call(app, function, self.now) for app in self.apps]
        self.align_ids()
        assert {repr(result) for result in results} == {repr(results[0])}
        return results[0]

    def align_ids(self) -> None:
        """Give all applications the same next id. A database that repeats a unit of work uses more ids."""
        given_out = max(app.ids.given_out for app in self.apps)
        for app in self.apps:
            app.ids.given_out = given_out

    def expect(self, function: Callable[[], object]) -> object:
        """Return the result of the model."""
        try:
            return function()
        except ModelError as error:
            return error.values


def _call(app: Application, function: Callable[[Application], object], now: datetime) -> object:
    app.clock.time = now
    try:
        return function(app)
    except RollbackError:
        return ("RollbackError",)
    except LeadsError as error:
        return _values_of(error)


def _import(
    app: Application, rows: list[Record], on_duplicate: OnDuplicate, dry_run: DryRun | None = None
) -> list[str]:
    """Import rows, and return the outcome of each."""
    candidates = [app.import_leads.check(cast(DetailsInput, row)) for row in rows]
    results = app.database.write(app.import_leads, candidates, actor="", on_duplicate=on_duplicate, dry_run=dry_run)
    return [each if isinstance(each, Outcome) else type(each).__name__ for each in results]


def _ids_by_identity(work: UnitOfWork) -> dict[str, str]:
    return {lead.identity: lead.id for lead in work.leads.page(LeadQuery(limit=LIMIT_MAX)).items}


def _values_of(error: LeadsError) -> tuple[object, ...]:  # noqa: PLR0911 - a table of errors
    match error:
        case ValidationFailed():
            return ("ValidationFailed", *(field_error.pointer for field_error in error.errors))
        case DoNotContact():
            return ("DoNotContact",)
        case DuplicateLead():
            return ("DuplicateLead", error.existing_id)
        case IllegalTransition():
            return ("IllegalTransition", error.origin, error.target)
        case TaskHasEnded() | AddressBounced():
            return ("IllegalFollowUpState", str(error.state))
        case IllegalFollowUpState() | IllegalTaskState():
            return (type(error).__name__, str(error.state))
        case Merged():
            return ("Merged", error.id, error.into)
        case NotFound():
            return ("NotFound", error.kind, error.id)
    raise error


def _read_contents(work: UnitOfWork, query: LeadQuery, size: int, now: datetime) -> Contents:
    """Read the matching leads with their follow-ups, tasks and timelines page by page, and the next attempts."""
    leads = all_pages(lambda after: work.leads.page(replace(query, after=after, limit=size)), size=size)
    follow_ups = [each for lead in leads for each in _follow_ups(work, lead, size)]
    tasks = [each for lead in leads for each in _tasks(work, lead, size)]
    timelines = [each for lead in leads for each in _timeline(work, lead, size)]
    return leads, follow_ups, tasks, timelines, dict(sorted(work.follow_ups.next_attempts(now).items()))


def _follow_ups(work: UnitOfWork, lead: Lead, size: int) -> list[FollowUp]:
    query = FollowUpQuery(lead_id=lead.id, limit=size)
    return all_pages(lambda after: work.follow_ups.page(replace(query, after=after)), size=size)


def _tasks(work: UnitOfWork, lead: Lead, size: int) -> list[Task]:
    query = TaskQuery(lead_id=lead.id, limit=size)
    return all_pages(lambda after: work.tasks.page(replace(query, after=after)), size=size)


def _timeline(work: UnitOfWork, lead: Lead, size: int) -> list[tuple[object, ...]]:
    entries = all_pages(lambda before: work.timeline.of_lead(lead.id, before=before, limit=size), size=size)
    return [(entry.type.value, entry.id, entry.at, entry.actor, json.dumps(entry.data)) for entry in entries]


TestApplications = Applications.TestCase
# Each example makes some hundred calls on every database: half of the usual number of examples is enough.
TestApplications.settings = settings(stateful_step_count=40, max_examples=settings().max_examples // 2)
