"""Working hours, compared minute by minute with the clocks of several zones."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leads_domain.errors import ValidationFailed
from leads_domain.working_hours import WorkingHours

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")
EVERY_DAY = frozenset(range(7))

CHANGES_OF_CLOCKS = {
    "Europe/Berlin": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],
    "America/New_York": ["2026-03-08T07:00Z", "2026-11-01T06:00Z"],
    "America/St_Johns": ["2011-03-13T03:31Z", "2010-11-07T02:31Z"],  # at a minute past midnight
    "America/Havana": ["2026-03-08T05:00Z", "2026-11-01T05:00Z"],  # at midnight, and from 1 to 0 o'clock
    "Atlantic/Azores": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],  # from 0 to 1, and from 1 to 0 o'clock
    "Africa/Casablanca": ["2026-02-15T02:00Z", "2026-03-22T02:00Z"],
    "Africa/Cairo": ["2026-04-23T22:00Z", "2026-10-29T21:00Z"],  # back from midnight to the day before
    "Antarctica/Troll": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],  # by two hours
    "Australia/Lord_Howe": ["2026-04-04T15:00Z", "2026-10-03T15:30Z"],  # by half an hour
    "Pacific/Apia": ["2011-12-30T10:00Z"],  # a day was left out
    "Asia/Kolkata": ["2026-01-01T00:00Z"],  # none
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def hours(opens: str, closes: str, days: frozenset[int] = EVERY_DAY, zone: str = "Europe/Berlin") -> WorkingHours:
    return WorkingHours(
        zone=ZoneInfo(zone), days=days, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes)
    )


OFFICE = hours("09:00", "17:00", frozenset(range(5)))


@pytest.mark.parametrize(
    ("asked", "opening"),
    [
        ("2026-01-05T09:00+01:00", "2026-01-05T09:00+01:00"),
        ("2026-01-05T16:59:59.999999+01:00", "2026-01-05T16:59:59.999999+01:00"),
        ("2026-01-05T12:00Z", "2026-01-05T12:00Z"),
        ("2026-01-05T08:59:59.999999+01:00", "2026-01-05T09:00+01:00"),
        ("2026-01-05T17:00+01:00", "2026-01-06T09:00+01:00"),
        ("2026-01-09T17:00+01:00", "2026-01-12T09:00+01:00"),
        ("2026-01-10T12:00+01:00", "2026-01-12T09:00+01:00"),
        ("2026-01-10T23:30Z", "2026-01-12T09:00+01:00"),
        ("2026-03-27T18:00+01:00", "2026-03-30T09:00+02:00"),
        ("2026-10-23T18:00+02:00", "2026-10-26T09:00+01:00"),
    ],
)
def test_what_falls_outside_moves_to_the_next_opening(asked: str, opening: str) -> None:
    assert OFFICE.next_opening(at(asked)) == at(opening)
    assert OFFICE.next_opening(at(asked)).tzinfo is UTC


@pytest.mark.parametrize(
    ("kept", "asked", "opening"),
    [
        pytest.param(
            hours("02:30", "17:00"), "2026-03-28T18:00+01:00", "2026-03-29T03:00+02:00", id="opening left out"
        ),
        pytest.param(
            hours("02:10", "02:50"), "2026-03-28T18:00+01:00", "2026-03-30T02:10+02:00", id="all hours left out"
        ),
        pytest.param(
            hours("01:00", "02:30"), "2026-03-28T18:00+01:00", "2026-03-29T01:00+01:00", id="closing left out"
        ),
        pytest.param(
            hours("02:30", "17:00"), "2026-10-24T18:00+02:00", "2026-10-25T02:30+02:00", id="opening shown twice"
        ),
        pytest.param(hours("02:30", "17:00"), "2026-10-25T02:10+01:00", "2026-10-25T02:30+01:00", id="back before it"),
        pytest.param(hours("01:00", "02:30"), "2026-10-25T02:45+02:00", "2026-10-25T02:00+01:00", id="open once more"),
        pytest.param(
            hours("09:00", "17:00", frozenset({4}), "Pacific/Apia"),
            "2011-12-24T12:00-10:00",
            "2012-01-06T09:00+14:00",
            id="a Friday that never was",
        ),
    ],
)
def test_the_clocks_may_be_changed_over_the_opening(kept: WorkingHours, asked: str, opening: str) -> None:
    assert kept.next_opening(at(asked)) == at(opening)


def times() -> st.SearchStrategy[time]:
    """Times of day; near midnight, and near when clocks are changed, more often than not."""
    near = st.integers(min_value=-20, max_value=40).map(lambda steps: steps * 5 % (24 * 60))
    minutes = near | st.integers(min_value=0, max_value=24 * 60 - 1)
    return minutes.map(lambda minute: time(*divmod(minute, 60)))


@st.composite
def questions(draw: st.DrawFn) -> tuple[WorkingHours, datetime]:
    """Working hours, and a time within a week or so of a change of their clocks."""
    zone = draw(st.sampled_from(sorted(CHANGES_OF_CLOCKS)))
    opens, closes = sorted(draw(st.lists(times(), min_size=2, max_size=2, unique=True)))
    days = draw(st.frozensets(st.integers(min_value=0, max_value=6), min_size=1))
    change = at(draw(st.sampled_from(CHANGES_OF_CLOCKS[zone])))
    day = st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=1))
    before = day | st.timedeltas(min_value=timedelta(days=-8), max_value=timedelta(days=2))
    return WorkingHours(zone=ZoneInfo(zone), days=days, opens=opens, closes=closes), change + draw(before)


def is_open(kept: WorkingHours, moment: datetime) -> bool:
    shown = moment.astimezone(kept.zone)
    return shown.weekday() in kept.days and kept.opens <= shown.time() < kept.closes


@given(questions())
@example((hours("23:30", "23:45", frozenset({3}), "Africa/Cairo"), at("2026-10-29T20:50Z")))
def test_the_next_opening_is_the_first_moment_at_which_the_clocks_show_a_working_hour(
    question: tuple[WorkingHours, datetime],
) -> None:
    kept, asked = question
    opening = kept.next_opening(asked)
    if is_open(kept, asked):
        assert opening == asked
        return
    # Openings, and changes of clocks, are at full minutes.
    minute = asked.replace(second=0, microsecond=0) + MINUTE
    while not is_open(kept, minute):
        minute += MINUTE
    assert opening == minute


@given(questions())
def test_an_opening_is_open_and_stays_where_it_is(question: tuple[WorkingHours, datetime]) -> None:
    kept, asked = question
    opening = kept.next_opening(asked)
    assert opening >= asked
    assert is_open(kept, opening)
    assert kept.next_opening(opening) == opening


@given(questions(), st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9)))
def test_who_asks_later_is_not_answered_earlier(question: tuple[WorkingHours, datetime], later: timedelta) -> None:
    kept, asked = question
    assert kept.next_opening(asked) <= kept.next_opening(asked + later)


def test_hours_that_never_come_are_refused() -> None:
    with pytest.raises(ValidationFailed, match="at least one working day"):
        hours("09:00", "17:00", frozenset())
    for closes in ("09:00", "08:59"):
        with pytest.raises(ValidationFailed, match="must end later than they begin"):
            hours("09:00", closes)
