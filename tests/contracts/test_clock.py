"""Test the clocks."""

from datetime import UTC, datetime

from contracts.clock import ClockContract
from fakes import FixedClock
from leads_adapters.clock import SystemClock
from leads_domain.sources import Clock


class TestSystemClock(ClockContract):
    def make(self) -> Clock:
        return SystemClock()

    def test_returns_the_current_time(self) -> None:
        before = datetime.now(UTC)
        now = self.make().now()

        assert before <= now <= datetime.now(UTC)


class TestFixedClock(ClockContract):
    def make(self) -> Clock:
        return FixedClock()
