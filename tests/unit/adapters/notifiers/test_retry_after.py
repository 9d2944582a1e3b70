"""Test the parser of `Retry-After`."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builders import NOON
from leads_adapters.notifiers.webhook import _delay

WORDS = st.sampled_from(
    ["Fri,", "31", "Dec", "0000", "9999", "99999", "23:59:60", "1:2:3:4", "-0000", "+9999", "GMT", ""]
)


@given(st.text(max_size=40) | st.lists(WORDS, max_size=8).map(" ".join))
@example("9" * 5000)
def test_an_invalid_delay_is_ignored(retry_after: str) -> None:
    delay = _delay(retry_after, NOON.timestamp())
    assert delay is None or delay >= timedelta()


@pytest.fixture
def time_zone_other_than_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("time_zone_other_than_utc")
@pytest.mark.parametrize(
    "date",
    [
        "Mon, 05 Jan 2026 12:10:00 GMT",
        "Monday, 05-Jan-26 12:10:00 GMT",
        "Mon Jan  5 12:10:00 2026",
        "Mon, 05 Jan 2026 12:10:00",
        "Mon, 05 Jan 2026 12:10:00 -0000",
    ],
)
def test_a_date_in_each_form_of_rfc_9110_is_in_gmt(date: str) -> None:
    assert _delay(date, NOON.timestamp()) == timedelta(minutes=10)
