"""Test the local times of `leads today`."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from leads_app.cli.today import _when

BERLIN = ZoneInfo("Europe/Berlin")


def test_a_moment_of_the_local_day_is_shown_by_its_time_and_others_by_their_date() -> None:
    now = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)
    assert _when(datetime(2026, 1, 5, 23, tzinfo=UTC), now=now, zone=BERLIN) == "00:00"
    assert _when(datetime(2026, 1, 5, 22, 59, tzinfo=UTC), now=now, zone=BERLIN) == "2026-01-05"
    assert _when(datetime(2026, 1, 6, 22, 59, tzinfo=UTC), now=now, zone=BERLIN) == "23:59"
