"""The contract of the `FollowUpStore` port."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, product
from typing import Any

import pytest
from hypothesis import given

from builders import NOON, a_follow_up, a_lead, a_task, an_email, an_id
from contracts.stores import LARGE, ON_ONE_DATABASE, SMALL, StoreContract, all_pages, assert_pages_end_by_size, text_of
from databases import RunningDatabase
from leads_domain.contact import EmailAddress
from leads_domain.errors import NotFound
from leads_domain.follow_up import Backlog, FollowUp, FollowUpId, FollowUpState, Lease, Recipient
from leads_domain.lead import Lead, LeadId
from leads_domain.paging import FollowUpQuery, Page, Position
from leads_domain.ports import UnitOfWork
from leads_domain.task import Task, TaskId, TaskState
from strategies import follow_ups

MICROSECOND = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
LATER = NOON + timedelta(hours=1)
LEAD, OTHER_LEAD = LeadId(an_id(1)), LeadId(an_id(2))
TASK = TaskId(an_id(3))
NUMBERS = count(1000)
ENDED: list[dict[str, Any]] = [
    {"state": FollowUpState.SENT, "sent_at": NOON, "next_attempt_at": None},
    {"state": FollowUpState.FAILED, "last_error": "refused", "next_attempt_at": None},
    {"state": FollowUpState.CANCELLED, "next_attempt_at": None},
]


def add(work: UnitOfWork, *follow_ups: FollowUp) -> None:
    """Add follow-ups."""
    for follow_up in follow_ups:
        work.follow_ups.add(follow_up)


def add_tasks(work: UnitOfWork, *tasks: Task) -> None:
    """Add tasks."""
    for task in tasks:
        work.tasks.add(task)


def get(work: UnitOfWork, id: str) -> FollowUp:
    """Return a follow-up."""
    return work.follow_ups.get(FollowUpId(id))


def save(work: UnitOfWork, follow_up: FollowUp) -> None:
    """Lock a follow-up, and store it."""
    work.follow_ups.get_for_update(follow_up.id)
    work.follow_ups.save(follow_up)


def of_lead(work: UnitOfWork, lead: LeadId, after: Position | None = None, limit: int = 50) -> Page[FollowUp, Position]:
    """Return a page of the follow-ups of a lead."""
    return page(work, FollowUpQuery(lead_id=lead, after=after, limit=limit))


def page(work: UnitOfWork, query: FollowUpQuery) -> Page[FollowUp, Position]:
    """Return a page of follow-ups."""
    return work.follow_ups.page(query)


def scheduled(work: UnitOfWork, lead: LeadId) -> Sequence[FollowUp]:
    """Return the scheduled follow-ups of a lead."""
    return work.follow_ups.scheduled_of_lead(lead)


def claim(
    work: UnitOfWork, now: datetime, channel: str = "log", *, owner: str = "one", limit: int = 10
) -> Sequence[FollowUp]:
    """Claim due follow-ups for one minute."""
    return work.follow_ups.claim_due(channel, now=now, owner=owner, until=now + MINUTE, limit=limit)


def next_attempts(work: UnitOfWork, now: datetime = NOON) -> Mapping[str, datetime]:
    """Return the time of the next attempt on each channel."""
    return work.follow_ups.next_attempts(now)


def backlog(work: UnitOfWork, now: datetime = NOON) -> Mapping[str, Backlog]:
    """Return the backlog of each channel."""
    return work.follow_ups.backlog(now)


def save_lead(work: UnitOfWork, lead: Lead) -> None:
    """Store a lead, and replace an existing one."""
    try:
        work.leads.get_for_update(lead.id)
    except NotFound:
        work.leads.add(lead)
    else:
        work.leads.save(lead)


def recently_failed(
    work: UnitOfWork, since: datetime, *, owner_key: str | None = None, limit: int = 10
) -> list[FollowUp]:
    """Return the follow-ups that have failed since a time."""
    return list(work.follow_ups.recently_failed(since, owner_key=owner_key, limit=limit))


def count_failed(work: UnitOfWork, since: datetime, owner_key: str | None = None) -> int:
    """Count the follow-ups that have failed since a time."""
    return work.follow_ups.count_recently_failed(since, owner_key=owner_key)


def a_sequence(size: int, *, step: timedelta = MINUTE) -> list[FollowUp]:
    """Return follow-ups of one lead. The first is due at noon, each other one step after the previous."""
    return [a_follow_up(id=an_id(number), due_at=NOON + number * step) for number in range(size)]


class FollowUpStoreContract(StoreContract):
    """See `StoreContract`. The database contains two leads."""

    @pytest.fixture(autouse=True)
    def _leads(self, database: RunningDatabase) -> None:
        database.write(lambda work: work.leads.add(a_lead(id=LEAD)))
        database.write(lambda work: work.leads.add(a_lead(id=OTHER_LEAD, email=an_email("jane@example.com"))))

    @ON_ONE_DATABASE
    @given(follow_ups())
    def test_returns_every_follow_up_as_it_was_added(self, database: RunningDatabase, follow_up: FollowUp) -> None:
        follow_up = replace(follow_up, id=FollowUpId(an_id(next(NUMBERS))), lead_id=LEAD)
        database.write(add, follow_up)

        assert database.read(get, follow_up.id) == follow_up

    @ON_ONE_DATABASE
    @given(follow_ups(), follow_ups())
    def test_returns_every_follow_up_as_it_was_saved(
        self, database: RunningDatabase, before: FollowUp, after: FollowUp
    ) -> None:
        before = replace(before, id=FollowUpId(an_id(next(NUMBERS))), lead_id=LEAD)
        after = replace(after, id=before.id, lead_id=LEAD)
        database.write(add, before)
        database.write(save, after)

        assert database.read(get, before.id) == after

    @pytest.mark.parametrize("text", ["Ольга", "祖冲之", "محمد", "👩🏽\u200d💻", '\'; --\n"\\"\ufeff', "x" * 10_000])
    def test_stores_text_in_any_script(self, database: RunningDatabase, text: str) -> None:
        follow_up = a_follow_up(
            message=text, channel=text, last_error=text, lease=Lease(owner=text, until=LATER), recipient=Recipient.OWNER
        )
        database.write(add, follow_up)

        assert database.read(get, follow_up.id) == follow_up

    def test_stores_times_in_utc_with_microseconds(self, database: RunningDatabase) -> None:
        at = NOON + timedelta(microseconds=123456)
        database.write(add, a_follow_up(due_at=at, lease=Lease(owner="one", until=at)))
        stored = database.read(get, a_follow_up().id)

        assert stored.lease is not None
        assert repr([stored.due_at, stored.next_attempt_at, stored.lease.until]) == repr([at, at, at])

    def test_does_not_find_an_unknown_follow_up(self, database: RunningDatabase) -> None:
        with pytest.raises(NotFound) as missing:
            database.read(get, an_id(9))
        assert (missing.value.kind, missing.value.id) == ("follow-up", an_id(9))
        with pytest.raises(NotFound, match=f"No follow-up has the id {an_id(9)}."):
            database.write(lambda work: work.follow_ups.get_for_update(FollowUpId(an_id(9))))

    def test_locks_a_follow_up_and_returns_it_unchanged(self, database: RunningDatabase) -> None:
        database.write(add, a_follow_up())

        assert database.write(lambda work: work.follow_ups.get_for_update(a_follow_up().id)) == a_follow_up()

    def test_saves_only_the_given_follow_up(self, database: RunningDatabase) -> None:
        sequence = a_sequence(3)
        database.write(add, *sequence)
        database.write(save, replace(sequence[1], message="Changed"))

        assert database.read(of_lead, LEAD).items == [sequence[0], replace(sequence[1], message="Changed"), sequence[2]]

    def test_lists_the_follow_ups_of_a_lead_by_due_time_then_id(self, database: RunningDatabase) -> None:
        sequence = a_sequence(6, step=timedelta(0))
        sequence[0] = replace(sequence[0], due_at=NOON + MICROSECOND)
        sequence[5] = replace(sequence[5], due_at=NOON - MICROSECOND)
        others = a_follow_up(id=an_id(7), lead_id=OTHER_LEAD)
        database.write(add, sequence[3], others, sequence[1], sequence[5], sequence[0], sequence[4], sequence[2])

        assert database.read(of_lead, LEAD) == Page(
            [sequence[5], sequence[1], sequence[2], sequence[3], sequence[4], sequence[0]], None
        )
        assert database.read(of_lead, OTHER_LEAD) == Page([others], None)
        assert database.read(of_lead, LeadId(an_id(3))) == Page([], None)

    @pytest.mark.parametrize("size", [1, 2, 3, 200])
    def test_shows_every_follow_up_on_exactly_one_page(self, database: RunningDatabase, size: int) -> None:
        sequence = [
            replace(each, due_at=NOON + number // 3 * MICROSECOND) for number, each in enumerate(a_sequence(10))
        ]
        database.write(add, *sequence[::2], a_follow_up(id=an_id(99), lead_id=OTHER_LEAD), *sequence[1::2])

        assert all_pages(lambda after: database.read(of_lead, LEAD, after, size), size=size) == sequence

    @pytest.mark.parametrize("states", [(), (FollowUpState.SCHEDULED, FollowUpState.CANCELLED)])
    def test_pages_end_by_the_size_of_the_follow_ups(
        self, database: RunningDatabase, states: tuple[FollowUpState, ...]
    ) -> None:
        sizes = [SMALL, LARGE, SMALL, SMALL] * 4
        follow_ups = [
            replace(each, message=text_of(size)) if number % 3 else replace(each.cancel(NOON)[0], message=text_of(size))
            for number, (each, size) in enumerate(zip(a_sequence(len(sizes)), sizes, strict=True))
        ]
        database.write(add, *follow_ups)

        def page_of(after: Position | None, limit: int, bytes_max: int) -> Page[FollowUp, Position]:
            return database.read(page, FollowUpQuery(states=states, after=after, limit=limit, bytes_max=bytes_max))

        assert_pages_end_by_size(page_of, follow_ups, sizes)

    def test_announces_no_page_after_a_full_last_page(self, database: RunningDatabase) -> None:
        database.write(add, *a_sequence(4))

        assert database.read(of_lead, LEAD, limit=4).next is None
        assert database.read(of_lead, LEAD, limit=3).next is not None

    def test_finds_the_scheduled_follow_ups_of_a_lead_by_due_time(self, database: RunningDatabase) -> None:
        sequence = a_sequence(5)
        # The order is that of the due times, even if the next attempt is much later.
        sequence[1] = replace(sequence[1], next_attempt_at=LATER)
        sequence[3] = replace(sequence[3], lease=Lease(owner="one", until=LATER))
        ended = [a_follow_up(id=an_id(10 + number), due_at=NOON, **end) for number, end in enumerate(ENDED)]
        others = a_follow_up(id=an_id(20), lead_id=OTHER_LEAD)
        database.write(add, *ended, others, sequence[4], sequence[2], sequence[0], sequence[3], sequence[1])

        assert list(database.write(scheduled, LEAD)) == sequence
        assert list(database.write(scheduled, OTHER_LEAD)) == [others]
        assert list(database.write(scheduled, LeadId(an_id(3)))) == []

    def test_claims_due_follow_ups_the_longest_due_first(self, database: RunningDatabase) -> None:
        sequence = a_sequence(4)
        database.write(add, sequence[2], sequence[0], sequence[3], sequence[1])
        now = NOON + 2 * MINUTE
        claimed = database.write(claim, now)

        assert list(claimed) == [each.claim("one", now + MINUTE, now) for each in sequence[:3]]
        assert database.read(of_lead, LEAD).items == [*claimed, sequence[3]]

    def test_a_claim_is_no_earlier_than_the_last_change(self, database: RunningDatabase) -> None:
        changed = a_follow_up(updated_at=LATER)
        database.write(add, changed)

        assert list(database.write(claim, NOON)) == [changed.claim("one", NOON + MINUTE, NOON)]
        assert database.read(of_lead, LEAD).items[0].updated_at == LATER

    def test_claims_by_the_next_attempt_and_not_by_the_due_time(self, database: RunningDatabase) -> None:
        first, second = a_sequence(2)
        waiting = replace(first, next_attempt_at=NOON + 2 * MINUTE)
        database.write(add, waiting, second)

        assert [each.id for each in database.write(claim, NOON + MINUTE)] == [second.id]
        database.write(save, second)
        assert [each.id for each in database.write(claim, NOON + 2 * MINUTE)] == [second.id, waiting.id]

    def test_claims_exactly_from_the_time_of_the_next_attempt(self, database: RunningDatabase) -> None:
        database.write(add, a_follow_up(due_at=NOON))

        assert list(database.write(claim, NOON - MICROSECOND)) == []
        assert [each.id for each in database.write(claim, NOON)] == [a_follow_up().id]

    @pytest.mark.parametrize("end_state", ENDED)
    def test_claims_no_ended_follow_up(self, database: RunningDatabase, end_state: dict[str, Any]) -> None:
        database.write(add, a_follow_up(**end_state))

        assert list(database.write(claim, LATER)) == []

    def test_claims_up_to_the_limit(self, database: RunningDatabase) -> None:
        sequence = a_sequence(5)
        database.write(add, *sequence[::-1])

        assert [each.id for each in database.write(claim, LATER, limit=2)] == [sequence[0].id, sequence[1].id]
        assert [each.id for each in database.write(claim, LATER, limit=2)] == [sequence[2].id, sequence[3].id]
        assert [each.id for each in database.write(claim, LATER, limit=2)] == [sequence[4].id]
        assert list(database.write(claim, LATER, limit=2)) == []

    def test_skips_follow_ups_with_an_active_lease(self, database: RunningDatabase) -> None:
        leased, free = a_sequence(2)
        leased = replace(leased, lease=Lease(owner="two", until=LATER + MICROSECOND))
        database.write(add, leased, free)

        assert [each.id for each in database.write(claim, LATER, limit=1)] == [free.id]
        assert database.read(get, leased.id) == leased

    def test_claims_a_follow_up_whose_lease_has_expired(self, database: RunningDatabase) -> None:
        database.write(add, a_follow_up())
        first = database.write(claim, NOON, owner="one")[0]
        assert list(database.write(claim, NOON + MINUTE - MICROSECOND, owner="two")) == []
        second = database.write(claim, NOON + MINUTE, owner="two")[0]

        assert (first.lease, first.claims, first.attempts) == (Lease(owner="one", until=NOON + MINUTE), 1, 1)
        assert (second.lease, second.claims, second.attempts) == (Lease(owner="two", until=NOON + 2 * MINUTE), 2, 2)
        assert database.read(get, second.id) == second

    def test_counts_the_claims_and_attempts(self, database: RunningDatabase) -> None:
        database.write(add, a_follow_up())
        tokens = []
        for minute in range(3):
            (claimed,) = database.write(claim, NOON + minute * MINUTE)
            tokens.append((claimed.claims, claimed.attempts))
            database.write(save, claimed.fail_attempt("busy", MINUTE, NOON + minute * MINUTE)[0])

        assert tokens == [(1, 1), (2, 2), (3, 3)]

    def test_concurrent_claims_never_get_the_same_follow_up(self, database: RunningDatabase) -> None:
        sequence = a_sequence(20)
        database.write(add, *sequence)

        async def claim_all_at_once() -> list[Sequence[FollowUp]]:
            claims = (database.database.write(claim, LATER, owner=str(number), limit=3) for number in range(10))
            return await asyncio.gather(*claims)

        claimed = [(each.id, each.lease) for claims in database.run(claim_all_at_once()) for each in claims]
        assert sorted(id for id, _ in claimed) == [each.id for each in sequence]
        assert dict(claimed) == {each.id: each.lease for each in database.read(of_lead, LEAD).items}

    def test_rolls_back_the_claims_of_a_failed_unit_of_work(self, database: RunningDatabase) -> None:
        database.write(add, a_follow_up())

        def claim_and_fail(work: UnitOfWork) -> None:
            claim(work, NOON)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            database.write(claim_and_fail)
        assert database.read(get, a_follow_up().id) == a_follow_up()

    def test_claims_only_on_the_given_channel(self, database: RunningDatabase) -> None:
        log, smtp = a_sequence(2)
        smtp = replace(smtp, channel="smtp")
        database.write(add, log, smtp)

        assert list(database.write(claim, LATER, "pigeon")) == []
        assert [each.id for each in database.write(claim, LATER, "smtp")] == [smtp.id]
        assert [each.id for each in database.write(claim, LATER)] == [log.id]

    def test_finds_the_next_attempt_on_each_channel(self, database: RunningDatabase) -> None:
        assert database.read(next_attempts) == {}
        sequence = a_sequence(4)
        sequence[1] = replace(sequence[1], channel="smtp")
        sequence[2] = replace(sequence[2], channel="smtp")
        ended = a_follow_up(id=an_id(9), due_at=NOON - MINUTE, **ENDED[0])
        database.write(add, sequence[2], sequence[1], sequence[3], sequence[0], ended)
        assert repr(sorted(database.read(next_attempts).items())) == repr([("log", NOON), ("smtp", NOON + MINUTE)])

        database.write(save, sequence[0].succeed(NOON)[0])
        database.write(save, sequence[1].cancel(NOON)[0])
        assert database.read(next_attempts) == {"log": NOON + 3 * MINUTE, "smtp": NOON + 2 * MINUTE}
        database.write(save, sequence[2].cancel(NOON)[0])
        assert database.read(next_attempts) == {"log": NOON + 3 * MINUTE}

    def test_computes_the_backlog_of_each_channel(self, database: RunningDatabase) -> None:
        assert database.read(backlog) == {}
        sequence = a_sequence(4)
        sequence[3] = replace(sequence[3], channel="smtp")
        ended = [
            a_follow_up(id=an_id(10 + number), channel="sms", **end_state) for number, end_state in enumerate(ENDED)
        ]
        database.write(add, *sequence, *ended)
        database.write(claim, NOON)

        assert database.read(backlog, NOON + MINUTE) == {
            "log": Backlog(scheduled=3, due=2, next_attempt_at=NOON),
            "smtp": Backlog(scheduled=1, due=0, next_attempt_at=NOON + 3 * MINUTE),
        }

    def test_next_attempts_ignore_follow_ups_with_an_active_lease(self, database: RunningDatabase) -> None:
        first, second = a_sequence(2)
        database.write(add, first, second)
        database.write(claim, NOON)

        assert database.read(next_attempts, NOON + MINUTE - MICROSECOND) == {"log": NOON + MINUTE}
        assert database.read(next_attempts, NOON + MINUTE) == {"log": NOON}
        database.write(claim, NOON + MINUTE)
        assert database.read(next_attempts, NOON + MINUTE) == {}
        database.write(save, replace(first, channel="smtp", claims=1))
        assert database.read(next_attempts, NOON + MINUTE) == {"smtp": NOON}

    def test_claims_on_every_channel_with_a_next_attempt(self, database: RunningDatabase) -> None:
        channels = ["a", "b", "B", "é", "aa", "\U0001f4a9", "z" * 100]
        database.write(add, *(a_follow_up(id=an_id(n), channel=each) for n, each in enumerate(channels)))

        assert database.read(next_attempts) == dict.fromkeys(channels, NOON)
        for channel in channels:
            (claimed,) = database.write(claim, NOON, channel)
            assert claimed.channel == channel
        assert database.read(next_attempts) == {}

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
    def test_combines_all_filters_page_by_page(self, database: RunningDatabase, size: int) -> None:
        stored = [
            a_follow_up(
                id=an_id(100 + number),
                lead_id=(LEAD, OTHER_LEAD)[number % 2],
                channel=("log", "smtp", "sms")[number % 3],
                due_at=NOON + number % 5 * MINUTE,
                task_id=TASK if number % 7 == 0 else None,
                **(ENDED[number % 4] if number % 4 < 3 else {}),
            )
            for number in range(60)
        ]
        database.write(add, *stored[::2], *stored[1::2])
        for lead_id, states, channel, task_id, due_before in product(
            (None, LEAD),
            ((), (FollowUpState.SENT,), (FollowUpState.SCHEDULED, FollowUpState.FAILED), tuple(FollowUpState)),
            (None, "smtp", "pigeon"),
            (None, TASK),
            (None, NOON, NOON + 3 * MINUTE, NOON + 3 * MINUTE + MICROSECOND),
        ):
            query = FollowUpQuery(
                lead_id=lead_id, states=states, channel=channel, task_id=task_id, due_before=due_before, limit=size
            )
            expected = [
                each
                for each in stored
                if lead_id in (None, each.lead_id)
                and (not states or each.state in states)
                and channel in (None, each.channel)
                and task_id in (None, each.task_id)
                and (due_before is None or each.due_at < due_before)
            ]
            expected.sort(key=lambda each: (each.due_at, each.id))

            def after(position: Position | None, query: FollowUpQuery = query) -> Page[FollowUp, Position]:
                return database.read(page, replace(query, after=position))

            assert all_pages(after, size=size) == expected

    def test_finds_the_follow_ups_that_have_failed_recently(self, database: RunningDatabase) -> None:
        before, first, second, third = (
            a_follow_up(id=an_id(number), updated_at=NOON + number * MINUTE, lead_id=lead, **ENDED[1])
            for number, lead in enumerate((LEAD, LEAD, OTHER_LEAD, LEAD))
        )
        others = [a_follow_up(id=an_id(10 + number), updated_at=LATER, **end) for number, end in enumerate(ENDED[::2])]
        database.write(add, second, before, third, first, *others, a_follow_up(id=an_id(20), updated_at=LATER))
        since = first.updated_at

        assert database.read(recently_failed, since) == [third, second, first]
        assert database.read(recently_failed, since, limit=2) == [third, second]
        assert database.read(recently_failed, since + MICROSECOND) == [third, second]
        assert database.read(count_failed, since) == 3
        assert [each.id for each in database.read(recently_failed, NOON)] == [an_id(n) for n in (3, 2, 1, 0)]

    def test_finds_no_failed_reminders_of_tasks_that_have_ended(self, database: RunningDatabase) -> None:
        tasks = [
            a_task(id=an_id(10), lead_id=LEAD),
            a_task(id=an_id(11), lead_id=LEAD, state=TaskState.DONE, outcome="They buy.", done_at=NOON),
            a_task(id=an_id(12), lead_id=LEAD, state=TaskState.CANCELLED),
        ]
        database.write(save_lead, a_lead(id=LEAD, owner=an_email("mia@example.com")))
        database.write(add_tasks, *tasks)
        for number, task in enumerate(tasks):
            database.write(add, a_follow_up(id=an_id(20 + number), task_id=task.id, **ENDED[1]))

        assert [each.id for each in database.read(recently_failed, NOON)] == [an_id(20)]
        assert database.read(count_failed, NOON, owner_key="mia@example.com") == 1
        database.write(lambda work: work.tasks.save(replace(tasks[0], state=TaskState.CANCELLED)))
        assert database.read(lambda work: work.follow_ups.owners_of_failed(NOON)) == []

    def test_finds_the_failed_follow_ups_of_an_owner(self, database: RunningDatabase) -> None:
        mia = EmailAddress("Mia@example.com", "mia@example.com")
        owners = {LEAD: mia, OTHER_LEAD: mia, LeadId(an_id(3)): None, LeadId(an_id(4)): an_email("noah@example.com")}
        for number, (lead, owner) in enumerate(owners.items()):
            database.write(save_lead, a_lead(id=lead, email=an_email(f"{number}@example.com"), owner=owner))
        failed = [
            a_follow_up(id=an_id(10 + number), lead_id=LeadId(an_id(number)), **ENDED[1]) for number in (1, 2, 3, 4)
        ]
        database.write(add, *failed)

        assert database.read(recently_failed, NOON, owner_key=mia.key) == [failed[1], failed[0]]
        assert database.read(recently_failed, NOON, owner_key="oma@example.com") == []
        assert database.read(count_failed, NOON, owner_key=mia.key) == 2
        assert database.read(count_failed, NOON, owner_key="oma@example.com") == 0
        found = database.read(lambda work: work.follow_ups.owners_of_failed(NOON))
        assert sorted((str(each), each.key) for each in found) == [(str(mia), mia.key), ("noah@example.com",) * 2]
        assert database.read(lambda work: work.follow_ups.owners_of_failed(NOON + MICROSECOND)) == []

    def test_moves_only_the_follow_ups_of_the_given_lead_unchanged(self, database: RunningDatabase) -> None:
        moved = [a_follow_up(id=an_id(number), **end_state) for number, end_state in enumerate(ENDED)]
        moved.append(a_follow_up(id=an_id(3), lease=Lease(owner="one", until=LATER), claims=4, attempts=2))
        other = a_follow_up(id=an_id(9), lead_id=OTHER_LEAD)
        database.write(add, *moved, other)
        database.write(lambda work: work.follow_ups.move(LEAD, OTHER_LEAD))

        expected = [replace(each, lead_id=OTHER_LEAD) for each in moved]
        assert database.read(of_lead, LEAD).items == []
        assert database.read(of_lead, OTHER_LEAD).items == [*expected, other]
        assert database.write(scheduled, OTHER_LEAD) == [expected[-1], other]
        assert {each.id for each in database.write(claim, LATER)} == {an_id(3), other.id}

    def test_erases_only_the_follow_ups_of_the_given_lead(self, database: RunningDatabase) -> None:
        erased = [a_follow_up(id=an_id(number), **end_state) for number, end_state in enumerate([*ENDED, {}])]
        other = a_follow_up(id=an_id(9), lead_id=OTHER_LEAD, due_at=LATER)
        database.write(add, *erased, other)
        database.write(lambda work: work.follow_ups.erase(LEAD))

        assert database.read(page, FollowUpQuery()).items == [other]
        assert database.read(next_attempts) == {"log": LATER}
        for each in erased:
            with pytest.raises(NotFound):
                database.read(get, each.id)
