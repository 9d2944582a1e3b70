"""What every adapter of the `FollowUpStore` port promises."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, product
from typing import Any

import pytest
from hypothesis import given

from builders import NOON, a_follow_up, a_lead, an_email, an_id
from contracts.stores import ON_ONE_DATABASE, StoreContract, all_pages
from databases import RunningDatabase
from leads_domain.errors import NotFound
from leads_domain.follow_up import Backlog, FollowUp, FollowUpId, FollowUpState, Lease, Recipient
from leads_domain.lead import LeadId
from leads_domain.paging import FollowUpQuery, Page, Position
from leads_domain.ports import UnitOfWork
from strategies import follow_ups

MICROSECOND = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)
LATER = NOON + timedelta(hours=1)
LEAD, OTHER_LEAD = LeadId(an_id(1)), LeadId(an_id(2))
NUMBERS = count(1000)
ENDINGS: list[dict[str, Any]] = [
    {"state": FollowUpState.SENT, "sent_at": NOON, "next_attempt_at": None},
    {"state": FollowUpState.FAILED, "last_error": "refused", "next_attempt_at": None},
    {"state": FollowUpState.CANCELLED, "next_attempt_at": None},
]


def add(work: UnitOfWork, *added: FollowUp) -> None:
    """Keep new follow-ups."""
    for follow_up in added:
        work.follow_ups.add(follow_up)


def get(work: UnitOfWork, id: str) -> FollowUp:
    """One follow-up."""
    return work.follow_ups.get(FollowUpId(id))


def save(work: UnitOfWork, follow_up: FollowUp) -> None:
    """Get a follow-up for a change, and change it."""
    work.follow_ups.get_for_update(follow_up.id)
    work.follow_ups.save(follow_up)


def of_lead(work: UnitOfWork, lead: LeadId, after: Position | None = None, limit: int = 50) -> Page[FollowUp, Position]:
    """A page of a lead's follow-ups."""
    return page(work, FollowUpQuery(lead_id=lead, after=after, limit=limit))


def page(work: UnitOfWork, query: FollowUpQuery) -> Page[FollowUp, Position]:
    """A page of follow-ups of all leads."""
    return work.follow_ups.page(query)


def scheduled(work: UnitOfWork, lead: LeadId) -> Sequence[FollowUp]:
    """What is still owed to a lead."""
    return work.follow_ups.scheduled_of_lead(lead)


def claim(
    work: UnitOfWork, now: datetime, channel: str = "log", *, owner: str = "one", limit: int = 10
) -> Sequence[FollowUp]:
    """Take what is due for a minute."""
    return work.follow_ups.claim_due(channel, now=now, owner=owner, until=now + MINUTE, limit=limit)


def next_attempts(work: UnitOfWork, now: datetime = NOON) -> Mapping[str, datetime]:
    """When to look again."""
    return work.follow_ups.next_attempts(now)


def backlog(work: UnitOfWork, now: datetime = NOON) -> Mapping[str, Backlog]:
    """How much is to be sent."""
    return work.follow_ups.backlog(now)


def a_row(size: int, *, step: timedelta = MINUTE) -> list[FollowUp]:
    """Follow-ups of one lead, each due a step after the one before it; the first at noon."""
    return [a_follow_up(id=an_id(number), due_at=NOON + number * step) for number in range(size)]


class FollowUpStoreContract(StoreContract):
    """See `StoreContract`. Two leads are kept already."""

    @pytest.fixture(autouse=True)
    def _leads(self, database: RunningDatabase) -> None:
        database.write(lambda work: work.leads.add(a_lead(id=LEAD)))
        database.write(lambda work: work.leads.add(a_lead(id=OTHER_LEAD, email=an_email("jane@example.com"))))

    @ON_ONE_DATABASE
    @given(follow_ups())
    def test_gives_back_every_follow_up_as_it_was_added(self, database: RunningDatabase, follow_up: FollowUp) -> None:
        follow_up = replace(follow_up, id=FollowUpId(an_id(next(NUMBERS))), lead_id=LEAD)
        database.write(add, follow_up)

        assert database.read(get, follow_up.id) == follow_up

    @ON_ONE_DATABASE
    @given(follow_ups(), follow_ups())
    def test_gives_back_every_follow_up_as_it_was_saved(
        self, database: RunningDatabase, before: FollowUp, after: FollowUp
    ) -> None:
        before = replace(before, id=FollowUpId(an_id(next(NUMBERS))), lead_id=LEAD)
        after = replace(after, id=before.id, lead_id=LEAD)
        database.write(add, before)
        database.write(save, after)

        assert database.read(get, before.id) == after

    @pytest.mark.parametrize("text", ["Ольга", "祖冲之", "محمد", "👩🏽\u200d💻", '\'; --\n"\\"\ufeff', "x" * 10_000])
    def test_keeps_text_in_any_script(self, database: RunningDatabase, text: str) -> None:
        follow_up = a_follow_up(
            message=text, channel=text, last_error=text, lease=Lease(owner=text, until=LATER), recipient=Recipient.OWNER
        )
        database.write(add, follow_up)

        assert database.read(get, follow_up.id) == follow_up

    def test_tells_times_in_utc_to_the_microsecond(self, database: RunningDatabase) -> None:
        at = NOON + timedelta(microseconds=123456)
        database.write(add, a_follow_up(due_at=at, lease=Lease(owner="one", until=at)))
        kept = database.read(get, a_follow_up().id)

        assert kept.lease is not None
        assert repr([kept.due_at, kept.next_attempt_at, kept.lease.until]) == repr([at, at, at])

    def test_knows_no_follow_up_that_was_never_added(self, database: RunningDatabase) -> None:
        with pytest.raises(NotFound) as missing:
            database.read(get, an_id(9))
        assert (missing.value.kind, missing.value.id) == ("follow-up", an_id(9))
        with pytest.raises(NotFound, match=f"No follow-up has the id {an_id(9)}."):
            database.write(lambda work: work.follow_ups.get_for_update(FollowUpId(an_id(9))))

    def test_gets_a_follow_up_for_a_change_as_it_is_kept(self, database: RunningDatabase) -> None:
        database.write(add, a_follow_up())

        assert database.write(lambda work: work.follow_ups.get_for_update(a_follow_up().id)) == a_follow_up()

    def test_changes_no_other_follow_up_when_it_saves_one(self, database: RunningDatabase) -> None:
        row = a_row(3)
        database.write(add, *row)
        database.write(save, replace(row[1], message="Changed"))

        assert database.read(of_lead, LEAD).items == [row[0], replace(row[1], message="Changed"), row[2]]

    def test_lists_the_follow_ups_of_a_lead_by_due_time_then_id(self, database: RunningDatabase) -> None:
        row = a_row(6, step=timedelta(0))
        row[0] = replace(row[0], due_at=NOON + MICROSECOND)
        row[5] = replace(row[5], due_at=NOON - MICROSECOND)
        others = a_follow_up(id=an_id(7), lead_id=OTHER_LEAD)
        database.write(add, row[3], others, row[1], row[5], row[0], row[4], row[2])

        assert database.read(of_lead, LEAD) == Page([row[5], row[1], row[2], row[3], row[4], row[0]], None)
        assert database.read(of_lead, OTHER_LEAD) == Page([others], None)
        assert database.read(of_lead, LeadId(an_id(3))) == Page([], None)

    @pytest.mark.parametrize("size", [1, 2, 3, 200])
    def test_shows_every_follow_up_on_exactly_one_page(self, database: RunningDatabase, size: int) -> None:
        row = [replace(each, due_at=NOON + number // 3 * MICROSECOND) for number, each in enumerate(a_row(10))]
        database.write(add, *row[::2], a_follow_up(id=an_id(99), lead_id=OTHER_LEAD), *row[1::2])

        assert all_pages(lambda after: database.read(of_lead, LEAD, after, size), size=size) == row

    def test_announces_no_page_after_one_that_was_just_filled(self, database: RunningDatabase) -> None:
        database.write(add, *a_row(4))

        assert database.read(of_lead, LEAD, limit=4).next is None
        assert database.read(of_lead, LEAD, limit=3).next is not None

    def test_finds_what_is_still_owed_to_a_lead_the_next_due_first(self, database: RunningDatabase) -> None:
        row = a_row(5)
        # An attempt has failed, the next one is far: the order is still that of the due times.
        row[1] = replace(row[1], next_attempt_at=LATER)
        row[3] = replace(row[3], lease=Lease(owner="one", until=LATER))
        ended = [a_follow_up(id=an_id(10 + number), due_at=NOON, **end) for number, end in enumerate(ENDINGS)]
        others = a_follow_up(id=an_id(20), lead_id=OTHER_LEAD)
        database.write(add, *ended, others, row[4], row[2], row[0], row[3], row[1])

        assert list(database.write(scheduled, LEAD)) == row
        assert list(database.write(scheduled, OTHER_LEAD)) == [others]
        assert list(database.write(scheduled, LeadId(an_id(3)))) == []

    def test_claims_what_is_due_the_longest_due_first(self, database: RunningDatabase) -> None:
        row = a_row(4)
        database.write(add, row[2], row[0], row[3], row[1])
        now = NOON + 2 * MINUTE
        claimed = database.write(claim, now)

        assert list(claimed) == [each.claim("one", now + MINUTE, now) for each in row[:3]]
        assert database.read(of_lead, LEAD).items == [*claimed, row[3]]

    def test_goes_by_the_next_attempt_not_by_the_due_time(self, database: RunningDatabase) -> None:
        first, second = a_row(2)
        waiting = replace(first, next_attempt_at=NOON + 2 * MINUTE)
        database.write(add, waiting, second)

        assert [each.id for each in database.write(claim, NOON + MINUTE)] == [second.id]
        database.write(save, second)
        assert [each.id for each in database.write(claim, NOON + 2 * MINUTE)] == [second.id, waiting.id]

    def test_claims_at_the_very_moment_of_the_next_attempt_and_not_before(self, database: RunningDatabase) -> None:
        database.write(add, a_follow_up(due_at=NOON))

        assert list(database.write(claim, NOON - MICROSECOND)) == []
        assert [each.id for each in database.write(claim, NOON)] == [a_follow_up().id]

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_claims_nothing_that_has_ended(self, database: RunningDatabase, ending: dict[str, Any]) -> None:
        database.write(add, a_follow_up(**ending))

        assert list(database.write(claim, LATER)) == []

    def test_claims_no_more_than_it_was_asked_for(self, database: RunningDatabase) -> None:
        row = a_row(5)
        database.write(add, *row[::-1])

        assert [each.id for each in database.write(claim, LATER, limit=2)] == [row[0].id, row[1].id]
        assert [each.id for each in database.write(claim, LATER, limit=2)] == [row[2].id, row[3].id]
        assert [each.id for each in database.write(claim, LATER, limit=2)] == [row[4].id]
        assert list(database.write(claim, LATER, limit=2)) == []

    def test_passes_over_what_is_under_a_live_lease_and_looks_further(self, database: RunningDatabase) -> None:
        leased, free = a_row(2)
        leased = replace(leased, lease=Lease(owner="two", until=LATER + MICROSECOND))
        database.write(add, leased, free)

        assert [each.id for each in database.write(claim, LATER, limit=1)] == [free.id]
        assert database.read(get, leased.id) == leased

    def test_takes_over_what_is_under_a_lease_that_has_ended(self, database: RunningDatabase) -> None:
        database.write(add, a_follow_up())
        first = database.write(claim, NOON, owner="one")[0]
        assert list(database.write(claim, NOON + MINUTE - MICROSECOND, owner="two")) == []
        second = database.write(claim, NOON + MINUTE, owner="two")[0]

        assert (first.lease, first.claims, first.attempts) == (Lease(owner="one", until=NOON + MINUTE), 1, 1)
        assert (second.lease, second.claims, second.attempts) == (Lease(owner="two", until=NOON + 2 * MINUTE), 2, 2)
        assert database.read(get, second.id) == second

    def test_gives_out_another_token_after_every_failed_attempt(self, database: RunningDatabase) -> None:
        database.write(add, a_follow_up())
        tokens = []
        for minute in range(3):
            (claimed,) = database.write(claim, NOON + minute * MINUTE)
            tokens.append((claimed.claims, claimed.attempts))
            database.write(save, claimed.fail_attempt("busy", MINUTE, NOON + minute * MINUTE)[0])

        assert tokens == [(1, 1), (2, 2), (3, 3)]

    def test_never_gives_the_same_follow_up_to_two_that_claim_at_the_same_time(self, database: RunningDatabase) -> None:
        row = a_row(20)
        database.write(add, *row)

        async def claim_all_at_once() -> list[Sequence[FollowUp]]:
            claims = (database.database.write(claim, LATER, owner=str(number), limit=3) for number in range(10))
            return await asyncio.gather(*claims)

        claimed = [(each.id, each.lease) for claims in database.run(claim_all_at_once()) for each in claims]
        assert sorted(id for id, _ in claimed) == [each.id for each in row]
        assert dict(claimed) == {each.id: each.lease for each in database.read(of_lead, LEAD).items}

    def test_keeps_no_claim_of_a_unit_of_work_that_failed(self, database: RunningDatabase) -> None:
        database.write(add, a_follow_up())

        def claim_and_fail(work: UnitOfWork) -> None:
            claim(work, NOON)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            database.write(claim_and_fail)
        assert database.read(get, a_follow_up().id) == a_follow_up()

    def test_claims_on_one_channel_and_leaves_the_others_alone(self, database: RunningDatabase) -> None:
        log, smtp = a_row(2)
        smtp = replace(smtp, channel="smtp")
        database.write(add, log, smtp)

        assert list(database.write(claim, LATER, "pigeon")) == []
        assert [each.id for each in database.write(claim, LATER, "smtp")] == [smtp.id]
        assert [each.id for each in database.write(claim, LATER)] == [log.id]

    def test_knows_when_each_channel_is_next_to_attempt_something(self, database: RunningDatabase) -> None:
        assert database.read(next_attempts) == {}
        row = a_row(4)
        row[1] = replace(row[1], channel="smtp")
        row[2] = replace(row[2], channel="smtp")
        ended = a_follow_up(id=an_id(9), due_at=NOON - MINUTE, **ENDINGS[0])
        database.write(add, row[2], row[1], row[3], row[0], ended)
        assert repr(sorted(database.read(next_attempts).items())) == repr([("log", NOON), ("smtp", NOON + MINUTE)])

        database.write(save, row[0].succeed(NOON)[0])
        database.write(save, row[1].cancel(NOON)[0])
        assert database.read(next_attempts) == {"log": NOON + 3 * MINUTE, "smtp": NOON + 2 * MINUTE}
        database.write(save, row[2].cancel(NOON)[0])
        assert database.read(next_attempts) == {"log": NOON + 3 * MINUTE}

    def test_knows_how_much_is_to_be_sent_on_each_channel(self, database: RunningDatabase) -> None:
        assert database.read(backlog) == {}
        row = a_row(4)
        row[3] = replace(row[3], channel="smtp")
        ended = [a_follow_up(id=an_id(10 + number), channel="sms", **ending) for number, ending in enumerate(ENDINGS)]
        database.write(add, *row, *ended)
        database.write(claim, NOON)

        assert database.read(backlog, NOON + MINUTE) == {
            "log": Backlog(scheduled=3, due=2, next_attempt_at=NOON),
            "smtp": Backlog(scheduled=1, due=0, next_attempt_at=NOON + 3 * MINUTE),
        }

    def test_waits_for_nothing_that_is_under_a_lease_until_that_ends(self, database: RunningDatabase) -> None:
        first, second = a_row(2)
        database.write(add, first, second)
        database.write(claim, NOON)

        assert database.read(next_attempts, NOON + MINUTE - MICROSECOND) == {"log": NOON + MINUTE}
        assert database.read(next_attempts, NOON + MINUTE) == {"log": NOON}
        database.write(claim, NOON + MINUTE)
        assert database.read(next_attempts, NOON + MINUTE) == {}
        database.write(save, replace(first, channel="smtp", claims=1))
        assert database.read(next_attempts, NOON + MINUTE) == {"smtp": NOON}

    def test_claims_exactly_where_it_says_that_something_is_due(self, database: RunningDatabase) -> None:
        channels = ["a", "b", "B", "é", "aa", "\U0001f4a9", "z" * 100]
        database.write(add, *(a_follow_up(id=an_id(n), channel=each) for n, each in enumerate(channels)))

        assert database.read(next_attempts) == dict.fromkeys(channels, NOON)
        for channel in channels:
            (claimed,) = database.write(claim, NOON, channel)
            assert claimed.channel == channel
        assert database.read(next_attempts) == {}

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
    def test_finds_what_passes_every_filter_page_by_page(self, database: RunningDatabase, size: int) -> None:
        kept = [
            a_follow_up(
                id=an_id(100 + number),
                lead_id=(LEAD, OTHER_LEAD)[number % 2],
                channel=("log", "smtp", "sms")[number % 3],
                due_at=NOON + number % 5 * MINUTE,
                **(ENDINGS[number % 4] if number % 4 < 3 else {}),
            )
            for number in range(60)
        ]
        database.write(add, *kept[::2], *kept[1::2])
        for lead_id, states, channel, due_before in product(
            (None, LEAD),
            ((), (FollowUpState.SENT,), (FollowUpState.SCHEDULED, FollowUpState.FAILED), tuple(FollowUpState)),
            (None, "smtp", "pigeon"),
            (None, NOON, NOON + 3 * MINUTE, NOON + 3 * MINUTE + MICROSECOND),
        ):
            query = FollowUpQuery(lead_id=lead_id, states=states, channel=channel, due_before=due_before, limit=size)
            expected = [
                each
                for each in kept
                if lead_id in (None, each.lead_id)
                and (not states or each.state in states)
                and channel in (None, each.channel)
                and (due_before is None or each.due_at < due_before)
            ]
            expected.sort(key=lambda each: (each.due_at, each.id))

            def after(position: Position | None, query: FollowUpQuery = query) -> Page[FollowUp, Position]:
                return database.read(page, replace(query, after=position))

            assert all_pages(after, size=size) == expected

    def test_moves_the_follow_ups_of_a_lead_as_they_are_and_no_others(self, database: RunningDatabase) -> None:
        moved = [a_follow_up(id=an_id(number), **ending) for number, ending in enumerate(ENDINGS)]
        moved.append(a_follow_up(id=an_id(3), lease=Lease(owner="one", until=LATER), claims=4, attempts=2))
        stays = a_follow_up(id=an_id(9), lead_id=OTHER_LEAD)
        database.write(add, *moved, stays)
        database.write(lambda work: work.follow_ups.move(LEAD, OTHER_LEAD))

        expected = [replace(each, lead_id=OTHER_LEAD) for each in moved]
        assert database.read(of_lead, LEAD).items == []
        assert database.read(of_lead, OTHER_LEAD).items == [*expected, stays]
        assert database.write(scheduled, OTHER_LEAD) == [expected[-1], stays]
        assert {each.id for each in database.write(claim, LATER)} == {an_id(3), stays.id}

    def test_forgets_the_follow_ups_of_a_lead_and_no_others(self, database: RunningDatabase) -> None:
        gone = [a_follow_up(id=an_id(number), **ending) for number, ending in enumerate([*ENDINGS, {}])]
        stays = a_follow_up(id=an_id(9), lead_id=OTHER_LEAD, due_at=LATER)
        database.write(add, *gone, stays)
        database.write(lambda work: work.follow_ups.erase(LEAD))

        assert database.read(page, FollowUpQuery()).items == [stays]
        assert database.read(next_attempts) == {"log": LATER}
        for each in gone:
            with pytest.raises(NotFound):
                database.read(get, each.id)
