"""Test working hours in several time zones against a minute-by-minute search."""

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

CLOCK_CHANGES = {
    "Europe/Berlin": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],
    "America/New_York": ["2026-03-08T07:00Z", "2026-11-01T06:00Z"],
    "America/St_Johns": ["2011-03-13T03:31Z", "2010-11-07T02:31Z"],  # at 00:01
    "America/Havana": ["2026-03-08T05:00Z", "2026-11-01T05:00Z"],  # at midnight, and from 01:00 to 00:00
    "Atlantic/Azores": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],  # from 00:00 to 01:00, and back
    "Africa/Casablanca": ["2026-02-15T02:00Z", "2026-03-22T02:00Z"],
    "Africa/Cairo": ["2026-04-23T22:00Z", "2026-10-29T21:00Z"],  # back from midnight to the previous day
    "Antarctica/Troll": ["2026-03-29T01:00Z", "2026-10-25T01:00Z"],  # by two hours
    "Australia/Lord_Howe": ["2026-04-04T15:00Z", "2026-10-03T15:30Z"],  # by half an hour
    "Pacific/Apia": ["2011-12-30T10:00Z"],  # skips a day
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
    ("moment", "opening"),
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
def test_a_time_outside_working_hours_moves_to_the_next_opening(moment: str, opening: str) -> None:
    assert OFFICE.next_opening(at(moment)) == at(opening)
    assert OFFICE.next_opening(at(moment)).tzinfo is UTC


@pytest.mark.parametrize(
    ("office", "moment", "opening"),
    [
        pytest.param(
            hours("02:30", "17:00"), "2026-03-28T18:00+01:00", "2026-03-29T03:00+02:00", id="opening time skipped"
        ),
        pytest.param(
            hours("02:10", "02:50"), "2026-03-28T18:00+01:00", "2026-03-30T02:10+02:00", id="all working hours skipped"
        ),
        pytest.param(
            hours("01:00", "02:30"), "2026-03-28T18:00+01:00", "2026-03-29T01:00+01:00", id="closing time skipped"
        ),
        pytest.param(
            hours("02:30", "17:00"), "2026-10-24T18:00+02:00", "2026-10-25T02:30+02:00", id="opening time twice"
        ),
        pytest.param(
            hours("02:30", "17:00"),
            "2026-10-25T02:10+01:00",
            "2026-10-25T02:30+01:00",
            id="clock set back before the opening",
        ),
        pytest.param(
            hours("01:00", "02:30"),
            "2026-10-25T02:45+02:00",
            "2026-10-25T02:00+01:00",
            id="open again after the clock change",
        ),
        pytest.param(
            hours("09:00", "17:00", frozenset({4}), "Pacific/Apia"),
            "2011-12-24T12:00-10:00",
            "2012-01-06T09:00+14:00",
            id="skipped Friday",
        ),
    ],
)
def test_the_next_opening_is_right_around_clock_changes(office: WorkingHours, moment: str, opening: str) -> None:
    assert office.next_opening(at(moment)) == at(opening)


def times() -> st.SearchStrategy[time]:
    """Generate times of day, most of them near midnight and the usual times of clock changes."""
    near = st.integers(min_value=-20, max_value=40).map(lambda steps: steps * 5 % (24 * 60))
    minutes = near | st.integers(min_value=0, max_value=24 * 60 - 1)
    return minutes.map(lambda minute: time(*divmod(minute, 60)))


@st.composite
def offices_and_moments(draw: st.DrawFn) -> tuple[WorkingHours, datetime]:
    """Generate working hours, and a time near a clock change in their zone."""
    zone = draw(st.sampled_from(sorted(CLOCK_CHANGES)))
    opens, closes = sorted(draw(st.lists(times(), min_size=2, max_size=2, unique=True)))
    days = draw(st.frozensets(st.integers(min_value=0, max_value=6), min_size=1))
    clock_change = at(draw(st.sampled_from(CLOCK_CHANGES[zone])))
    day = st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=1))
    offset = day | st.timedeltas(min_value=timedelta(days=-8), max_value=timedelta(days=2))
    return WorkingHours(zone=ZoneInfo(zone), days=days, opens=opens, closes=closes), clock_change + draw(offset)


def is_open(office: WorkingHours, moment: datetime) -> bool:
    local = moment.astimezone(office.zone)
    return local.weekday() in office.days and office.opens <= local.time() < office.closes


@given(offices_and_moments())
@example((hours("23:30", "23:45", frozenset({3}), "Africa/Cairo"), at("2026-10-29T20:50Z")))
def test_the_next_opening_is_the_first_minute_with_local_time_in_the_working_hours(
    office_and_moment: tuple[WorkingHours, datetime],
) -> None:
    office, moment = office_and_moment
    opening = office.next_opening(moment)
    if is_open(office, moment):
        assert opening == moment
        return
    # Openings and clock changes are at full minutes.
    minute = moment.replace(second=0, microsecond=0) + MINUTE
    while not is_open(office, minute):
        minute += MINUTE
    assert opening == minute


@given(offices_and_moments())
def test_the_next_opening_of_an_opening_is_itself(office_and_moment: tuple[WorkingHours, datetime]) -> None:
    office, moment = office_and_moment
    opening = office.next_opening(moment)
    assert opening >= moment
    assert is_open(office, opening)
    assert office.next_opening(opening) == opening


@given(offices_and_moments(), st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9)))
def test_a_later_time_never_has_an_earlier_opening(
    office_and_moment: tuple[WorkingHours, datetime], delay: timedelta
) -> None:
    office, moment = office_and_moment
    assert office.next_opening(moment) <= office.next_opening(moment + delay)


def test_working_hours_without_a_day_or_a_duration_are_refused() -> None:
    with pytest.raises(ValidationFailed, match=r"^Set at least one working day\.$"):
        hours("09:00", "17:00", frozenset())
    for closes in ("09:00", "08:59"):
        with pytest.raises(
            ValidationFailed, match=r"^The working hours must end later than they begin, on the same day\.$"
        ):
            hours("09:00", closes)
