from datetime import UTC, datetime

from contracts.clock import ClockContract
from fakes import FixedClock
from leads_adapters.clock import SystemClock
from leads_domain.sources import Clock


class TestSystemClock(ClockContract):
    def make(self) -> Clock:
        return SystemClock()

    def test_tells_the_present_moment(self) -> None:
        before = datetime.now(UTC)
        now = self.make().now()

        assert before <= now <= datetime.now(UTC)


class TestFixedClock(ClockContract):
    def make(self) -> Clock:
        return FixedClock()
