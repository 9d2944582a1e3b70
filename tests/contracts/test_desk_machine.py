"""Whatever is asked in whatever order, every database and a plain model answer the same."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from builders import NOON, a_lead, an_id
from contracts.desk_model import DeskModel, Refusal, Thing
from contracts.stores import all_pages
from databases import DATABASES
from desk import LEASE, Desk
from leads_domain.details import GivenDetails
from leads_domain.errors import DuplicateLead, IllegalTransition, Invalid, LeadsError, NotFound
from leads_domain.follow_up import FollowUp, Recipient
from leads_domain.lead import Lead
from leads_domain.notifier import NotificationError, Refused, TryAgain
from leads_domain.paging import LIMIT_MAX, LeadQuery, LeadSort
from leads_domain.use_cases.dispatch_follow_ups import Claimed
from leads_domain.use_cases.find_follow_ups import list_follow_ups_of_lead
from leads_domain.use_cases.find_leads import list_leads
from leads_domain.use_cases.read_timeline import read_timeline
from leads_domain.use_cases.register_lead import OnDuplicate, Registered

EMAILS = st.sampled_from(["a@example.com", "A@Example.com", "b@example.com", "B@EXAMPLE.COM", "c@example.com"])
VALUES = st.sampled_from([1, 1.0, True, "1"])
STATUSES = ["new", "contacted", "qualified", "converted", "lost"]
GIVEN = st.fixed_dictionaries(
    {"name": st.sampled_from(["Ann", "Боб", ""]), "email": EMAILS},
    optional={"attributes": st.dictionaries(st.sampled_from("ab"), VALUES)},
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Ann", "Боб"]),
        "email": EMAILS,
        "owner": st.sampled_from([None, "ann@example.com"]),
        "attributes": st.dictionaries(st.sampled_from("ab"), VALUES | st.none()),
        "status": st.sampled_from([*STATUSES, "won"]),
        "status_reason": st.sampled_from([None, "No budget"]),
    },
)
OUTCOMES: dict[str, NotificationError | None] = {"sent": None, "busy": TryAgain("busy"), "refused": Refused("refused")}
PICKS = st.integers(min_value=0, max_value=20)
SIZES = st.integers(min_value=1, max_value=3)


class HalfwayError(Exception):
    """What breaks a unit of work off."""


class Desks(RuleBasedStateMachine):
    """The same desk on every database, beside its model. With every question it gets later: no two times are equal."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = ExitStack()
        self.model = DeskModel()
        self.desks: list[Desk] = []
        self.claimed: list[tuple[Claimed, ...]] = []
        self.now = NOON

    @initialize()
    def open(self) -> None:
        for open_database in DATABASES.values():
            folder = self.closing.enter_context(TemporaryDirectory())
            self.desks.append(Desk(self.closing.enter_context(open_database(Path(folder)))))

    def teardown(self) -> None:
        self.closing.close()

    @rule(given=GIVEN, on_duplicate=st.sampled_from(OnDuplicate))
    def register(self, given: Thing, on_duplicate: OnDuplicate) -> None:
        answer = self.ask(lambda desk: desk.register(on_duplicate=on_duplicate, **given))
        new_id = answer.lead.id if isinstance(answer, Registered) else ""
        expected = self.expect(lambda: self.model.register(given, on_duplicate, now=self.now, new_id=new_id))
        told = (answer.lead.id, answer.outcome) if isinstance(answer, Registered) else answer
        assert told == expected
        if isinstance(answer, Registered):
            assert asdict(answer.lead) == self.model.leads[new_id]

    @precondition(lambda self: self.model.leads)
    @rule(pick=PICKS, changes=CHANGES)
    def change(self, pick: int, changes: Thing) -> None:
        lead = self.pick_lead(pick)
        answer = self.ask(lambda desk: desk.change(lead, **changes))
        expected = self.expect(lambda: self.model.change(lead.id, changes, now=self.now))
        assert (asdict(answer) if isinstance(answer, Lead) else answer) == (expected or self.model.leads[lead.id])

    @precondition(lambda self: self.model.leads)
    @rule(
        pick=PICKS,
        hours=st.integers(min_value=-2, max_value=2),
        channel=st.sampled_from(["log", "log", "log", "sms", "pigeon"]),
        recipient=st.sampled_from(Recipient),
    )
    def trigger(self, pick: int, hours: int, channel: str, recipient: Recipient) -> None:
        lead = self.pick_lead(pick)
        due_at = self.now + timedelta(hours=hours, microseconds=1)
        wishes = {"channel": channel, "message": "Hello!", "due_at": due_at, "recipient": recipient}
        answer = self.ask(lambda desk: desk.trigger(lead, **wishes))
        new_id = answer.id if isinstance(answer, FollowUp) else ""
        expected = self.expect(lambda: self.model.trigger(lead.id, wishes, now=self.now, new_id=new_id))
        assert (asdict(answer) if isinstance(answer, FollowUp) else answer) == (
            expected or self.model.follow_ups[new_id]
        )

    @rule(owner=st.sampled_from(["one", "two"]), limit=SIZES)
    def claim(self, owner: str, limit: int) -> None:
        answer = self.ask(lambda desk: tuple(desk.claim(owner=owner, limit=limit)))
        assert isinstance(answer, tuple)
        expected = self.model.claim(owner, limit, now=self.now, lease=LEASE)
        assert [asdict(each.follow_up) for each in answer] == expected
        self.claimed += [(each,) for each in answer]

    @precondition(lambda self: self.claimed)
    @rule(pick=PICKS, outcome=st.sampled_from(list(OUTCOMES)))
    def record(self, pick: int, outcome: str) -> None:
        (claimed,) = self.claimed[-1 - pick % len(self.claimed)]
        follow_up = claimed.follow_up
        answer = self.ask(lambda desk: desk.record(claimed, OUTCOMES[outcome]))
        assert answer == self.model.record(follow_up.id, follow_up.claims, outcome, now=self.now)

    @rule(minutes=st.sampled_from([1, 2, 60]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(given=GIVEN)
    def break_off(self, given: GivenDetails) -> None:
        def register_and_fail(desk: Desk) -> None:
            def use_case(work: Any) -> None:
                desk.register_lead(work, given, actor="", on_duplicate=OnDuplicate.UPDATE)
                raise HalfwayError

            desk.database.write(use_case)

        answer = self.ask(register_and_fail)
        assert answer == (("HalfwayError",) if given["name"] else ("Invalid", "/name"))

    @rule()
    def look_for_what_is_not_there(self) -> None:
        nobody = a_lead(id=an_id(9))
        for look in (Desk.lead, Desk.change, Desk.trigger, Desk.timeline, Desk.follow_ups):
            assert self.ask(partial(look, lead=nobody)) == ("NotFound", "lead", nobody.id)

    @rule(
        statuses=st.sets(st.sampled_from(STATUSES), max_size=2).map(tuple), sort=st.sampled_from(LeadSort), size=SIZES
    )
    def page_through_leads(self, statuses: tuple[str, ...], sort: LeadSort, size: int) -> None:
        def all_leads(desk: Desk) -> list[Thing]:
            def page(after: Any) -> Any:
                query = LeadQuery(statuses=statuses, sort=sort, after=after, limit=size)
                return desk.database.read(list_leads, query)

            return [asdict(lead) for lead in all_pages(page, size=size)]

        expected = self.model.listed(statuses, newest_first=sort is LeadSort.NEWEST_FIRST)
        assert self.ask(all_leads) == expected

    @precondition(lambda self: self.model.leads)
    @rule(pick=PICKS, size=SIZES)
    def page_through_a_story(self, pick: int, size: int) -> None:
        lead = self.pick_lead(pick)

        def story(desk: Desk) -> list[str]:
            pages = all_pages(
                lambda before: desk.database.read(read_timeline, lead.id, before=before, limit=size), size=size
            )
            return [entry.type.value for entry in reversed(pages)]

        assert self.ask(story) == self.model.stories[lead.id]

    @precondition(lambda self: self.model.leads)
    @rule(pick=PICKS, size=SIZES)
    def page_through_follow_ups(self, pick: int, size: int) -> None:
        lead = self.pick_lead(pick)

        def follow_ups(desk: Desk) -> list[Thing]:
            pages = all_pages(
                lambda after: desk.database.read(list_follow_ups_of_lead, lead.id, after=after, limit=size), size=size
            )
            return [asdict(follow_up) for follow_up in pages]

        assert self.ask(follow_ups) == self.model.follow_ups_of(lead.id)

    @invariant()
    def everything_agrees(self) -> None:
        leads = self.ask(
            lambda desk: desk.database.read(list_leads, LeadQuery(sort=LeadSort.OLDEST_FIRST, limit=LIMIT_MAX)).items
        )
        assert [asdict(lead) for lead in leads] == self.model.listed((), newest_first=False)
        for lead in leads:
            follow_ups = self.ask(partial(Desk.follow_ups, lead=lead))
            assert [asdict(follow_up) for follow_up in follow_ups] == self.model.follow_ups_of(lead.id)
            timeline = self.ask(partial(_told, lead=lead))
            assert [type for type, *_ in timeline] == self.model.stories[lead.id][::-1]
        assert (
            self.ask(lambda desk: desk.database.read(lambda work: work.follow_ups.next_attempt_at()))
            == self.model.next_attempt_at()
        )

    def pick_lead(self, pick: int) -> Lead:
        return a_lead(id=list(self.model.leads)[pick % len(self.model.leads)])

    def ask(self, question: Callable[[Desk], Any]) -> Any:
        """What all desks answer, to the last character and type; an error as the facts that it tells."""
        self.now += timedelta(microseconds=1)
        answers = [_answer(desk, question, self.now) for desk in self.desks]
        assert {repr(answer) for answer in answers} == {repr(answers[0])}
        return answers[0]

    def expect(self, question: Callable[[], object]) -> object:
        """What the model answers."""
        try:
            return question()
        except Refusal as refusal:
            return refusal.facts


def _answer(desk: Desk, question: Callable[[Desk], object], now: Any) -> object:
    desk.clock.time = now
    try:
        return question(desk)
    except HalfwayError:
        return ("HalfwayError",)
    except LeadsError as error:
        return _facts(error)


def _told(desk: Desk, lead: Lead) -> list[tuple[object, ...]]:
    """A lead's timeline, as a client is told it."""
    return [
        (entry.type.value, entry.id, entry.at, entry.actor, json.dumps(entry.data)) for entry in desk.timeline(lead)
    ]


def _facts(error: LeadsError) -> tuple[object, ...]:
    match error:
        case Invalid():
            return ("Invalid", *(fault.pointer for fault in error.faults))
        case DuplicateLead():
            return ("DuplicateLead", error.existing_id)
        case IllegalTransition():
            return ("IllegalTransition", error.origin, error.target)
        case NotFound():
            return ("NotFound", error.kind, error.id)
    raise error


TestDesks = Desks.TestCase
TestDesks.settings = settings(stateful_step_count=30)
