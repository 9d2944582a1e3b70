"""Test the local times of `leads today`."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest

from leads_app.cli.today import _end_of_day, _when

BERLIN, CAIRO = ZoneInfo("Europe/Berlin"), ZoneInfo("Africa/Cairo")


@pytest.mark.parametrize(
    ("now", "zone", "end"),
    [
        (datetime(2026, 1, 5, 22, 59, tzinfo=UTC), BERLIN, datetime(2026, 1, 5, 23, tzinfo=UTC)),
        (datetime(2026, 1, 5, 23, tzinfo=UTC), BERLIN, datetime(2026, 1, 6, 23, tzinfo=UTC)),
        (datetime(2026, 3, 28, 23, tzinfo=UTC), BERLIN, datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (datetime(2026, 10, 24, 22, tzinfo=UTC), BERLIN, datetime(2026, 10, 25, 23, tzinfo=UTC)),
        (datetime(2024, 4, 25, 12, tzinfo=UTC), CAIRO, datetime(2024, 4, 25, 22, tzinfo=UTC)),  # a skipped midnight
    ],
)
def test_the_day_ends_at_the_next_local_midnight(now: datetime, zone: tzinfo, end: datetime) -> None:
    assert _end_of_day(now, zone) == end


def test_a_moment_of_the_local_day_is_shown_by_its_time_and_others_by_their_date() -> None:
    now = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)
    assert _when(datetime(2026, 1, 5, 23, tzinfo=UTC), now=now, zone=BERLIN) == "00:00"
    assert _when(datetime(2026, 1, 5, 22, 59, tzinfo=UTC), now=now, zone=BERLIN) == "2026-01-05"
    assert _when(datetime(2026, 1, 6, 22, 59, tzinfo=UTC), now=now, zone=BERLIN) == "23:59"
