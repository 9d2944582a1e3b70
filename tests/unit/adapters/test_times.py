"""Test the text form of times."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given

from builders import NOON
from leads_adapters.times import time_text
from leads_domain.events import rfc3339
from strategies import times


@given(times())
@example(NOON)
@example(datetime(1, 1, 1, microsecond=1, tzinfo=UTC))
def test_a_time_has_the_same_text_as_in_the_domain(at: datetime) -> None:
    assert time_text(at) == rfc3339(at)


def test_a_time_without_an_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        time_text(datetime(2026, 1, 5, 12, 0, 0, 1))  # noqa: DTZ001
