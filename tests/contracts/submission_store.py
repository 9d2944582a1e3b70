"""What every adapter of the `SubmissionStore` port promises."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from builders import NOON, a_lead, a_submission, an_email, an_id
from contracts.stores import LARGE, SMALL, StoreContract, all_pages, assert_pages_end_by_size, text_of
from databases import RunningDatabase
from leads_domain.errors import NotFound
from leads_domain.lead import LeadId
from leads_domain.paging import Page, Position, SubmissionQuery
from leads_domain.ports import UnitOfWork
from leads_domain.submission import Submission, SubmissionId, SubmissionState

SECOND = timedelta(seconds=1)
LEAD, OTHER_LEAD = LeadId(an_id(1)), LeadId(an_id(2))
WRITERS = 8


def add(work: UnitOfWork, *added: Submission) -> None:
    """Store new submissions."""
    for submission in added:
        work.submissions.add(submission, repeated_within=None)


def add_repeated(work: UnitOfWork, submission: Submission, repeated_within: timedelta | None = None) -> Submission:
    """Store a submission that may repeat another one."""
    return work.submissions.add(submission, repeated_within=repeated_within)


def get(work: UnitOfWork, id: SubmissionId) -> Submission:
    """Return a submission."""
    return work.submissions.get(id)


def save(work: UnitOfWork, submission: Submission) -> None:
    """Lock a submission and replace it."""
    work.submissions.get_for_update(submission.id)
    work.submissions.save(submission)


def page(work: UnitOfWork, query: SubmissionQuery) -> Page[Submission, Position]:
    """Return a page of submissions."""
    return work.submissions.page(query)


def count(work: UnitOfWork, query: SubmissionQuery) -> int:
    """Return the number of submissions on all pages."""
    return work.submissions.count(query)


def stored(database: RunningDatabase) -> list[Submission]:
    """Return all submissions, newest first."""
    return [*database.read(page, SubmissionQuery(limit=200)).items]


def numbered(number: int, **fields: object) -> Submission:
    """Return a submission received `number` seconds after noon, with the id of that number."""
    return a_submission(id=SubmissionId(an_id(100 + number)), received_at=NOON + number * SECOND, **fields)


def in_state(state: SubmissionState, lead_id: LeadId = LEAD) -> dict[str, object]:
    """Return the fields of a submission in this state."""
    return {"state": state, "lead_id": lead_id if state is SubmissionState.ACCEPTED else None}


class SubmissionStoreContract(StoreContract):
    """See `StoreContract`. Two leads are stored already."""

    @pytest.fixture(autouse=True)
    def _leads(self, database: RunningDatabase) -> None:
        database.write(lambda work: work.leads.add(a_lead(id=LEAD)))
        database.write(lambda work: work.leads.add(a_lead(id=OTHER_LEAD, email=an_email("jane@example.com"))))

    @pytest.mark.parametrize(
        "submission",
        [
            a_submission(),
            a_submission(
                received_at=NOON + timedelta(microseconds=123456),
                state=SubmissionState.ACCEPTED,
                lead_id=LEAD,
                remote_address="2001:db8::1",
                digest="0" * 64,
            ),
            a_submission(state=SubmissionState.SPAM, reason="The message has 6 links, more than 5."),
            a_submission(content={}),
            a_submission(
                content={"": "", "\0": "a\0b", "Ольга 祖冲之": "👩🏽\u200d💻 '\"\\; --\n\ufeff", "x": "x" * 65_536}
            ),
        ],
    )
    def test_returns_a_submission_as_it_was_added(self, database: RunningDatabase, submission: Submission) -> None:
        assert database.write(add_repeated, submission) == submission
        found = database.read(get, submission.id)
        assert found == submission
        assert repr(found.received_at) == repr(submission.received_at)
        assert database.write(lambda work: work.submissions.get_for_update(submission.id)) == submission

    @pytest.mark.parametrize("state", SubmissionState)
    def test_returns_a_submission_as_it_was_saved(self, database: RunningDatabase, state: SubmissionState) -> None:
        others = [numbered(1), numbered(2)]
        saved = a_submission(reason="Because.", **in_state(state))
        database.write(add, a_submission(), *others)
        database.write(save, saved)

        assert stored(database) == [*others[::-1], saved]

    def test_an_unknown_submission_is_not_found(self, database: RunningDatabase) -> None:
        unknown = SubmissionId(an_id(9))
        with pytest.raises(NotFound, match=f"No submission has the id {unknown}."):
            database.read(get, unknown)
        with pytest.raises(NotFound):
            database.write(lambda work: work.submissions.get_for_update(unknown))

    def test_a_repeated_submission_is_not_stored(self, database: RunningDatabase) -> None:
        first, repeated = numbered(1, digest="a"), numbered(2, digest="a", content={"other": "content"})
        assert database.write(add_repeated, first, 2 * SECOND) == first
        assert database.write(add_repeated, repeated, 2 * SECOND) == first
        assert database.write(add_repeated, repeated, None) == first
        assert stored(database) == [first]

    @pytest.mark.parametrize("digests", [("a", "y"), ("x", "b"), ("a", "b"), (None, "b"), ("a", None)])
    def test_a_message_with_one_of_both_digests_is_repeated(
        self, database: RunningDatabase, digests: tuple[str | None, str | None]
    ) -> None:
        first = numbered(1, digest="a", content_digest="b")
        repeated = numbered(2, digest=digests[0], content_digest=digests[1])
        others = [numbered(3, digest="b", content_digest="a"), numbered(4, digest="c"), numbered(5, content_digest="c")]
        database.write(add, first, *others)
        assert database.write(add_repeated, repeated) == first
        assert stored(database) == [*others[::-1], first]
        assert database.write(add_repeated, repeated, SECOND) == repeated
        assert stored(database) == [*others[::-1], repeated, replace(first, digest=None, content_digest=None)]

    def test_a_submission_gives_its_digest_up_when_repeats_are_allowed(self, database: RunningDatabase) -> None:
        first, second, third = (numbered(number, digest="a") for number in (1, 2, 3))
        other = numbered(0, digest="b")
        database.write(add, other, first)
        assert database.write(add_repeated, second, SECOND) == second
        assert stored(database) == [second, replace(first, digest=None), other]
        assert database.write(add_repeated, third, 2 * SECOND) == second

    def test_a_submission_from_before_the_clock_was_set_back_gives_its_digest_up(
        self, database: RunningDatabase
    ) -> None:
        later, earlier = numbered(5, digest="a"), numbered(1, digest="a")
        database.write(add, later)
        assert database.write(add_repeated, earlier, 5 * SECOND) == later
        assert database.write(add_repeated, earlier, 4 * SECOND) == earlier
        assert stored(database) == [replace(later, digest=None), earlier]

    def test_submissions_without_a_digest_do_not_repeat_each_other(self, database: RunningDatabase) -> None:
        for number in range(3):
            database.write(add_repeated, numbered(number), SECOND)
        assert len(stored(database)) == 3

    @pytest.mark.parametrize("key", ["digest", "content_digest"])
    def test_one_of_many_concurrent_repeats_is_stored(self, database: RunningDatabase, key: str) -> None:
        same = [numbered(number, **{key: "a"}) for number in range(WRITERS)]

        async def add_at_once() -> list[Submission]:
            return await asyncio.gather(
                *(database.database.write(add_repeated, each, WRITERS * SECOND) for each in same)
            )

        results = database.run(add_at_once())
        assert len(stored(database)) == 1
        assert results == stored(database) * WRITERS

    def test_one_of_many_concurrent_changes_is_made_at_a_time(self, database: RunningDatabase) -> None:
        database.write(add, a_submission())

        def accept(work: UnitOfWork) -> bool:
            submission = work.submissions.get_for_update(a_submission().id)
            if submission.state is SubmissionState.ACCEPTED:
                return False
            work.submissions.save(submission.accept(LEAD))
            return True

        async def accept_at_once() -> list[bool]:
            return await asyncio.gather(*(database.database.write(accept) for _ in range(WRITERS)))

        assert sum(database.run(accept_at_once())) == 1

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
    def test_finds_what_matches_all_filters_newest_first(self, database: RunningDatabase, size: int) -> None:
        states = tuple(SubmissionState)
        added = [
            a_submission(
                id=SubmissionId(an_id(100 + number)),
                received_at=NOON + number // 3 * SECOND,
                origin=("form:contact", "form:quote", "mailbox:sales")[number % 3],
                **in_state(states[number % len(states)], (LEAD, OTHER_LEAD)[number % 2]),
            )
            for number in range(42)
        ]
        database.write(add, *added[::2], *added[1::2])
        for lead_id, chosen, origin in product(
            (None, LEAD),
            ((), (SubmissionState.SPAM,), (SubmissionState.ACCEPTED, SubmissionState.NEEDS_REVIEW), states),
            (None, "form:quote", "form:other"),
        ):
            query = SubmissionQuery(lead_id=lead_id, states=chosen, origin=origin, limit=size)
            expected = [
                each
                for each in added[::-1]
                if lead_id in (None, each.lead_id)
                and (not chosen or each.state in chosen)
                and origin in (None, each.origin)
            ]

            def after(position: Position | None, query: SubmissionQuery = query) -> Page[Submission, Position]:
                return database.read(page, replace(query, after=position))

            assert all_pages(after, size=size) == expected
            assert database.read(count, query) == len(expected)

    @pytest.mark.parametrize("states", [(), (SubmissionState.SPAM, SubmissionState.NEEDS_REVIEW)])
    def test_pages_end_by_the_size_of_the_submissions(
        self, database: RunningDatabase, states: tuple[SubmissionState, ...]
    ) -> None:
        sizes = [LARGE, LARGE, SMALL, SMALL, SMALL] * 3
        added = [
            numbered(number, content={"a": text_of(size)}, **in_state((states or tuple(SubmissionState))[number % 2]))
            for number, size in enumerate(sizes)
        ]
        database.write(add, *added)

        def page_of(after: Position | None, limit: int, bytes_max: int) -> Page[Submission, Position]:
            return database.read(page, SubmissionQuery(states=states, after=after, limit=limit, bytes_max=bytes_max))

        assert_pages_end_by_size(page_of, added[::-1], sizes[::-1])

    def test_finds_unprocessed_submissions_oldest_first(self, database: RunningDatabase) -> None:
        received = [numbered(number) for number in range(4)]
        processed = [numbered(10 + number, **in_state(state)) for number, state in enumerate(SubmissionState) if number]
        database.write(add, *processed, *received[::-1])

        def unprocessed(limit: int) -> list[SubmissionId]:
            return [*database.read(lambda work: work.submissions.unprocessed(limit=limit))]

        assert unprocessed(10) == [each.id for each in received]
        assert unprocessed(2) == [each.id for each in received[:2]]

    def test_moves_the_submissions_of_a_lead(self, database: RunningDatabase) -> None:
        moved = [numbered(number, **in_state(SubmissionState.ACCEPTED)) for number in range(2)]
        others = [numbered(2, **in_state(SubmissionState.ACCEPTED, OTHER_LEAD)), numbered(3)]
        database.write(add, *moved, *others)
        database.write(lambda work: work.submissions.move(LEAD, OTHER_LEAD))

        assert stored(database) == [*others[::-1], *(replace(each, lead_id=OTHER_LEAD) for each in moved[::-1])]

    def test_erases_the_submissions_of_a_lead(self, database: RunningDatabase) -> None:
        erased = [numbered(number, digest=str(number), **in_state(SubmissionState.ACCEPTED)) for number in range(2)]
        others = [numbered(2, **in_state(SubmissionState.ACCEPTED, OTHER_LEAD)), numbered(3)]
        database.write(add, *erased, *others)
        database.write(lambda work: work.submissions.erase(LEAD))

        assert stored(database) == others[::-1]

    def test_deletes_expired_submissions_oldest_first(self, database: RunningDatabase) -> None:
        states = tuple(SubmissionState)
        added = [numbered(number, **in_state(states[number])) for number in range(5)]
        database.write(add, *added[::-1])

        def delete(limit: int) -> int:
            before = added[3].received_at
            return database.write(lambda work: work.submissions.delete_expired(before=before, limit=limit))

        assert [delete(2), len(stored(database))] == [2, 3]
        assert [delete(2), delete(2)] == [1, 0]
        assert stored(database) == added[:2:-1]
