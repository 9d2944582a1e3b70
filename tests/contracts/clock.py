"""The contract of the `Clock` port."""

from datetime import UTC, timedelta

from leads_domain.sources import Clock


class ClockContract:
    """Inherit from it, name the class `Test...`, and implement `make`."""

    def make(self) -> Clock:
        """Return the adapter."""
        raise NotImplementedError

    def test_returns_an_aware_time_in_utc(self) -> None:
        now = self.make().now()

        assert now.tzinfo is UTC
        assert now.utcoffset() == timedelta(0)
