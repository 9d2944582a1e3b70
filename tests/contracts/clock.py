"""What every adapter of the `Clock` port promises."""

from datetime import UTC, timedelta

from leads_domain.sources import Clock


class ClockContract:
    """Inherit from it, name the class `Test...`, and say how the adapter is made."""

    def make(self) -> Clock:
        """The adapter."""
        raise NotImplementedError

    def test_tells_an_aware_time_in_utc(self) -> None:
        now = self.make().now()

        assert now.tzinfo is UTC
        assert now.utcoffset() == timedelta(0)
