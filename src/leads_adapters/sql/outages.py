"""Track outages of the database, for the log and the readiness check."""

from collections.abc import Callable, Sequence
from time import monotonic

from sqlalchemy.exc import DBAPIError

from leads_adapters.database import Outage
from leads_adapters.sql.jobs import Job

LOG_SECONDS = 60.0
"""The time between two log lines with the same reason."""

PROBE_SECONDS = 1.0
"""The minimum time between two test writes after a write has failed."""


def reason_of(error: Exception) -> str:
    """Return the error message on one line, without PostgreSQL's DETAIL, which may contain a row."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return " ".join(str(cause).partition("\nDETAIL:")[0].split())


class Outages:
    """Tracks whether the last write failed. Calls `log` with each new reason, and repeats a reason once a minute."""

    def __init__(self, log: Callable[[str], None], now: Callable[[], float] = monotonic) -> None:
        self._log = log
        self._now = now
        self._logged_reason = ""
        self._next_log_at = float("-inf")
        self._write_failure: Outage | None = None
        self._next_probe_at = float("-inf")

    def note(self, outage: Outage) -> None:
        """Log an outage, and store it if it is permanent."""
        if outage.permanent:
            self._write_failure = outage
        reason = reason_of(outage)
        if reason != self._logged_reason or self._now() >= self._next_log_at:
            self._logged_reason, self._next_log_at = reason, self._now() + LOG_SECONDS
            self._log(reason)

    def after_read(self, jobs: Sequence[Job]) -> Outage | None:
        """Note and return the outage of a read transaction, if its jobs failed with one."""
        outage = next((job.error for job in jobs if isinstance(job.error, Outage)), None)
        if outage is not None:
            self.note(outage)
        return outage

    def after_write(self, jobs: Sequence[Job]) -> None:
        """Note the outage of a write transaction, or the end of an outage."""
        outage = self.after_read(jobs)
        if self._write_failure is not None and self._write_failure.permanent:
            return
        if any(job.error is None for job in jobs):
            self._write_failure = None
        elif outage is not None:
            self._write_failure = outage

    def needs_probe(self) -> bool:
        """Return whether to test a write, because the last one failed. Raise the `Outage` if a test is not due yet."""
        if self._write_failure is None:
            return False
        if self._write_failure.permanent or self._now() < self._next_probe_at:
            raise self._write_failure
        self._next_probe_at = self._now() + PROBE_SECONDS
        return True
