"""Read the system clock."""

from datetime import UTC, datetime


class SystemClock:
    """The clock of the operating system."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)
