"""Whatever is asked in whatever order, every database and a plain model answer the same."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from application import LEASE, Application
from builders import NOON, a_follow_up, a_lead, a_rule, an_id
from contracts.application_model import RULES, ApplicationModel, Refusal, Thing
from contracts.stores import all_pages
from databases import DATABASES
from leads_domain.details import DetailsInput
from leads_domain.errors import (
    DuplicateLead,
    IllegalFollowUpState,
    IllegalTransition,
    LeadsError,
    Merged,
    NotFound,
    ValidationFailed,
)
from leads_domain.follow_up import FollowUp, FollowUpState, Recipient
from leads_domain.lead import Lead
from leads_domain.notifier import NotificationError, Refused, TryAgain
from leads_domain.paging import LIMIT_MAX, FollowUpQuery, LeadQuery, LeadSort
from leads_domain.ports import UnitOfWork
from leads_domain.use_cases.dispatch_follow_ups import Claimed
from leads_domain.use_cases.export_lead import PersonalDataExport
from leads_domain.use_cases.register_lead import OnDuplicate, Registered

EMAILS = st.sampled_from(["a@example.com", "A@Example.com", "b@example.com", "B@EXAMPLE.COM", "c@example.com"])
VALUES = st.sampled_from([1, 1.0, True, "1"])
STATUSES = ["new", "contacted", "qualified", "converted", "lost"]
GIVEN = st.fixed_dictionaries(
    {"name": st.sampled_from(["Ann", "Боб", "Ann", "Боб", ""]), "email": EMAILS},
    optional={"attributes": st.dictionaries(st.sampled_from("ab"), VALUES)},
)
CHANGES: dict[str, st.SearchStrategy[Any]] = {
    "name": st.sampled_from(["Ann", "Боб"]),
    "email": EMAILS,
    "owner": st.sampled_from([None, "ann@example.com"]),
    "attributes": st.dictionaries(st.sampled_from("ab"), VALUES | st.none()),
    "status_reason": st.sampled_from([None, "No budget"]),
    "status": st.sampled_from([*STATUSES, "won"]),
}
KEPT = [a_rule(**{**rule, "message": "Hello {name}!", "recipient": Recipient(rule["recipient"])}) for rule in RULES]
OUTCOMES: dict[str, NotificationError | None] = {"sent": None, "busy": TryAgain("busy"), "refused": Refused("refused")}
PICKS = st.integers(min_value=0, max_value=20)
SIZES = st.integers(min_value=1, max_value=3)

Everything = tuple[list[Lead], list[FollowUp], list[tuple[object, ...]], dict[str, datetime]]


class HalfwayError(Exception):
    """What breaks a unit of work off."""


class Applications(RuleBasedStateMachine):
    """One application on each database, beside a model. Each call advances the clock: no two times are equal."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.model = ApplicationModel()
        self.apps: list[Application] = []
        self.claimed: list[Claimed] = []
        self.now = NOON

    @initialize()
    def open(self) -> None:
        """One lead and one follow-up are there from the start, so that every rule has something to work on."""
        for open_database in DATABASES.values():
            folder = self.closing.enter_context(TemporaryDirectory())
            self.apps.append(Application(self.closing.enter_context(open_database(Path(folder))), KEPT))
        self.register({"name": "Ann", "email": "a@example.com"}, OnDuplicate.ERROR)
        self.trigger(0, 0, "log", Recipient.LEAD)

    def teardown(self) -> None:
        self.closing.close()

    @rule(given=GIVEN, on_duplicate=st.sampled_from(OnDuplicate))
    def register(self, given: Thing, on_duplicate: OnDuplicate) -> None:
        answer = self.ask(lambda app: app.register(on_duplicate=on_duplicate, **given))
        now, new_id = self.now, answer.lead.id if isinstance(answer, Registered) else ""
        promised = self.newly_promised(answer.lead) if isinstance(answer, Registered) else []
        expected = self.expect(
            lambda: self.model.register(given, on_duplicate, now=now, new_id=new_id, promised=promised)
        )
        assert ((answer.lead.id, answer.outcome) if isinstance(answer, Registered) else answer) == expected
        assert not isinstance(answer, Registered) or asdict(answer.lead) == self.model.leads[new_id]

    @rule(pick=PICKS, changes=st.fixed_dictionaries({}, optional=CHANGES))
    def change(self, pick: int, changes: Thing) -> None:
        lead = self.pick_lead(pick)
        answer = self.ask(lambda app: app.change(lead, **changes))
        now, promised = self.now, self.newly_promised(lead)
        expected = self.expect(lambda: self.model.change(lead.id, changes, now=now, promised=promised))
        assert (asdict(answer) if isinstance(answer, Lead) else answer) == (expected or self.model.leads[lead.id])

    @rule(pick=PICKS, status=st.sampled_from(["contacted", "qualified", "converted", "lost"]))
    def move(self, pick: int, status: str) -> None:
        self.change(pick, {"status": status, "status_reason": "No budget"})

    @rule(pick=PICKS)
    def note(self, pick: int) -> None:
        lead = self.pick_lead(pick)
        answer = self.ask(lambda app: app.note(lead, "Call in the morning."))
        expected = self.expect(lambda: self.model.note(lead.id))
        assert (answer if isinstance(answer, tuple) else None) == expected

    @rule(pick=PICKS, other=PICKS)
    def merge(self, pick: int, other: int) -> None:
        lead, duplicate = self.pick_lead(pick), self.pick_lead(other)
        answer = self.ask(lambda app: app.merge(lead, duplicate))
        expected = self.expect(lambda: self.model.merge(lead.id, duplicate.id, now=self.now))
        assert (asdict(answer) if isinstance(answer, Lead) else answer) == (expected or self.model.leads[lead.id])

    @rule(pick=PICKS)
    def erase(self, pick: int) -> None:
        lead = self.pick_lead(pick)
        answer = self.ask(lambda app: app.erase(lead))
        assert answer == self.expect(lambda: self.model.erase(lead.id))

    @rule(pick=PICKS)
    def look_into_everything_of(self, pick: int) -> None:
        lead = self.pick_lead(pick)
        answer = self.ask(lambda app: app.event_types(lead))
        assert answer == self.expect(lambda: self.model.story(lead.id))
        personal_data = self.ask(lambda app: app.personal_data(lead))
        if isinstance(personal_data, PersonalDataExport):
            assert personal_data.merged_ids == sorted(id for id, into in self.model.merged.items() if into == lead.id)
            assert [asdict(each) for each in personal_data.follow_ups] == self.model.follow_ups_of(lead.id)
            assert [entry.type.value for entry in reversed(personal_data.timeline)] == self.model.story(lead.id)
        else:
            assert personal_data == self.expect(lambda: self.model.lead(lead.id))

    @rule(
        pick=PICKS,
        hours=st.sampled_from([0, 0, -1, 1]),
        channel=st.sampled_from(["log", "log", "smtp", "sms", "pigeon"]),
        recipient=st.sampled_from([Recipient.LEAD, Recipient.LEAD, Recipient.OWNER]),
    )
    def trigger(self, pick: int, hours: int, channel: str, recipient: Recipient) -> None:
        lead = self.pick_lead(pick)
        due_at = self.now + timedelta(hours=hours, microseconds=1)
        wishes = {"channel": channel, "message": "Hello!", "due_at": due_at, "recipient": recipient}
        answer = self.ask(lambda app: app.trigger(lead, **wishes))
        new_id = answer.id if isinstance(answer, FollowUp) else ""
        expected = self.expect(lambda: self.model.trigger(lead.id, wishes, now=self.now, new_id=new_id))
        told = asdict(answer) if isinstance(answer, FollowUp) else answer
        assert told == (expected or self.model.follow_ups[new_id])

    @rule(
        pick=PICKS,
        hours=st.sampled_from([-1, 1]),
        changed=st.sets(st.sampled_from(["due_at", "message"])),
    )
    def reschedule(self, pick: int, hours: int, changed: set[str]) -> None:
        everything = {"due_at": NOON + timedelta(hours=hours), "message": f"In {hours} h"}
        changes = {name: value for name, value in everything.items() if name in changed}
        self.step(
            pick, lambda app, each: app.reschedule(each, **changes), partial(self.model.reschedule, given=changes)
        )

    @rule(pick=PICKS)
    def cancel(self, pick: int) -> None:
        self.step(pick, Application.cancel, self.model.cancel)

    @rule(pick=PICKS)
    def retry(self, pick: int) -> None:
        self.step(pick, Application.retry, self.model.retry)

    def step(self, pick: int, take: Callable[[Application, FollowUp], FollowUp], expect: Callable[..., None]) -> None:
        """Whatever is done with one follow-up."""
        ids = list(self.model.follow_ups) or [an_id(9)]
        id = ids[pick % len(ids)]
        answer = self.ask(lambda app: take(app, a_follow_up(id=id)))
        expected = self.expect(lambda: expect(id, now=self.now))
        told = asdict(answer) if isinstance(answer, FollowUp) else answer
        assert told == (expected or self.model.follow_ups[id])

    @rule(
        minutes=st.sampled_from([0, 0, 1, 5, 60]),
        channel=st.sampled_from(["log", "log", "smtp", "sms"]),
        owner=st.sampled_from(["one", "two"]),
        limit=SIZES,
    )
    def claim(self, minutes: int, channel: str, owner: str, limit: int) -> None:
        self.now += timedelta(minutes=minutes)
        answer = self.ask(lambda app: list(app.claim(channel, owner=owner, limit=limit)))
        expected = self.model.claim(channel, owner, limit, now=self.now, lease=LEASE)
        assert [asdict(each.follow_up) for each in answer] == expected
        self.claimed += answer

    @rule(pick=PICKS, outcome=st.sampled_from(list(OUTCOMES)))
    def record(self, pick: int, outcome: str) -> None:
        if not self.claimed:
            return
        claimed = self.claimed[-1 - pick % len(self.claimed)]
        follow_up = claimed.follow_up
        answer = self.ask(lambda app: app.record(claimed, OUTCOMES[outcome]))
        assert answer == self.model.record(follow_up.id, follow_up.claims, follow_up.message, outcome, now=self.now)

    @rule(given=GIVEN)
    def break_off(self, given: DetailsInput) -> None:
        def register_and_fail(work: UnitOfWork, app: Application) -> None:
            app.register_lead(work, given, actor="", on_duplicate=OnDuplicate.UPDATE)
            raise HalfwayError

        answer = self.ask(lambda app: app.database.write(register_and_fail, app))
        assert answer == (("HalfwayError",) if given["name"] else ("ValidationFailed", "/name"))

    @rule()
    def look_for_what_is_not_there(self) -> None:
        nobody = a_lead(id=an_id(9))
        for look in (
            Application.lead,
            Application.change,
            Application.trigger,
            Application.timeline,
            Application.follow_ups,
        ):
            assert self.ask(partial(look, lead=nobody)) == ("NotFound", "lead", nobody.id)

    @rule(
        statuses=st.lists(st.sampled_from(STATUSES), max_size=2),
        sort=st.sampled_from([LeadSort.OLDEST_FIRST, LeadSort.NEWEST_FIRST]),
        size=SIZES,
    )
    def page_through_everything(self, statuses: list[str], sort: LeadSort, size: int) -> None:
        query = LeadQuery(statuses=tuple(statuses), sort=sort)
        everything = self.ask(lambda app: app.database.read(_everything, query, size, self.now))
        self.assert_everything(everything, self.model.listed(statuses, newest_first=sort is LeadSort.NEWEST_FIRST))

    @rule(
        states=st.lists(st.sampled_from(FollowUpState), max_size=2, unique=True),
        channel=st.sampled_from([None, "log", "smtp"]),
        due_before=st.sampled_from([None, NOON, NOON + timedelta(minutes=30)]),
        overdue=st.booleans(),
        size=SIZES,
    )
    def page_through_follow_ups(
        self, states: list[FollowUpState], channel: str | None, due_before: datetime | None, overdue: bool, size: int
    ) -> None:
        query = FollowUpQuery(states=tuple(states), channel=channel, due_before=due_before, limit=size)
        found = self.ask(
            lambda app: all_pages(
                lambda after: app.find_follow_ups(replace(query, after=after), overdue=overdue), size=size
            )
        )
        expected = self.model.follow_ups_listed(states, channel, due_before, overdue=overdue, now=self.now)
        assert [asdict(each) for each in found] == expected

    @invariant()
    def everything_agrees(self) -> None:
        query = LeadQuery(sort=LeadSort.OLDEST_FIRST)
        everything = self.ask(lambda app: app.database.read(_everything, query, LIMIT_MAX, self.now))
        self.assert_everything(everything, self.model.listed([], newest_first=False))

    def assert_everything(self, everything: Everything, expected: list[Thing]) -> None:
        leads, follow_ups, stories, next_attempts = everything
        ids = [lead["id"] for lead in expected]
        assert [asdict(lead) for lead in leads] == expected
        assert [asdict(each) for each in follow_ups] == [each for id in ids for each in self.model.follow_ups_of(id)]
        assert [type for type, *_ in stories] == [type for id in ids for type in reversed(self.model.story(id))]
        assert next_attempts == self.model.next_attempts(self.now)

    def newly_promised(self, lead: Lead) -> list[str]:
        """The ids of the follow-ups of a lead that the model does not know yet, in the order of their making."""
        found = self.ask(lambda app: [each.id for each in app.follow_ups(lead)])
        return sorted(set(found) - self.model.follow_ups.keys()) if isinstance(found, list) else []

    def pick_lead(self, pick: int) -> Lead:
        """One that is there, or was."""
        return a_lead(id=self.model.ids[pick % len(self.model.ids)])

    def ask(self, question: Callable[[Application], Any]) -> Any:
        """Return what all applications return, to the last character and type; an error as the facts that it tells."""
        self.now += timedelta(microseconds=1)
        answers = [_answer(app, question, self.now) for app in self.apps]
        self.draw_level()
        assert {repr(answer) for answer in answers} == {repr(answers[0])}
        return answers[0]

    def draw_level(self) -> None:
        """A database that has run a unit of work twice has used up more ids than others."""
        given_out = max(app.ids.given_out for app in self.apps)
        for app in self.apps:
            app.ids.given_out = given_out

    def expect(self, question: Callable[[], object]) -> object:
        """What the model answers."""
        try:
            return question()
        except Refusal as refusal:
            return refusal.facts


def _answer(app: Application, question: Callable[[Application], object], now: datetime) -> object:
    app.clock.time = now
    try:
        return question(app)
    except HalfwayError:
        return ("HalfwayError",)
    except LeadsError as error:
        return _facts(error)


def _facts(error: LeadsError) -> tuple[object, ...]:
    match error:
        case ValidationFailed():
            return ("ValidationFailed", *(fault.pointer for fault in error.errors))
        case DuplicateLead():
            return ("DuplicateLead", error.existing_id)
        case IllegalTransition():
            return ("IllegalTransition", error.origin, error.target)
        case IllegalFollowUpState():
            return ("IllegalFollowUpState", str(error.state))
        case Merged():
            return ("Merged", error.id, error.into)
        case NotFound():
            return ("NotFound", error.kind, error.id)
    raise error


def _everything(work: UnitOfWork, query: LeadQuery, size: int, now: datetime) -> Everything:
    """The leads that `query` asks for and all that is kept of them, page by page; and when to send again."""
    leads = all_pages(lambda after: work.leads.page(replace(query, after=after, limit=size)), size=size)
    follow_ups = [each for lead in leads for each in _follow_ups(work, lead, size)]
    stories = [each for lead in leads for each in _story(work, lead, size)]
    return leads, follow_ups, stories, dict(sorted(work.follow_ups.next_attempts(now).items()))


def _follow_ups(work: UnitOfWork, lead: Lead, size: int) -> list[FollowUp]:
    query = FollowUpQuery(lead_id=lead.id, limit=size)
    return all_pages(lambda after: work.follow_ups.page(replace(query, after=after)), size=size)


def _story(work: UnitOfWork, lead: Lead, size: int) -> list[tuple[object, ...]]:
    told = all_pages(lambda before: work.timeline.of_lead(lead.id, before=before, limit=size), size=size)
    return [(entry.type.value, entry.id, entry.at, entry.actor, json.dumps(entry.data)) for entry in told]


TestApplications = Applications.TestCase
# Each example asks every database some hundred questions: half of the examples is enough for every day.
TestApplications.settings = settings(stateful_step_count=40, max_examples=settings().max_examples // 2)
